package org.kmem4j.perf.trace;

import org.kmem4j.perf.KmemException;

/** A trace that cannot be used. The message names file, place, value and what is accepted. */
public final class TraceException extends KmemException {
  private static final long serialVersionUID = 1L;

  TraceException(String sentence) {
    super(sentence);
  }

  TraceException(String sentence, Throwable cause) {
    super(sentence, cause);
  }
}
