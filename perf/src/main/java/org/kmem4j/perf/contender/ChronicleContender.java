package org.kmem4j.perf.contender;

import net.openhft.chronicle.bytes.BytesStore;

/**
 * A native store of Chronicle Bytes for each object, which it takes from malloc. Of its factories
 * this is the one that does not zero.
 */
final class ChronicleContender extends ObjectContender {
  private final BytesStore<?, Void>[] stores;
  private final long mappedBefore = MallocContender.mapped();

  @SuppressWarnings({"unchecked", "rawtypes"}) // An array of a generic type.
  ChronicleContender(int cells) {
    stores = new BytesStore[cells];
  }

  @Override
  public long alloc(int cell, long bytes) {
    stores[cell] = BytesStore.lazyNativeBytesStoreWithFixedCapacity(bytes);
    return ORIGIN;
  }

  @Override
  public void free(int cell, long address, long bytes) {
    stores[cell].releaseLast();
    stores[cell] = null;
  }

  @Override
  public String version() {
    return Contender.CHRONICLE.version();
  }

  @Override
  long mappedBytes() {
    return MallocContender.mappedSince(mappedBefore);
  }

  @Override
  public long getLong(int cell, long at) {
    return stores[cell].readLong(at - ORIGIN);
  }

  @Override
  public void putLong(int cell, long at, long value) {
    stores[cell].writeLong(at - ORIGIN, value);
  }

  @Override
  public byte getByte(int cell, long at) {
    return stores[cell].readByte(at - ORIGIN);
  }

  @Override
  public void putByte(int cell, long at, byte value) {
    stores[cell].writeByte(at - ORIGIN, value);
  }
}
