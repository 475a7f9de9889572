package org.kmem4j.sync;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.kmem4j.stress.Interleavings;
import org.kmem4j.stress.Interleavings.Scene;

/**
 * The life of a front, step by step. A grace period is a wait until the slot is seen outside of any
 * section: where one step follows another no barrier is needed. See {@link Interleavings}.
 */
final class FrontInterleavings {
  private static final Linked LINK = new Linked();

  /** A front of two objects, its slot, and who took it. */
  private static final class Fixture {
    final Slot slot = new Slot(0, true);
    final Sheaf sheaf = new Sheaf(4);
    final Sheaf[] taken = new Sheaf[3];
    final long[] out = new long[4];

    Fixture() {
      sheaf.push(8);
      sheaf.push(16);
      sheaf.lift();
      slot.casLink(LINK.link(), null, sheaf);
    }

    /** Takes the front, works on it, and puts it back or keeps it. */
    void workPrivately(AtomicBoolean allowed) {
      Sheaf mine = Front.detach(slot, LINK);
      if (mine != Front.BUSY && !Front.attach(slot, LINK, mine, allowed::get)) {
        taken[0] = mine;
      }
    }

    void drain(int drainer) {
      Sheaf unlinked = Front.unlink(slot, LINK);
      if (unlinked != null) {
        awaitGracePeriod();
        unlinked.settle();
        taken[drainer] = unlinked;
      }
    }

    void awaitGracePeriod() {
      Interleavings.await(() -> (long) SlotWords.WORD.getVolatile(slot) == 0);
    }

    /** The front is where it was, or with one who took it; each object is in one place. */
    void check() {
      Sheaf left = slot.linkVolatile(LINK.link());
      List<Sheaf> holders =
          Stream.of(taken[0], taken[1], taken[2], left).filter(Objects::nonNull).toList();
      assertEquals(List.of(sheaf), holders);
      if (left != null) {
        left.settle();
      }
      List<Long> objects = new ArrayList<>();
      LongStream.of(out).filter(object -> object != 0).forEach(objects::add);
      for (int i = 0; i < sheaf.count(); i++) {
        objects.add(sheaf.get(i));
      }
      assertEquals(List.of(8L, 16L), objects.stream().sorted().toList());
    }
  }

  @Test
  void aFrontThatIsDetachedAndDrainedIsWithOne() {
    Interleavings.explore(
        () -> {
          Fixture fixture = new Fixture();
          AtomicBoolean allowed = new AtomicBoolean(true);
          return Scene.of(
              fixture::check,
              () -> fixture.workPrivately(allowed),
              () -> fixture.drain(1),
              () -> fixture.drain(2));
        });
  }

  @Test
  void anObjectThatIsPoppedWhileItsFrontIsDrainedIsWithOne() {
    Interleavings.explore(
        () -> {
          Fixture fixture = new Fixture();
          return Scene.of(
              fixture::check,
              () -> {
                fixture.out[0] = Front.pop(fixture.slot, LINK);
                fixture.out[1] = Front.pop(fixture.slot, LINK);
              },
              () -> {
                fixture.drain(1);
                for (int i = 2; fixture.taken[1] != null && !fixture.sheaf.isEmpty(); i++) {
                  fixture.out[i] = fixture.sheaf.pop();
                }
              });
        });
  }

  @Test
  void noFrontIsAttachedOnceItWasForbiddenAndAGracePeriodHasPassed() {
    Interleavings.explore(
        () -> {
          Fixture fixture = new Fixture();
          AtomicBoolean allowed = new AtomicBoolean(true);
          return Scene.of(
              () -> assertNull(fixture.slot.linkVolatile(LINK.link())),
              () -> {
                Sheaf mine = Front.detach(fixture.slot, LINK);
                if (mine != Front.BUSY) {
                  Sheaf sheaf = mine == null ? new Sheaf(2) : mine;
                  Front.attach(fixture.slot, LINK, sheaf, allowed::get);
                }
              },
              () -> {
                allowed.set(false);
                fixture.awaitGracePeriod();
                fixture.drain(1);
              });
        });
  }
}
