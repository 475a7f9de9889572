package org.kmem4j.perf.demo;

/** A server's memory, of one kind, for tenants that have a limit each. */
interface Tenants {
  /**
   * Admits a tenant whose limit is so many objects of {@link Plan#OBJECT_BYTES}, or the few more
   * that the last page holds.
   *
   * @param cells how many objects it may try to have
   */
  Tenant admit(String name, int limit, int cells);

  /** What is charged to all tenants together, in words. */
  String charged();

  /** What is alive that nobody should have any more, in bytes. */
  long leakedBytes();

  /** The version of whatever allocates. */
  String version();

  /** Objects of one tenant, each in a cell. One thread at a time may use it. */
  interface Tenant {
    /** Makes an object and writes to each of its cache lines; false if the limit refuses. */
    boolean tryCreate(int cell, long stamp);

    /** Reads an object and writes to it. */
    void update(int cell);

    /** Frees an object and returns its stamp. */
    long delete(int cell);

    /** How this tenant's limit says no, in words. */
    String refusal();

    /** Closes the tenant, its objects staying alive, and says what happened. */
    String offline();

    /** Frees what is left, after {@link #offline}: the cells whose stamp is not 0. */
    void deleteAll(long[] stamps);

    /** What has become of the closed tenant, after {@link #deleteAll}. */
    String afterlife();
  }
}
