package org.kmem4j.slab;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.LongConsumer;

/**
 * What a cache is made of. Immutable: each method gives changed options.
 *
 * @param name shown in reports; printable and without spaces
 * @param objectBytes size of an object in bytes
 * @param align alignment of every object in bytes, a power of two
 * @param constructor runs once per object when its slab is created; objects are freed in the state
 *     it left them in, and the allocator writes nothing into free ones. Or null
 * @param objectAccount accounts object by object, or null
 * @param debug what is checked; if anything, the cache has no fronts, and a state and a generation
 *     for each object
 * @param reclaimable whether the program can give its objects up on demand: for statistics
 */
public record CacheOptions(
    String name,
    int objectBytes,
    int align,
    LongConsumer constructor,
    ObjectAccount objectAccount,
    Set<Debug> debug,
    boolean reclaimable) {

  /**
   * Checks every value.
   *
   * @throws IllegalArgumentException if one is not accepted; the message says what is
   */
  public CacheOptions {
    if (name == null || !name.matches("[\\x21-\\x7e]{1,64}")) {
      throw new IllegalArgumentException(
          "name=\"" + name + "\": a cache's name is 1 to 64 printable ASCII characters, no spaces");
    }
    if (objectBytes < 1 || objectBytes > SlabGeometry.MAX_OBJECT_BYTES) {
      throw new IllegalArgumentException(
          "objectBytes=" + objectBytes + ", accepted: 1 to " + SlabGeometry.MAX_OBJECT_BYTES);
    }
    if (align < 1 || align > SlabGeometry.MAX_ALIGN || Integer.bitCount(align) != 1) {
      throw new IllegalArgumentException(
          "align=" + align + ", accepted: a power of two from 1 to " + SlabGeometry.MAX_ALIGN);
    }
    debug = debug.isEmpty() ? Debug.NONE : Collections.unmodifiableSet(EnumSet.copyOf(debug));
  }

  /**
   * Objects of a size in bytes, aligned to 8 bytes.
   *
   * @throws IllegalArgumentException if name or size is not accepted
   */
  public static CacheOptions of(String name, int objectBytes) {
    return new CacheOptions(name, objectBytes, 8, null, null, Debug.NONE, false);
  }

  /**
   * Aligns every object to a multiple of {@code bytes}.
   *
   * @throws IllegalArgumentException if it is no power of two from 1 to 4096
   */
  public CacheOptions align(int bytes) {
    return new CacheOptions(
        name, objectBytes, bytes, constructor, objectAccount, debug, reclaimable);
  }

  /**
   * Aligns to a cache line, or to the largest halving of it that still holds one small object, so
   * that no object straddles a line: Linux's {@code SLAB_HWCACHE_ALIGN}.
   */
  public CacheOptions cacheLineAligned() {
    int align = 64;
    while (align > 8 && objectBytes <= align / 2) {
      align /= 2;
    }
    return align(Math.max(align, this.align));
  }

  /**
   * Runs {@code initialise} with the address of each object of a new slab, on the thread whose
   * allocation needed the slab, with no lock held. What it throws, that allocation throws; the slab
   * is then given back.
   */
  public CacheOptions constructor(LongConsumer initialise) {
    return new CacheOptions(
        name, objectBytes, align, initialise, objectAccount, debug, reclaimable);
  }

  /** Asks {@code account} for each object. The cache then has no fronts. */
  public CacheOptions objectAccount(ObjectAccount account) {
    return new CacheOptions(name, objectBytes, align, constructor, account, debug, reclaimable);
  }

  /**
   * Catches wrong use, at the price of having no fronts: {@link Debug#ALL}, or some of it. In a
   * cache that debugs an object can be used to the byte that was asked for, and not beyond.
   */
  public CacheOptions debug(Set<Debug> checks) {
    return new CacheOptions(
        name, objectBytes, align, constructor, objectAccount, checks, reclaimable);
  }

  /** Whether anything is checked. */
  boolean debugs() {
    return !debug.isEmpty();
  }

  boolean debugs(Debug check) {
    return debug.contains(check);
  }

  /**
   * Says that the program can give the objects up when room is needed, so that statistics count
   * their pages apart: Linux's {@code SLAB_RECLAIM_ACCOUNT}.
   */
  public CacheOptions reclaimable(boolean yes) {
    return new CacheOptions(name, objectBytes, align, constructor, objectAccount, debug, yes);
  }
}
