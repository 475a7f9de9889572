/**
 * Chronicle {@code Bytes} and {@code Byteable} over pooled objects. Start at {@link
 * org.kmem4j.chronicle.BytesPool}.
 */
module org.kmem4j.chronicle {
  requires transitive chronicle.bytes;
  requires transitive org.kmem4j;
  requires chronicle.core;

  exports org.kmem4j.chronicle;
}
