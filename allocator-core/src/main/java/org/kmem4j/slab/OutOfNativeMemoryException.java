package org.kmem4j.slab;

/**
 * Memory was refused: the ceiling is reached, or the system gave none, or an account refused to
 * pay; the message says which, and what raises it. Thrown by the operations without {@code try} in
 * their name; the {@code try} form of each returns 0, false or null instead. A refusal leaves no
 * trace.
 */
public class OutOfNativeMemoryException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final long requestedBytes;
  private final long mappedBytes;
  private final long maxBytes;

  /**
   * @param message the whole sentence
   * @param requestedBytes what was asked for
   * @param mappedBytes what the allocator held
   * @param maxBytes what it may hold
   * @param cause what the system said, or null
   */
  public OutOfNativeMemoryException(
      String message, long requestedBytes, long mappedBytes, long maxBytes, Throwable cause) {
    super(message, cause);
    this.requestedBytes = requestedBytes;
    this.mappedBytes = mappedBytes;
    this.maxBytes = maxBytes;
  }

  /** Bytes that were asked for. */
  public final long requestedBytes() {
    return requestedBytes;
  }

  /** Bytes that the allocator held when it refused, free ones with memory behind them included. */
  public final long mappedBytes() {
    return mappedBytes;
  }

  /** The ceiling in bytes. */
  public final long maxBytes() {
    return maxBytes;
  }
}
