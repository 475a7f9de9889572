package org.kmem4j.perf.torture;

import org.kmem4j.memcg.group.MemCgroup;
import org.kmem4j.slab.Account;

/**
 * A group that comes and goes.
 *
 * @param payer the group itself, or an account in front of it that sometimes refuses
 */
record Tenant(MemCgroup group, Account payer) {}
