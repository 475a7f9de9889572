/**
 * Chronicle {@code Bytes} and {@code Byteable} over pooled objects. Start at {@link
 * org.kmem4j.chronicle.BytesPool}.
 */
module org.kmem4j.chronicle {
  requires transitive chronicle.bytes;
  requires transitive org.kmem4j;
  requires chronicle.core;

  // What Chronicle's jars need and, having no descriptors, cannot ask for.
  requires java.logging;
  requires java.management;
  requires jdk.unsupported;
  requires org.slf4j;

  exports org.kmem4j.chronicle;
}
