package org.kmem4j.perf.bench;

import io.netty.buffer.PooledByteBufAllocator;
import java.util.Map;
import java.util.TreeMap;
import org.agrona.concurrent.UnsafeBuffer;
import org.kmem4j.SlabAllocator;
import org.kmem4j.perf.clib.CLibrary;
import org.openjdk.jmh.util.Version;

/** Versions of whatever takes part. */
final class Versions {
  private Versions() {}

  static Map<String, String> all() {
    Map<String, String> versions = new TreeMap<>();
    versions.put("kmem4j", of(SlabAllocator.class, "of this working tree"));
    versions.put("agrona", of(UnsafeBuffer.class, "unknown"));
    versions.put("netty", of(PooledByteBufAllocator.class, "unknown"));
    versions.put("jmh", Version.getPlainVersion());
    for (CLibrary library : CLibrary.values()) {
      if (library.isInstalled()) {
        versions.put(library.toString(), library.version());
      }
    }
    return versions;
  }

  private static String of(Class<?> member, String absent) {
    String version = member.getPackage().getImplementationVersion();
    return version != null ? version : absent;
  }
}
