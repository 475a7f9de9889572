package org.kmem4j;

import java.util.List;
import org.kmem4j.slab.CacheStats;

/**
 * An allocator at one moment; exact at rest. In bytes: {@code mapped = used + cachedInSheaves +
 * freeInSlabs + headers and tails of slabs + free pages with memory}.
 *
 * @param usedBytes in the hands of the program: strides of live objects, pages of large blocks
 * @param cachedBytes objects in sheaves of threads and barns
 * @param freeInSlabsBytes free objects in slabs
 * @param mappedBytes memory held from the system for pages, in use or free
 * @param peakMappedBytes the most that was mapped at once
 * @param freePagesBytes free pages that still have memory; given back after the decay time
 * @param residentBytes mapped bytes that are in memory, asked of the system
 * @param metadataBytes structs and sheaves, outside the pages
 * @param frontBytes what the present fronts could hold at most; bounded by {@code kmem4j.fronts}
 * @param maxBytes the ceiling of mapped bytes
 * @param usedObjects live objects and large blocks
 * @param largeBlocks of which large blocks
 * @param reclaims how often an allocation collected what threads had cached
 * @param decommits how often memory was given back to the system
 * @param gracePeriods of the process so far; each one interrupts every core that runs it
 * @param stalls how often a read section was found running for over 100 ms
 * @param oldestPinNanos for how long the oldest pin of the process has been held
 * @param caches each cache
 */
public record AllocatorStats(
    long usedBytes,
    long cachedBytes,
    long freeInSlabsBytes,
    long mappedBytes,
    long peakMappedBytes,
    long freePagesBytes,
    long residentBytes,
    long metadataBytes,
    long frontBytes,
    long maxBytes,
    long usedObjects,
    long largeBlocks,
    long reclaims,
    long decommits,
    long gracePeriods,
    long stalls,
    long oldestPinNanos,
    List<CacheStats> caches) {}
