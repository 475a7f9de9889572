package org.kmem4j.perf.trace;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Decodes a file that is exactly one gzip member (RFC 1952): header, checksum and length are
 * checked, and nothing may follow. {@code java.util.zip.GZIPInputStream} would pass over bytes
 * after the member, and so over a file that was cut and glued.
 */
final class GzipMember implements Closeable {
  private static final int HEADER_CRC = 2;
  private static final int EXTRA = 4;
  private static final int NAME = 8;
  private static final int COMMENT = 16;
  private static final int RESERVED = 0xe0;

  private final InputStream file;
  private final Inflater inflater = new Inflater(true);
  private final CRC32 crc = new CRC32();

  private final byte[] packed = new byte[1 << 16];
  private int packedAt;
  private int packedEnd;
  private long packedBefore; // Bytes of the file that came before packed[0].

  private final byte[] decoded = new byte[1 << 16];
  private int decodedAt;
  private int decodedEnd;
  private long decodedBefore; // Decoded bytes that came before decoded[0].
  private boolean ended;

  /** Why a file is no such member; the message continues "FILE ...". */
  static final class Damage extends Exception {
    private static final long serialVersionUID = 1L;

    Damage(String what) {
      super(what);
    }
  }

  GzipMember(InputStream file) throws IOException, Damage {
    this.file = file;
    boolean opened = false;
    try {
      readHeader();
      opened = true;
    } finally {
      if (!opened) {
        inflater.end();
      }
    }
  }

  /** The next decoded byte, or -1 after the last; by then the member has been checked. */
  int read() throws IOException, Damage {
    return decodedAt < decodedEnd || inflateMore() ? decoded[decodedAt++] & 0xff : -1;
  }

  /** How many decoded bytes have been read. */
  long offset() {
    return decodedBefore + decodedAt;
  }

  @Override
  public void close() throws IOException {
    inflater.end();
    file.close();
  }

  private boolean inflateMore() throws IOException, Damage {
    if (ended) {
      return false;
    }
    decodedBefore += decodedEnd;
    decodedAt = decodedEnd = 0;
    while (decodedEnd == 0 && !inflater.finished()) {
      if (inflater.needsInput()) {
        if (packedAt == packedEnd && !fill()) {
          throw cut();
        }
        inflater.setInput(packed, packedAt, packedEnd - packedAt);
        packedAt = packedEnd;
      }
      try {
        decodedEnd = inflater.inflate(decoded);
      } catch (DataFormatException e) {
        throw damaged(String.valueOf(e.getMessage()));
      }
      if (inflater.needsDictionary()) {
        throw damaged("it asks for a preset dictionary");
      }
    }
    crc.update(decoded, 0, decodedEnd);
    if (decodedEnd == 0) {
      readTrailer();
      ended = true;
    }
    return decodedEnd > 0;
  }

  private void readHeader() throws IOException, Damage {
    int first = tryNext();
    if (first < 0) {
      throw new Damage("is empty: a trace is one gzip stream");
    }
    int second = first == 0x1f ? next() : tryNext();
    if (first != 0x1f || second != 0x8b) {
      throw new Damage(
          "is not a gzip file: it starts with %02x %02x, a gzip file with 1f 8b"
              .formatted(first, Math.max(second, 0)));
    }
    int method = next();
    if (method != 8) {
      throw damaged("compression method %d, accepted is 8 (deflate)".formatted(method));
    }
    int flags = next();
    if ((flags & RESERVED) != 0) {
      throw damaged("header flags 0x%02x, of which 0xe0 must be 0".formatted(flags));
    }
    skip(6); // Time, compression level, operating system.
    if ((flags & EXTRA) != 0) {
      skip(next() | next() << 8);
    }
    if ((flags & NAME) != 0) {
      skipString();
    }
    if ((flags & COMMENT) != 0) {
      skipString();
    }
    if ((flags & HEADER_CRC) != 0) {
      long computed = crc.getValue() & 0xffff;
      long written = next() | next() << 8;
      if (computed != written) {
        throw damaged("header checksum %04x, computed %04x".formatted(written, computed));
      }
    }
    crc.reset();
  }

  private void readTrailer() throws IOException, Damage {
    packedAt = packedEnd - inflater.getRemaining();
    long computed = crc.getValue();
    long length = inflater.getBytesWritten() & 0xffff_ffffL;
    long writtenCrc = nextInt();
    long writtenLength = nextInt();
    if (writtenCrc != computed) {
      throw damaged("checksum %08x, computed %08x".formatted(writtenCrc, computed));
    }
    if (writtenLength != length) {
      throw damaged("decoded length %d, decoded were %d bytes".formatted(writtenLength, length));
    }
    long end = packedOffset();
    if (tryNext() >= 0) {
      throw new Damage("goes on after its gzip stream, which ends at byte %d".formatted(end));
    }
  }

  private long nextInt() throws IOException, Damage {
    return next() | next() << 8 | next() << 16 | (long) next() << 24;
  }

  private void skip(int bytes) throws IOException, Damage {
    for (int i = 0; i < bytes; i++) {
      next();
    }
  }

  private void skipString() throws IOException, Damage {
    while (next() != 0) {}
  }

  private int next() throws IOException, Damage {
    int value = tryNext();
    if (value < 0) {
      throw cut();
    }
    return value;
  }

  /** The next byte of the file as it is, or -1 at its end. */
  private int tryNext() throws IOException {
    if (packedAt == packedEnd && !fill()) {
      return -1;
    }
    crc.update(packed[packedAt]); // Counts in the header only; readHeader resets it.
    return packed[packedAt++] & 0xff;
  }

  private boolean fill() throws IOException {
    packedBefore += packedEnd;
    packedAt = 0;
    packedEnd = Math.max(file.read(packed), 0);
    return packedEnd > 0;
  }

  private long packedOffset() {
    return packedBefore + packedAt;
  }

  private Damage cut() {
    return new Damage("is cut short: its gzip stream stops at byte %d".formatted(packedOffset()));
  }

  private Damage damaged(String what) {
    int unread = inflater.getRemaining();
    return new Damage(
        "is damaged near byte %d of the file: %s".formatted(packedOffset() - unread, what));
  }
}
