package org.kmem4j.slab;

/**
 * What an address is.
 *
 * @param address the address that was asked for
 * @param region number of the 2 MiB region it lies in, or -1 if it is none of ours
 * @param slab address of the slab it lies in, or 0
 * @param cache name of the cache of that slab; "large" for a large block; else null
 * @param object first byte of the object or large block it lies in, or 0
 * @param index number of the object in its slab, or -1
 * @param offset distance from the first byte of the object
 * @param state "in use", "free", "in a sheaf or in use" (only debug caches know which), "header",
 *     "unused" (a page of no slab), "foreign"
 * @param paidBy the account that pays for it now, such as a group's path; null for nobody
 */
public record Description(
    long address,
    long region,
    long slab,
    String cache,
    long object,
    int index,
    long offset,
    String state,
    String paidBy) {

  /** Of an address that lies in no object, and for which nobody pays. */
  Description(long address, long region, long slab, String state) {
    this(address, region, slab, null, 0, -1, 0, state, null);
  }

  @Override
  public String toString() {
    String where = "0x" + Long.toHexString(address) + ": " + state;
    if (cache == null) {
      return where + (region < 0 ? "" : ", region " + region);
    }
    return where
        + ", "
        + offset
        + " bytes into object "
        + index
        + " at 0x"
        + Long.toHexString(object)
        + " of \""
        + cache
        + "\", slab 0x"
        + Long.toHexString(slab)
        + ", region "
        + region
        + (paidBy == null ? "" : ", paid by " + paidBy);
  }
}
