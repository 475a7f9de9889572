package org.kmem4j.sync;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The words of a {@link Slot} that its thread writes with every operation, on lines of their own.
 */
abstract class SlotWords extends Padding {
  static final VarHandle WORD = field("word", long.class);
  static final VarHandle PIN = field("pin", long.class);
  static final VarHandle OWNER = field("owner", long.class);
  static final VarHandle LOCKED = field("locked", int.class);

  /** Grace-period number read on entering a read section; 0 outside. See {@link Rcu}. */
  long word;

  /** Grace-period number of a pin; 0 if not pinned. */
  long pin;

  /** {@code System.nanoTime} of the pin, for whoever asks how old it is. */
  volatile long pinnedAt;

  /** Id of the thread; 0 for a stripe, -1 while being adopted. */
  long owner;

  /** As {@link #owner}, but -1 while the thread is bound: one compare answers both. */
  long unboundOwner;

  /** What the thread is bound to: see {@link PerThread#bind}. */
  Object binding;

  /** Written where a full fence is needed and a call is not possible. See {@link Rcu}. */
  volatile int fence;

  /** 1 while a virtual thread uses the stripe. */
  int locked;

  @SuppressWarnings("unused") // the next object keeps its distance
  private long unused1, unused2, unused3, unused4, unused5, unused6, unused7, unused8;

  private static VarHandle field(String name, Class<?> type) {
    try {
      return MethodHandles.lookup().findVarHandle(SlotWords.class, name, type);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }
}
