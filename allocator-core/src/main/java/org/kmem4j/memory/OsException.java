package org.kmem4j.memory;

/** A system call failed. The message names the call, its arguments and errno in words. */
public final class OsException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int errno;

  OsException(String message, int errno) {
    super(message);
    this.errno = errno;
  }

  /** The number that the kernel gave, such as 12 for ENOMEM. */
  public int errno() {
    return errno;
  }
}
