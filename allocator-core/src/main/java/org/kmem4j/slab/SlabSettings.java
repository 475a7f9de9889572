package org.kmem4j.slab;

/**
 * How slabs and fronts are sized.
 *
 * @param maxOrder largest order of a slab, 0 to 9
 * @param sheafCapacity most objects in one sheaf; 0 for no fronts at all
 * @param frontBudgetBytes most bytes of objects that fronts may be able to hold
 * @param waitNanos how long an allocation waits for a grace period before it leaves the rest to the
 *     agent
 * @param hardening what production does against wrong use
 * @param leaks of how many objects one is tracked: 0 for none, 1 for each
 */
public record SlabSettings(
    int maxOrder,
    int sheafCapacity,
    long frontBudgetBytes,
    long waitNanos,
    Hardening hardening,
    int leaks) {}
