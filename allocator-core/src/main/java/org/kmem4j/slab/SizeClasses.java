package org.kmem4j.slab;

import java.util.ArrayList;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.kmem4j.memory.Os;
import org.kmem4j.page.PageMap;
import org.kmem4j.sync.PerThread;
import org.kmem4j.sync.Slot;
import org.kmem4j.sync.StackProbe;

/**
 * Allocation by size for one account: a cache for each size class up to {@value #MAX_CLASS_BYTES}
 * bytes, runs of pages above. Any thread may call any method; any address may be freed through any
 * instance of the same allocator.
 *
 * <p>Classes are 8 bytes apart up to 128 bytes, then eight to a doubling up to 2 KiB, then four: a
 * size is rounded up by at most an eighth, above 2 KiB by a quarter. All are aligned to 8 bytes,
 * and to 16 from 16 bytes on where the size is a multiple of 16.
 */
public final class SizeClasses {
  static final int MAX_CLASS_BYTES = 32 << 10;

  private static final int SMALL_MAX = 2048;
  private static final int SMALL_STEP_SHIFT = 3;
  private static final int MEDIUM_STEP_SHIFT = 9;

  private static final int[] SIZES = sizes();

  /** Class of a size: by steps of 8 bytes up to 2 KiB, by steps of 512 bytes above. */
  private static final byte[] SMALL = table(SMALL_MAX, SMALL_STEP_SHIFT);

  private static final byte[] MEDIUM = table(MAX_CLASS_BYTES, MEDIUM_STEP_SHIFT);

  private final SizeClasses root;
  private final ConcurrentHashMap<Account, SizeClasses> children = new ConcurrentHashMap<>();
  private final Account account;
  private final Slabs slabs;
  private final PageMap map;

  /**
   * By number, for the fast path; null where it does not lead further: classes that debug, and
   * those of an account that are not made yet.
   */
  private final KmemCache[] classes;

  /** All classes of nobody, by number. */
  private final KmemCache[] roots;

  private final LargeBlocks large;
  private final int maxClassBytes;

  /**
   * Makes the classes of an allocator.
   *
   * @param debug what each checks, by its name
   */
  public SizeClasses(Slabs slabs, Function<String, Set<Debug>> debug) {
    this.root = this;
    this.account = null;
    this.slabs = slabs;
    this.map = slabs.pages().map();
    this.classes = new KmemCache[SIZES.length];
    this.roots = new KmemCache[SIZES.length];
    this.large = new LargeBlocks(slabs, null, () -> {});
    slabs.publish(large, () -> {});
    int largest = 0;
    for (int i = 0; i < SIZES.length; i++) {
      int align = SIZES[i] % 16 == 0 ? 16 : 8;
      String name = "size-" + SIZES[i];
      var options = CacheOptions.of(name, SIZES[i]).align(align).debug(debug.apply(name));
      if (CacheSlabs.geometryIfAny(slabs.tracking(options), slabs) == null) {
        break; // with a small maxOrder the largest classes do not exist
      }
      roots[i] = slabs.create(options);
      classes[i] = roots[i].isDebug() ? null : roots[i];
      largest = SIZES[i];
    }
    this.maxClassBytes = largest;
  }

  private SizeClasses(SizeClasses base, Account account) {
    this.root = base;
    this.slabs = base.slabs;
    this.map = base.map;
    this.classes = new KmemCache[SIZES.length];
    this.roots = base.roots;
    this.large = new LargeBlocks(slabs, account, () -> base.children.remove(account, this));
    this.maxClassBytes = base.maxClassBytes;
    this.account = account;
  }

  /** A class, which for an account is made on first use. */
  private KmemCache classFor(int bytes) {
    int number = classOf(bytes);
    KmemCache cache = classes[number];
    if (cache == null) {
      cache = account == null ? roots[number] : roots[number].in(account);
      if (!cache.isDebug()) {
        classes[number] = cache; // benign race: both store the same cache
      }
    }
    return cache;
  }

  /**
   * The same classes, paid for by an account, or its heir if it is closed: made on first use, the
   * same ones ever after.
   *
   * @throws IllegalArgumentException if the account pays in another allocator
   * @throws OutOfNativeMemoryException if there is no room for its struct
   */
  public SizeClasses in(Account payer) {
    Objects.requireNonNull(payer, "account");
    slabs.checkOpen();
    SizeClasses child = root.children.get(payer);
    while (child == null) {
      Account heir = payer.heir();
      if (heir == null) {
        return root;
      }
      child = heir.equals(payer) ? createChild(payer) : in(heir);
    }
    return child;
  }

  /** Returns the child, by whomever it was made, or null if the account was closed meanwhile. */
  private SizeClasses createChild(Account payer) {
    slabs.checkPays(payer);
    SizeClasses fresh = new SizeClasses(root, payer);
    SizeClasses child = null;
    try {
      slabs.publish(fresh.large, () -> root.children.putIfAbsent(payer, fresh));
      child = root.children.get(payer);
    } finally {
      if (child != fresh) { // somebody was faster, or the account was closed: nobody has seen it
        fresh.large.retire();
      }
    }
    return child;
  }

