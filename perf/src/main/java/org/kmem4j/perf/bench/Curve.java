package org.kmem4j.perf.bench;

import java.util.Map;

/**
 * A line that one run of a trial draws, for the page's plots: resident memory over time, latency by
 * percentile.
 *
 * @param params as those of the trial
 * @param name what the line shows, one plot for each of a question, such as {@code "resident"}
 * @param xUnit what {@code x} counts, such as {@code "s"}; {@code "percentile"} draws 90, 99 and
 *     99.9 at equal distances
 * @param y as many as {@code x}
 */
record Curve(
    Question question,
    String contender,
    Map<String, String> params,
    String name,
    String xUnit,
    String yUnit,
    double[] x,
    double[] y) {}
