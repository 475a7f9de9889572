package org.kmem4j.memcg;

import java.util.Set;
import org.kmem4j.PropertyNames;

/** The system properties of this module, for the core's check of names. */
public final class MemcgPropertyNames implements PropertyNames {
  /** A properties file with limits. */
  static final String CONFIG = "kmem4j.config";

  /** Whether a group that leaves objects behind is an error. */
  static final String STRICT = LimitRules.PREFIX + "strict";

  /** For {@link java.util.ServiceLoader}. */
  public MemcgPropertyNames() {}

  @Override
  public Set<String> names() {
    return Set.of(CONFIG, STRICT);
  }

  @Override
  public Set<String> prefixes() {
    return Set.of(LimitRules.PREFIX);
  }
}
