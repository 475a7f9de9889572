package org.kmem4j.perf.contender;

/**
 * A contender that hands out objects, through which all access goes, and no addresses. Every object
 * claims {@link #ORIGIN}, and an address less that is the index into the object of its cell.
 */
abstract class ObjectContender extends SampledContender {
  static final long ORIGIN = 8;

  @Override
  public final boolean hasAddresses() {
    return false;
  }
}
