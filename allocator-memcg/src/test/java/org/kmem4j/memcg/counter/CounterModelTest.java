package org.kmem4j.memcg.counter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.kmem4j.memcg.counter.Counters.Group;

/** Random operations over a random tree, beside a model that anyone can check by eye. */
class CounterModelTest {
  private static final int OPERATIONS = 20_000;

  /** What a counter is to be. */
  private static final class Model {
    final PageCounter real;
    final Model parent;
    long usage;
    long peak;
    long failures;
    long max = PageCounter.MAX;

    /** Pages charged at this very group, which may be uncharged there. */
    long own;

    Model(PageCounter real, Model parent) {
      this.real = real;
      this.parent = parent;
    }

    /** The level that refuses, or null. */
    Model refusing(long pages) {
      Model level = this;
      while (level != null && level.usage + pages <= level.max) {
        level = level.parent;
      }
      return level;
    }

    void add(long pages) {
      own += pages;
      for (Model level = this; level != null; level = level.parent) {
        level.usage += pages;
        level.peak = Math.max(level.peak, level.usage);
      }
    }

    void check() {
      assertEquals(usage, real.usage());
      assertEquals(peak, real.peak());
      assertEquals(failures, real.failCount());
      assertEquals(max, real.max());
    }
  }

  @RepeatedTest(5)
  void countersDoWhatTheModelDoes() {
    long seed = ThreadLocalRandom.current().nextLong();
    System.out.println("CounterModelTest counters: seed " + seed);
    var random = new SplittableRandom(seed);
    try (var counters = new Counters()) {
      List<Model> tree = new ArrayList<>();
      tree.add(new Model(counters.counter(null), null));
      for (int i = 1; i < 12; i++) {
        Model parent = tree.get(random.nextInt(i));
        tree.add(new Model(counters.counter(parent.real), parent));
      }
      for (int i = 0; i < OPERATIONS; i++) {
        step(tree.get(random.nextInt(tree.size())), random);
      }
      tree.forEach(Model::check);
    }
  }

  private static void step(Model model, SplittableRandom random) {
    switch (random.nextInt(10)) {
      case 0 -> {
        model.max = random.nextInt(4) == 0 ? PageCounter.MAX : random.nextLong(500);
        assertEquals(model.usage, model.real.setMax(model.max));
      }
      case 1, 2, 3, 4, 5 -> {
        long pages = 1 + random.nextLong(50);
        Model refusing = model.refusing(pages);
        PageCounter refused = model.real.tryCharge(pages);
        assertSame(refusing == null ? null : refusing.real, refused);
        if (refusing == null) {
          model.add(pages);
        } else {
          refusing.failures++;
        }
      }
      default -> {
        if (model.own > 0) {
          long pages = 1 + random.nextLong(model.own);
          model.real.uncharge(pages);
          model.add(-pages);
        }
      }
    }
    model.check();
  }

  /** With stocks in between: what is charged is what was asked for, and what lies in stocks. */
  @Test
  void stocksOnlyHideWhereThePagesAre() {
    long seed = ThreadLocalRandom.current().nextLong();
    System.out.println("CounterModelTest stocks: seed " + seed);
    var random = new SplittableRandom(seed);
    try (var counters = new Counters()) {
      var stock = new Stock(counters::find);
      PageCounter root = counters.counter(null);
      List<Group> groups = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        boolean top = i == 0 || random.nextBoolean();
        groups.add(counters.group(top ? root : groups.get(random.nextInt(i)).counter()));
      }
      long[] inUse = new long[groups.size()];
      for (int i = 0; i < OPERATIONS; i++) {
        int index = random.nextInt(groups.size());
        Group group = groups.get(index);
        long pages = 1 + random.nextLong(90);
        switch (random.nextInt(8)) {
          case 0 -> group.counter().setMax(random.nextBoolean() ? random.nextLong(600) : 1 << 30);
          case 1 -> stock.drain(group.counter());
          case 2 -> group.online = random.nextBoolean();
          case 3, 4 -> {
            if (inUse[index] > 0) {
              pages = Math.min(pages, inUse[index]);
              stock.uncharge(group, pages);
              inUse[index] -= pages;
            }
          }
          case 5 -> inUse[index] += Counters.chargeDrained(stock, group, pages) == null ? pages : 0;
          default -> inUse[index] += stock.tryCharge(group, pages) == null ? pages : 0;
        }
        checkStocks(stock, groups, inUse);
      }
      stock.drain(root);
      groups.forEach(group -> assertEquals(1, group.references.get()));
      groups.forEach(group -> group.counter().setMax(PageCounter.MAX));
      assertNull(groups.getLast().counter().tryCharge(1));
      stock.unmap();
    }
  }

  private static void checkStocks(Stock stock, List<Group> groups, long[] inUse) {
    for (Group top : groups) {
      long expected = 0;
      for (int i = 0; i < inUse.length; i++) {
        if (groups.get(i).counter().isWithin(top.counter())) {
          expected += inUse[i] + stock.pages(groups.get(i));
        }
      }
      assertEquals(expected, top.counter().usage());
    }
  }
}
