package org.kmem4j.perf.bench;

import java.util.Map;
import java.util.TreeMap;
import org.kmem4j.perf.contender.Contender;
import org.openjdk.jmh.util.Version;

/** Versions of whatever takes part. */
final class Versions {
  private Versions() {}

  /** By the name of the library, or of the contender where that is one. */
  static Map<String, String> all() {
    Map<String, String> versions = new TreeMap<>();
    versions.put("kmem4j", Contender.SLAB.version());
    versions.put("agrona", Contender.AGRONA_QUEUE.version());
    versions.put("jmh", Version.getPlainVersion());
    for (Contender contender : Contender.values()) {
      if (contender.isInstalled()) {
        versions.put(contender.toString(), contender.version());
      }
    }
    return versions;
  }
}
