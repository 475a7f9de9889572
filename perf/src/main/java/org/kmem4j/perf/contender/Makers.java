package org.kmem4j.perf.contender;

import io.netty.buffer.ByteBufAllocator;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import net.openhft.chronicle.bytes.BytesStore;
import org.agrona.concurrent.UnsafeBuffer;
import org.apache.arrow.memory.BufferAllocator;
import org.kmem4j.SlabAllocator;
import stormpot.Pool;

/** The versions of what is written in Java, as their jars tell them. */
final class Makers {
  private Makers() {}

  static String version(Contender contender) {
    return switch (contender) {
      case SLAB, KMEM_CACHE, KMEM_CACHE_IN_GROUP -> kmem4j();
      case NETTY_POOLED, NETTY_ADAPTIVE -> stated(ByteBufAllocator.class, "unknown");
      case ARROW -> stated(BufferAllocator.class, "unknown");
      case CHRONICLE -> stated(BytesStore.class, "unknown");
      case HAND_WRITTEN, AGRONA_QUEUE -> stated(UnsafeBuffer.class, "unknown");
      case STORMPOT -> stormpot();
      default -> Runtime.version().toString();
    };
  }

  private static String kmem4j() {
    return stated(SlabAllocator.class, "of this working tree");
  }

  private static String stated(Class<?> member, String absent) {
    String version = member.getPackage().getImplementationVersion();
    return version != null ? version : absent;
  }

  /** Its manifest does not say. */
  private static String stormpot() {
    Properties properties = new Properties();
    try (InputStream in =
        Pool.class.getResourceAsStream(
            "/META-INF/maven/com.github.chrisvest/stormpot/pom.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version", "unknown");
  }
}
