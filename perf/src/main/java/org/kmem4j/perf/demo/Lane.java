package org.kmem4j.perf.demo;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.ArrayList;
import java.util.List;
import org.kmem4j.perf.contender.Contender;

/** Who takes part, each with the flags that its own users would give it under the budget. */
enum Lane {
  OURS("ours", "Kmem4j", 0x0072B2, 32) {
    @Override
    List<String> flags(Plan plan) {
      return List.of("-XX:+UseG1GC", heap(OWN_HEAP_BYTES));
    }

    @Override
    long tenantBytes(Plan plan) {
      return plan.budgetBytes() - Plan.JVM_BYTES - OWN_HEAP_BYTES;
    }

    @Override
    Tenants open(Plan plan) {
      return new SlabTenants(plan, tenantBytes(plan));
    }
  },

  G1("g1", "Java heap, G1", 0xD55E00, 166) {
    @Override
    List<String> flags(Plan plan) {
      return List.of("-XX:+UseG1GC", heap(plan.budgetBytes() - Plan.JVM_BYTES));
    }

    @Override
    Tenants open(Plan plan) {
      return new HeapTenants();
    }
  },

  ZGC("zgc", "Java heap, ZGC", 0xC08A00, 178) {
    @Override
    List<String> flags(Plan plan) {
      return List.of(
          "-XX:+UseZGC",
          "-XX:ZUncommitDelay=" + plan.decay().toSeconds(),
          heap(plan.budgetBytes() - Plan.JVM_BYTES));
    }

    @Override
    Tenants open(Plan plan) {
      return new HeapTenants();
    }
  },

  /** Its buffers are off the heap, and each has some 220 bytes of objects on it. */
  ARROW("arrow", "Apache Arrow", 0x9C5087, 175) {
    @Override
    List<String> flags(Plan plan) {
      List<String> flags = new ArrayList<>(Contender.ARROW.flags());
      flags.addAll(
          List.of(
              "-XX:+UseG1GC",
              heap(tenantBytes(plan)),
              "-Darrow.memory.debug.allocator=false",
              "-da:org.apache.arrow...")); // as in production: its assertions refuse late frees
      return flags;
    }

    @Override
    long tenantBytes(Plan plan) {
      return (plan.budgetBytes() - Plan.JVM_BYTES) / 2;
    }

    @Override
    Tenants open(Plan plan) {
      return new ArrowTenants(tenantBytes(plan));
    }
  };

  /** The heap beside off-heap tenants: addresses, histograms. */
  private static final long OWN_HEAP_BYTES = 96L << 20;

  private final String option;
  final String title;

  /** Told apart by people who see red and green alike. */
  final int rgb;

  /** The nearest of a terminal's 256. */
  final int terminalColour;

  Lane(String option, String title, int rgb, int terminalColour) {
    this.option = option;
    this.title = title;
    this.rgb = rgb;
    this.terminalColour = terminalColour;
  }

  /** How the budget is divided, in words. */
  String memory(Plan plan) {
    String heap =
        flags(plan).stream().filter(flag -> flag.startsWith("-Xm")).findFirst().orElseThrow();
    long bytes = tenantBytes(plan);
    return bytes == 0 ? heap : "%s, %dm off the heap".formatted(heap, bytes >> 20);
  }

  /** Off the heap, of both tenants at the most. */
  long tenantBytes(Plan plan) {
    return 0;
  }

  /** Of the lane's JVM. */
  abstract List<String> flags(Plan plan);

  /** The server's memory, in the lane's JVM. */
  abstract Tenants open(Plan plan);

  private static String heap(long bytes) {
    return "-Xmx" + (bytes >> 20) + "m";
  }

  /** As {@code --lanes} and JSON name it. */
  @Override
  @JsonValue
  public String toString() {
    return option;
  }
}
