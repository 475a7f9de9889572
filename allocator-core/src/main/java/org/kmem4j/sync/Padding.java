package org.kmem4j.sync;

/** Two cache lines of nothing: keeps what a subclass declares away from the object before it. */
@SuppressWarnings("unused")
abstract class Padding {
  private long unused01, unused02, unused03, unused04, unused05, unused06, unused07, unused08;
  private long unused09, unused10, unused11, unused12, unused13, unused14, unused15, unused16;
}
