package org.kmem4j.perf.torture;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** Sleep in native code: the JVM knows nothing of it and cannot wake the thread. */
final class NativeSleep {
  private static final MethodHandle USLEEP = find();

  private NativeSleep() {}

  @SuppressWarnings("restricted") // perf has native access
  private static MethodHandle find() {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(
        linker.defaultLookup().findOrThrow("usleep"),
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
  }

  static void micros(int micros) {
    try {
      int ignored = (int) USLEEP.invokeExact(micros);
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }
}
