package org.kmem4j.page;

/**
 * Pages in use by one owner, as the page map says: what a walk over all pages finds.
 *
 * @param address the first byte
 * @param pages how many
 * @param cacheId number of the slab's cache, or -1 if this is a large block
 * @param ownerWord value of a large block's owner word, or 0
 */
public record PageRun(long address, int pages, int cacheId, long ownerWord) {
  public boolean isLarge() {
    return cacheId < 0;
  }
}
