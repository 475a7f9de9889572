package org.kmem4j.memcg.group;

import java.util.Locale;

/** The limits of a group. */
public enum Limit {
  /** No request exceeds it. */
  MAX,
  /** Above it the agent reclaims; it never refuses. */
  HIGH,
  /** Reclaim leaves so much alone as long as there is anything else. */
  LOW,
  /** Reclaim always leaves so much alone. */
  MIN;

  /** As it is written in properties: {@code max}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
