package org.kmem4j.perf.torture;

/** Something that must never happen, with what was expected and what was found. */
final class Violation extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** What kind of rule is broken. */
  enum Kind {
    /** An address was given to a second owner, or freed by one who did not own it. */
    OWNER,
    /** An object does not hold what its owner wrote. */
    CONTENTS,
    /** The books of the allocator do not agree with its memory, or with what was handed out. */
    BOOKS,
    /** The books of the groups do not agree with the memory they pay for. */
    CHARGES,
    /** A closed group was not released. */
    STUCK_GROUP,
    /** A slot's word says that its thread is in a section or holds a pin, and it does not. */
    SLOT_WORD,
    /** A thread does not come to rest. */
    HANG,
    /** Something was thrown that no caller should see. */
    EXCEPTION
  }

  private final Kind kind;

  Violation(Kind kind, String sentence, Throwable cause) {
    super(sentence, cause);
    this.kind = kind;
  }

  Violation(Kind kind, String sentence) {
    this(kind, sentence, null);
  }

  Kind kind() {
    return kind;
  }
}
