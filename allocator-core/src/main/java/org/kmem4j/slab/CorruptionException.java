package org.kmem4j.slab;

/**
 * Metadata of a slab, or an object's red zone, was overwritten: a program wrote past or before an
 * object, or after freeing it. The slab has been frozen: it is on no list and is never used again,
 * and the rest stays sound.
 */
public final class CorruptionException extends RuntimeException {
  private static final long serialVersionUID = 1;

  CorruptionException(String message) {
    super(message);
  }
}
