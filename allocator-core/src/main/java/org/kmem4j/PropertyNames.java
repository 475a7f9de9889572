package org.kmem4j;

import java.util.Set;

/**
 * The system properties of a module. Each module present registers its own as a service, so that an
 * unknown {@code kmem4j.} name is an error that can say which known one is near.
 */
public interface PropertyNames {
  /** Complete names. */
  Set<String> names();

  /** Beginnings of names whose rest the module itself checks, such as {@code kmem4j.memcg.}. */
  default Set<String> prefixes() {
    return Set.of();
  }
}
