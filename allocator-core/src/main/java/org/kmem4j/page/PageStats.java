package org.kmem4j.page;

/**
 * Pages at one moment.
 *
 * @param mapped in use, or free with memory behind them
 * @param peakMapped the most that were mapped at once
 * @param freeBacked free with memory behind them, in per-thread lists too
 * @param ceiling how many may be mapped
 * @param opened pages of the regions in use, with or without memory
 * @param decommits how many times memory was given back to the system
 */
public record PageStats(
    long mapped, long peakMapped, long freeBacked, long ceiling, long opened, long decommits) {}
