package org.kmem4j.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.Locale;

/**
 * System calls: Linux on x86-64 and AArch64. None of them is {@code critical}: each may block, and
 * a safepoint need not wait for it.
 *
 * <p>Methods named {@code try…} return false when the kernel says no; the others throw {@link
 * OsException} with the call, its arguments and errno.
 *
 * <p>Elsewhere (macOS) there is no {@code membarrier}: readers then use full fences ({@link
 * #MEMBARRIER}), and memory is given back with the same {@code madvise}.
 */
public final class Os {
  /** The page size of the allocator, whatever the machine's. */
  public static final int PAGE_BYTES = 4096;

  public static final int PAGE_SHIFT = 12;

  private static final int PROT_NONE = 0;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE = 0x02;
  private static final int MADV_DONTNEED = 4;
  private static final int MADV_HUGEPAGE = 14;
  private static final int MADV_NOHUGEPAGE = 15;
  private static final long MEMBARRIER_PRIVATE_EXPEDITED = 1 << 3;
  private static final long MEMBARRIER_REGISTER_PRIVATE_EXPEDITED = 1 << 4;
  private static final long PR_SET_VMA = 0x53564d41;

  private static final boolean LINUX =
      System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux");
  private static final boolean AARCH64 = System.getProperty("os.arch").equals("aarch64");
  private static final int MAP_ANONYMOUS = LINUX ? 0x20 : 0x1000;
  private static final int MAP_NORESERVE = LINUX ? 0x4000 : 0x40;
  private static final int MAP_FIXED = 0x10;
  private static final long SYS_MEMBARRIER = AARCH64 ? 283 : 324;
  private static final long SYS_PRCTL = AARCH64 ? 167 : 157;
  private static final int SC_PAGESIZE = LINUX ? 30 : 29;

  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  private static final MethodHandle MMAP =
      call(
          "mmap",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle MUNMAP =
      call("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle MADVISE =
      call("madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  private static final MethodHandle MPROTECT =
      call("mprotect", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
  private static final MethodHandle MLOCK =
      call("mlock", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));

  /** For what has no shape in common with another call: each shape takes long to link. */
  private static final MethodHandle SYSCALL =
      call(
          "syscall",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
          Linker.Option.firstVariadicArg(1));

  private static final MethodHandle SYSCONF =
      call("sysconf", FunctionDescriptor.of(JAVA_LONG, JAVA_INT));
  private static final MethodHandle STRERROR =
      Native.find("strerror", FunctionDescriptor.of(ADDRESS, JAVA_INT));

  /** Whether {@link #membarrier} works here. If not, readers need full fences. */
  public static final boolean MEMBARRIER = registerMembarrier();

  /** Decides which system calls fail: for tests of what a refusal leaves behind. */
  @FunctionalInterface
  public interface Faults {
    /**
     * The errno with which a call fails instead of being made; 0 to make it. Called by any thread.
     */
    int errnoOf(String call);
  }

  /** Null but in tests. Looked at before a system call, which takes a thousand times as long. */
  private static volatile Faults faults;

  private Os() {}

  /** Linked by who looks: each kind of call takes some milliseconds of a JVM's start. */
  private static final class Residency {
    static final MethodHandle MINCORE =
        call("mincore", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, ADDRESS));
  }

  /** From now on {@code some} decides which system calls fail; null for none. */
  public static void injectFaults(Faults some) {
    faults = some;
  }

  private static void failIfInjected(String call, String arguments) {
    Faults some = faults;
    int errno = some == null ? 0 : some.errnoOf(call);
    if (errno != 0) {
      throw failed(call, arguments + ", injected", errno);
    }
  }

  private static void failIfInjected(String call, long address, long bytes) {
    if (faults != null) {
      failIfInjected(call, range(address, bytes));
    }
  }

  /** Maps zero pages that may be read and written; memory comes with the first touch. */
  public static long map(long bytes, String name) {
    return map(0, bytes, PROT_READ_WRITE, 0, name);
  }

  private static long map(long at, long bytes, int protection, int moreFlags, String name) {
    failIfInjected("mmap", at, bytes);
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | moreFlags;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      MemorySegment text = arena.allocateFrom(name); // now: a mapping would be lost by a refusal
      long address = (long) MMAP.invokeExact(state, at, bytes, protection, flags, -1, 0L);
      if (address == -1) {
        throw failed("mmap", "bytes=" + bytes, state);
      }
      nameMapping(state, address, bytes, text);
      return address;
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /**
   * Reserves address space whose first address is a multiple of {@code align}. It counts as no
   * memory, and may not be accessed, until {@link #protect} makes parts of it accessible.
   */
  public static long reserve(long bytes, long align, String name) {
    long address = map(0, bytes + align, PROT_NONE, 0, name);
    long aligned = (address + align - 1) & -align;
    boolean done = false;
    try {
      if (aligned > address) {
        unmap(address, aligned - address);
      }
      unmap(aligned + bytes, address + align - aligned);
      done = true;
    } finally {
      if (!done) {
        unmap(address, bytes + align); // what is unmapped already is no error
      }
    }
    return aligned;
  }

  /**
   * Gives memory back that may be locked; the pages read as zero afterwards. A new mapping is the
   * second choice: a system that counts what may be written can refuse one, and POSIX allows that
   * the old one is gone then.
   */
  public static void zero(long address, long bytes, String name) {
    try {
      if (LINUX) { // elsewhere the advice is a hint
        decommit(address, bytes);
        return;
      }
    } catch (OsException e) { // such as EINVAL: locked
      // mapped anew
    }
    mapZero(address, bytes, name);
  }

  /** Replaces what is mapped by fresh zero pages, in one step: a late access reads zeroes. */
  public static void mapZero(long address, long bytes, String name) {
    map(address, bytes, PROT_READ_WRITE, MAP_FIXED, name);
  }

  /** Gives the address space back. A later access kills the process. */
  public static void unmap(long address, long bytes) {
    if (bytes == 0) {
      return;
    }
    failIfInjected("munmap", address, bytes);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      if ((int) MUNMAP.invokeExact(state, address, bytes) != 0) {
        throw failed("munmap", range(address, bytes), state);
      }
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Gives memory back to the system; the pages read as zero afterwards. */
  public static void decommit(long address, long bytes) {
    advise(address, bytes, MADV_DONTNEED, "MADV_DONTNEED");
  }

  /**
   * Asks for, or refuses, transparent huge pages. A kernel without them ignores it, and it is not
   * worth failing for where the Java heap is full.
   */
  public static boolean tryHugePages(long address, long bytes, boolean wanted) {
    if (!LINUX) {
      return false;
    }
    try {
      advise(address, bytes, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE, "MADV_[NO]HUGEPAGE");
      return true;
    } catch (OsException | OutOfMemoryError e) {
      return false;
    }
  }

  private static void advise(long address, long bytes, int advice, String name) {
    failIfInjected("madvise", address, bytes);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      if ((int) MADVISE.invokeExact(state, address, bytes, advice) != 0) {
        throw failed("madvise", range(address, bytes) + ", " + name, state);
      }
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Forbids, or allows again, every access to whole pages. */
  public static void protect(long address, long bytes, boolean accessible) {
    failIfInjected("mprotect", address, bytes);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      int protection = accessible ? PROT_READ_WRITE : PROT_NONE;
      if ((int) MPROTECT.invokeExact(state, address, bytes, protection) != 0) {
        throw failed("mprotect", range(address, bytes) + ", accessible=" + accessible, state);
      }
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Keeps pages in memory. */
  public static void lock(long address, long bytes) {
    failIfInjected("mlock", address, bytes);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      if ((int) MLOCK.invokeExact(state, address, bytes) != 0) {
        throw failed("mlock", range(address, bytes) + " (see ulimit -l)", state);
      }
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Counts how many bytes of the range are in memory now. */
  public static long residentBytes(long address, long bytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long step = 64L << 20;
      MemorySegment present = arena.allocate(Math.min(bytes, step) / PAGE_BYTES + 1);
      long pages = 0;
      for (long at = 0; at < bytes; at += step) {
        long length = Math.min(step, bytes - at);
        if ((int) Residency.MINCORE.invokeExact(state, address + at, length, present) != 0) {
          throw failed("mincore", range(address + at, length), state);
        }
        for (long i = 0; i < length / PAGE_BYTES; i++) {
          pages += present.get(ValueLayout.JAVA_BYTE, i) & 1;
        }
      }
      return pages * PAGE_BYTES;
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Interrupts every running thread of this process with a full fence, and returns afterwards. */
  public static void membarrier() {
    failIfInjected("membarrier", "PRIVATE_EXPEDITED");
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long rc =
          (long)
              SYSCALL.invokeExact(
                  state, SYS_MEMBARRIER, MEMBARRIER_PRIVATE_EXPEDITED, 0L, 0L, 0L, 0L);
      if (rc != 0) {
        throw failed("membarrier", "PRIVATE_EXPEDITED", state);
      }
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  private static boolean registerMembarrier() {
    checkPageSize();
    if (!LINUX || SYSCALL == null) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      long command = MEMBARRIER_REGISTER_PRIVATE_EXPEDITED;
      return (long) SYSCALL.invokeExact(state, SYS_MEMBARRIER, command, 0L, 0L, 0L, 0L) == 0;
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** A page of the system must not be larger than ours: decommit works on whole pages of both. */
  private static void checkPageSize() {
    if (SYSCONF == null || MMAP == null) {
      throw new UnsupportedOperationException(
          "Kmem4j needs a POSIX system with mmap; this is " + System.getProperty("os.name"));
    }
    try (Arena arena = Arena.ofConfined()) {
      long bytes = (long) SYSCONF.invokeExact(arena.allocate(STATE), SC_PAGESIZE);
      if (bytes != PAGE_BYTES) {
        throw new UnsupportedOperationException(
            "the system's pages have " + bytes + " bytes; Kmem4j works with pages of 4096 bytes");
      }
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Shows the mapping's name in {@code /proc/self/maps}; older kernels do not support it. */
  private static void nameMapping(MemorySegment state, long address, long bytes, MemorySegment text)
      throws Throwable {
    if (LINUX && SYSCALL != null) {
      long ignored =
          (long)
              SYSCALL.invokeExact(state, SYS_PRCTL, PR_SET_VMA, 0L, address, bytes, text.address());
    }
  }

  private static MethodHandle call(String name, FunctionDescriptor type, Linker.Option... options) {
    Linker.Option[] all = Arrays.copyOf(options, options.length + 1);
    all[options.length] = Linker.Option.captureCallState("errno");
    return Native.find(name, type, all);
  }

  private static String range(long address, long bytes) {
    return "address=0x" + Long.toHexString(address) + ", bytes=" + bytes;
  }

  private static OsException failed(String call, String arguments, MemorySegment state) {
    return failed(call, arguments, (int) ERRNO.get(state, 0L));
  }

  private static OsException failed(String call, String arguments, int errno) {
    String text;
    try {
      text = Native.text((MemorySegment) STRERROR.invokeExact(errno));
    } catch (Throwable e) {
      text = "?";
    }
    return new OsException(
        call + "(" + arguments + ") failed: errno " + errno + ", " + text, errno);
  }

  private static RuntimeException rethrow(Throwable e) {
    if (e instanceof RuntimeException unchecked) {
      return unchecked;
    }
    if (e instanceof Error error) {
      throw error;
    }
    return new IllegalStateException(e);
  }
}
