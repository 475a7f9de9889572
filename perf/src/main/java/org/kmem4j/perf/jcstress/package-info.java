/**
 * The words that several threads CAS, each under jcstress: all outcomes that must not be are
 * forbidden. After {@code ./mvnw -B package -DskipTests}:
 *
 * <pre>
 *   java -cp 'perf/target/perf-0.1.0-SNAPSHOT.jar:perf/target/lib/*' org.openjdk.jcstress.Main -m quick \
 *     -jvmArgsPrepend "--enable-native-access=ALL-UNNAMED -Dkmem4j.rcu.maxPerSecond=1000000" \
 *     -t org.kmem4j.perf.jcstress
 * </pre>
 */
package org.kmem4j.perf.jcstress;
