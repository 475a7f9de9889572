package org.kmem4j.perf;

/** A failure that its message tells in one sentence; the command prints it without a stack. */
public class KmemException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** The message is what the user reads: what was wrong, the value, what is accepted. */
  public KmemException(String sentence) {
    super(sentence);
  }

  /** As above; the cause is kept for a debugger and never printed. */
  public KmemException(String sentence, Throwable cause) {
    super(sentence, cause);
  }
}
