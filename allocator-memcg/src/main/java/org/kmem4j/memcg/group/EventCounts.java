package org.kmem4j.memcg.group;

/**
 * How often what happened: the keys of {@code memory.events}, without those about processes that
 * are killed.
 *
 * @param low protected memory was reclaimed, for nothing else was left
 * @param high usage was found above {@code high}
 * @param max a charge would have exceeded {@code max}; while a group is known to be full, refusals
 *     that are answered from one word are not counted
 * @param oom no room could be made, and a request failed, or {@code max} was set below usage
 */
public record EventCounts(long low, long high, long max, long oom) {}
