package org.kmem4j.perf.replay;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import org.kmem4j.perf.contender.Allocator;
import org.kmem4j.perf.contender.ResidentMemory;

/** What one JVM finds out about one allocator on one trace. */
enum Phase {
  /** One pass that makes every page of every object resident; the first thing its JVM does. */
  MEMORY {
    @Override
    Outcome run(Program program, Allocator allocator, int passes) {
      Findings findings = new Findings();
      Content.EveryPage content = new Content.EveryPage(allocator);
      try (Replay replay = new Replay(program, allocator, content);
          Footprint footprint = Footprint.of(program)) {
        replay.warmUp();
        allocator.sampleMapped();
        content.watch(footprint);
        System.gc();
        OptionalLong before = ResidentMemory.bytes();
        boolean counted = before.isPresent() && ResidentMemory.resetPeak();
        replay.passNanos();
        content.watch(null);
        OptionalLong peak = counted ? ResidentMemory.peakBytes() : OptionalLong.empty();
        replay.freeLeftovers();
        long mapped = allocator.peakMappedBytes();
        return new Outcome(
            allocator.version(),
            List.of(),
            mapped < 0 ? null : mapped,
            peak.isEmpty() ? null : Math.max(peak.getAsLong() - before.getAsLong(), 0),
            footprint == null ? null : footprint.samples(before.orElse(0)),
            leakedObjects(allocator, 0, findings),
            replay.corruptObjects(),
            findings.sentences());
      }
    }
  },

  /** One pass that fills every object to the last byte, and accounts for every object. */
  VERIFY {
    @Override
    Outcome run(Program program, Allocator allocator, int passes) {
      Findings findings = new Findings();
      Ledger ledger = new Ledger(allocator, findings);
      return verify(program, ledger, new Pattern(allocator, program, findings), findings);
    }
  },

  /** As {@link #VERIFY}, with one byte flipped and one free left out. */
  SABOTAGE {
    @Override
    Outcome run(Program program, Allocator allocator, int passes) {
      Findings findings = new Findings();
      Ledger ledger = Sabotage.skipOneFree(allocator, findings);
      Content pattern = new Pattern(allocator, program, findings);
      return verify(program, ledger, Sabotage.flipOneByte(pattern, allocator), findings);
    }
  },

  /**
   * Timed passes, of which the first third warms up and is not reported; before them, passes for a
   * second, for a short trace is over before the compiler is.
   */
  TIME {
    @Override
    Outcome run(Program program, Allocator allocator, int passes) {
      Findings findings = new Findings();
      List<Long> nanos = new ArrayList<>();
      try (Replay replay = new Replay(program, allocator, new Content.FirstWord(allocator))) {
        long warm = System.nanoTime() + 1_000_000_000;
        while (passes > 1 && System.nanoTime() < warm) {
          replay.passNanos();
          replay.freeLeftovers();
        }
        for (int pass = 0; pass < passes; pass++) {
          long elapsed = replay.passNanos();
          replay.freeLeftovers();
          if (pass >= passes / 3) {
            nanos.add(elapsed);
          }
        }
        return new Outcome(
            allocator.version(),
            nanos,
            null,
            null,
            null,
            leakedObjects(allocator, 0, findings),
            replay.corruptObjects(),
            findings.sentences());
      }
    }
  };

  /** Runs the phase with a contender that holds nothing yet. */
  abstract Outcome run(Program program, Allocator allocator, int passes);

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  private static Outcome verify(
      Program program, Ledger ledger, Content content, Findings findings) {
    try (Replay replay = new Replay(program, ledger, content)) {
      replay.passNanos();
      replay.freeLeftovers();
      return new Outcome(
          ledger.version(),
          List.of(),
          null,
          null,
          null,
          leakedObjects(ledger, ledger.liveObjects(), findings),
          replay.corruptObjects() + ledger.overlaps(),
          findings.sentences());
    }
  }

  /** Leaked objects, when everything should have been freed; one if there are only bytes to see. */
  private static long leakedObjects(Allocator allocator, long counted, Findings findings) {
    long usedBytes = allocator.usedBytes();
    if (usedBytes > 0) {
      findings.add("the allocator counts %d bytes in use after everything was freed", usedBytes);
    }
    if (counted != 0) {
      findings.add("objects never given back to the allocator: %d", counted);
    }
    return counted == 0 && usedBytes > 0 ? 1 : counted;
  }

  /** What a phase found; bytes are null where nothing is known or the phase does not look. */
  record Outcome(
      String version,
      List<Long> passNanos,
      Long peakMappedBytes,
      Long peakResidentBytes,
      Footprint.Samples samples,
      long leakedObjects,
      long corruptObjects,
      List<String> findings) {}
}
