package org.kmem4j.memcg.counter;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class ProtectionTest {
  private static final long GIB = (1L << 30) >> 12;

  @Test
  void aGroupClaimsWhatItUsesOfItsSetting() {
    assertEquals(3, Protection.claim(3, 5));
    assertEquals(3, Protection.claim(5, 3));
  }

  @Test
  void withinTheParentsProtectionAClaimCountsInFull() {
    assertEquals(2, Protection.effective(2, 2, 10, 4, 4));
  }

  @Test
  void siblingsThatClaimTooMuchShareByTheirClaims() {
    long parentEffective = 6;
    long claims = 3 + 9;

    assertEquals(1, Protection.effective(3, 10, parentEffective, 20, claims));
    assertEquals(4, Protection.effective(9, 10, parentEffective, 20, claims));
  }

  /** The example of the original: A has low=2G; of its children B has low=1G and C none. */
  @Test
  void whatNobodyClaimsGoesToAllByTheirUsageAboveTheirClaims() {
    long usageOfB = 3 * GIB;
    long usageOfC = 2 * GIB;
    long usageOfA = usageOfB + usageOfC;
    long claims = Protection.claim(GIB, usageOfB) + Protection.claim(0, usageOfC);

    assertEquals(GIB * 3 / 2, Protection.effective(GIB, usageOfB, 2 * GIB, usageOfA, claims));
    assertEquals(GIB / 2, Protection.effective(0, usageOfC, 2 * GIB, usageOfA, claims));
  }

  @Test
  void aGroupThatUsesNoMoreThanItsClaimGetsNoMore() {
    assertEquals(2, Protection.effective(5, 2, 10, 8, 2));
  }

  @Test
  void withoutAParentsProtectionThereIsNone() {
    assertEquals(0, Protection.effective(5, 5, 0, 8, 5));
    assertEquals(0, Protection.effective(0, 5, 0, 8, 0));
  }

  @Test
  void hugeGroupsDoNotOverflow() {
    long all = PageCounter.MAX;

    assertEquals(all, Protection.effective(0, all, all, all, 0));
    assertEquals(all / 2 + 1, Protection.effective(all, all, all + 1, 2 * all, 2 * all));
  }
}
