package org.kmem4j.perf.bench;

import java.lang.management.ManagementFactory;
import java.util.List;
import org.openjdk.jmh.annotations.Fork;

/** The JVM of the forks; the flags are those of a usual benchmark, then those inherited. */
record Jvm(String name, String version, List<String> flags, List<String> inheritedFlags) {
  static Jvm here() {
    return new Jvm(
        System.getProperty("java.vm.name"),
        Runtime.version().toString(),
        List.of(KmemBenchmark.class.getAnnotation(Fork.class).jvmArgs()),
        ManagementFactory.getRuntimeMXBean().getInputArguments());
  }
}
