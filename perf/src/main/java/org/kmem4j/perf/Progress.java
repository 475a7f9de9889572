package org.kmem4j.perf;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar on the standard error if that is a terminal, which bin/kmem finds out, else nothing. */
public final class Progress implements AutoCloseable {
  private final ProgressBar bar; // Null if nobody watches.

  public Progress(String task, long steps) {
    bar =
        isWatched()
            ? new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(steps)
                .setStyle(ProgressBarStyle.ASCII)
                .clearDisplayOnFinish()
                .build()
            : null;
  }

  public static boolean isWatched() {
    return Boolean.getBoolean("kmem.terminal");
  }

  public void now(String what) {
    if (bar != null) {
      bar.setExtraMessage(what);
      bar.refresh();
    }
  }

  public void step(long steps) {
    if (bar != null) {
      bar.stepBy(steps);
    }
  }

  /** Prints something without the bar in between. */
  public void aside(Runnable print) {
    if (bar != null) {
      bar.pause();
    }
    print.run();
    if (bar != null) {
      bar.resume();
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
