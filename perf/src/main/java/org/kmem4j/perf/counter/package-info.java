/** What page counters and stocks are compared with, and what stands for their groups. */
package org.kmem4j.perf.counter;
