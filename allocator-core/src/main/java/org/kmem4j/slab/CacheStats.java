package org.kmem4j.slab;

/**
 * One cache at one moment; exact at rest.
 *
 * @param name the cache's
 * @param objectBytes size of an object, as asked for
 * @param stride distance between objects in bytes
 * @param objectsPerSlab objects in a slab of the usual order
 * @param order log2 of the pages of such a slab
 * @param usedObjects in the hands of the program
 * @param cachedObjects in sheaves of threads and of the barn
 * @param freeObjects in slabs
 * @param slabs how many slabs
 * @param pages how many pages they have
 */
public record CacheStats(
    String name,
    int objectBytes,
    int stride,
    int objectsPerSlab,
    int order,
    long usedObjects,
    long cachedObjects,
    long freeObjects,
    long slabs,
    long pages) {

  /** Those of a cache that has ended. */
  static CacheStats none(String name, int objectBytes, SlabGeometry geometry) {
    return new CacheStats(
        name, objectBytes, geometry.stride(), geometry.objects(), geometry.order(), 0, 0, 0, 0, 0);
  }
}
