package org.kmem4j.slab;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a cache checks, with the letters of Linux's {@code slab_debug}. A cache that has any of them
 * has no fronts, finds a second free, and is slow; one that has none pays nothing.
 *
 * <p>Other than in Linux, each checks by itself: none needs {@link #CONSISTENCY} to be looked at.
 */
public enum Debug {
  /** At each allocation and free the slab's header, counters and freelist. */
  CONSISTENCY('F'),

  /** Guard bytes before and behind each object, whether it is in use or free. */
  RED_ZONE('Z'),

  /**
   * Free memory holds a pattern, which is checked when it is allocated: who writes after freeing is
   * found. Not in a cache with a constructor, whose free objects keep their state.
   */
  POISON('P'),

  /** Who allocated and who freed each object: stack, thread and time. */
  TRACK('U');

  /** Nothing. */
  public static final Set<Debug> NONE = Collections.unmodifiableSet(EnumSet.noneOf(Debug.class));

  /** Everything. */
  public static final Set<Debug> ALL = Collections.unmodifiableSet(EnumSet.allOf(Debug.class));

  private final char letter;

  Debug(char letter) {
    this.letter = letter;
  }

  /** As in {@code kmem4j.debug}. */
  public char letter() {
    return letter;
  }

  /**
   * What some letters stand for.
   *
   * @throws IllegalArgumentException if one is unknown
   */
  public static Set<Debug> of(String letters) {
    EnumSet<Debug> found = EnumSet.noneOf(Debug.class);
    for (char letter : letters.toCharArray()) {
      found.add(of(letter, letters));
    }
    return Collections.unmodifiableSet(found);
  }

  private static Debug of(char letter, String letters) {
    for (Debug debug : values()) {
      if (debug.letter == letter) {
        return debug;
      }
    }
    throw new IllegalArgumentException("\"" + letters + "\": accepted are the letters F, Z, P, U");
  }
}