  private static int[] sizes() {
    var sizes = new ArrayList<Integer>();
    for (int size = 8; size <= 128; size += 8) {
      sizes.add(size);
    }
    for (int power = 128; power < SMALL_MAX; power *= 2) {
      for (int i = 1; i <= 8; i++) {
        sizes.add(power + power / 8 * i);
      }
    }
    for (int power = SMALL_MAX; power < MAX_CLASS_BYTES; power *= 2) {
      for (int i = 1; i <= 4; i++) {
        sizes.add(power + power / 4 * i);
      }
    }
    return sizes.stream().mapToInt(Integer::intValue).toArray();
  }

  private static byte[] table(int max, int shift) {
    byte[] table = new byte[(max >> shift) + 1];
    int at = 0;
    for (int step = 0; step < table.length; step++) {
      while (SIZES[at] < step << shift) {
        at++;
      }
      table[step] = (byte) at;
    }
    return table;
  }

  /** Bytes that an allocation of this size really gets, or 0 if the size is out of range. */
  static int classBytes(int bytes) {
    return bytes < 1 || bytes > MAX_CLASS_BYTES ? 0 : SIZES[classOf(bytes)];
  }

  private static int classOf(int bytes) {
    return bytes <= SMALL_MAX
        ? SMALL[(bytes + (1 << SMALL_STEP_SHIFT) - 1) >> SMALL_STEP_SHIFT]
        : MEDIUM[(bytes + (1 << MEDIUM_STEP_SHIFT) - 1) >> MEDIUM_STEP_SHIFT];
  }

  /**
   * Takes a block of at least {@code bytes} bytes; its contents are undefined.
   *
   * @return its address, or 0 if the ceiling, the account or the system refuses
   * @throws IllegalArgumentException if the size is not positive
   * @throws IllegalStateException after {@code close}
   */
  public long tryAlloc(long bytes) {
    if (bytes > 0 && bytes <= SMALL_MAX) {
      int step = ((int) bytes + (1 << SMALL_STEP_SHIFT) - 1) >> SMALL_STEP_SHIFT;
      KmemCache cache = classes[SMALL[step]];
      if (cache != null) {
        return cache.tryAlloc();
      }
    }
    try {
      return allocRest(bytes, false);
    } catch (OutOfNativeMemoryException e) { // no room for the struct of an account's cache
      return 0;
    }
  }

  private long allocRest(long bytes, boolean mayWait) {
    if (bytes < 1) {
      throw new IllegalArgumentException(
          "size=" + bytes + ", accepted: 1 to the ceiling (kmem4j.max)");
    }
    if (bytes <= maxClassBytes) {
      KmemCache cache = classFor((int) bytes);
      long object = mayWait ? cache.alloc() : cache.tryAlloc();
      if (object != 0 && cache.isDebug()) {
        cache.narrow(object, (int) bytes);
      }
      return object;
    }
    slabs.checkOpen();
    StackProbe.probe();
    if (root == this && PerThread.binding() instanceof Account bound && bound.paysIn(slabs)) {
      return in(bound).allocLarge(bytes, mayWait);
    }
    return allocLarge(bytes, mayWait);
  }

  private long allocLarge(long bytes, boolean mayWait) {
    Slot pinned = KmemCache.suspendPin();
    try {
      return mayWait
          ? large.insist(() -> tryAllocLarge(bytes), bytes, LargeBlocks.pagesFor(bytes))
          : Math.max(0, tryAllocLarge(bytes));
    } finally {
      KmemCache.resumePin(pinned);
    }
  }

  /** Takes a large block, or says who refused. */
  private long tryAllocLarge(long bytes) {
    if (!large.enter()) {
      slabs.checkOpen();
      Account heir = account.heir();
      return (heir == null ? root : root.in(heir)).tryAllocLarge(bytes);
    }
    try {
      return large.tryAllocate(bytes);
    } finally {
      large.leave();
    }
  }

  /**
   * Takes a block of at least {@code bytes} bytes, making room first if need be.
   *
   * @throws OutOfNativeMemoryException if there is no room nevertheless
   * @throws IllegalArgumentException if the size is not positive
   */
  public long alloc(long bytes) {
    long block = tryAlloc(bytes);
    return block != 0 ? block : allocRest(bytes, true);
  }

  /**
   * Gives a block or an object of any cache back. 0 is allowed and does nothing.
   *
   * @throws IllegalArgumentException if no block of this allocator begins at the address; nothing
   *     is changed then
   * @throws IllegalStateException after {@code close}
   */
  public void free(long address) {
    int entry = map.entry(address);
    if (PageMap.isSlab(entry)) {
      slabs.free(entry, address);
    } else if (address != 0 && !LargeBlocks.free(slabs, address)) {
      slabs.checkOpen();
      throw new IllegalArgumentException(slabs.describeForeign(address, "any cache"));
    }
  }

  /**
   * Bytes that may be used at an address that was allocated.
   *
   * @throws IllegalArgumentException if no block of this allocator begins at the address
   * @throws IllegalStateException after {@code close}
   */
  public long usableSize(long address) {
    slabs.checkOpen();
    KmemCache cache = slabs.cacheAround(address);
    if (cache != null && cache.beginsObject(address)) {
      return cache.usableBytes(address);
    }
    int pages = slabs.pages().largePages(address);
    if (pages == 0) {
      throw new IllegalArgumentException(slabs.describeForeign(address, "any cache"));
    }
    return (long) pages << Os.PAGE_SHIFT;
  }
}
