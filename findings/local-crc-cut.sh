#!/usr/bin/env bash
# Guess: Hadoop's LocalFileSystem keeps a CRC32 of every 512 bytes of NAME in .NAME.crc and refuses a file that disagrees, so it notices a file that
#   was cut, and a .crc that is itself damaged.
# What happens: a file that was cut at a border of chunks (any multiple of 512, also to nothing) is read to its end without a word, though the .crc has
#   sums for more; one cut elsewhere, a longer one, and a changed byte are refused. A .crc that is shorter than its header of 8 bytes, or has
#   another magic, turns verification off for that file: a changed byte is then read as it is. There is a line of log, no exception.
# Version: org.apache.hadoop:hadoop-common 3.3.5.
# Source: org.apache.hadoop.fs.ChecksumFileSystem.ChecksumFSInputChecker (constructor, readChunk).
set -Eeuo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'tail -n 20 "$work/log" >&2 || true' ERR
cd "$work"

cat >pom.xml <<'XML'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-common</artifactId><version>3.3.5</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -f pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.6.0:build-classpath -Dmdep.outputFile=classpath >log 2>&1

cat >Seen.java <<'JAVA'
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Random;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.ChecksumException;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.util.VersionInfo;

public class Seen {
  static FileSystem fs;
  static final java.nio.file.Path FILE = java.nio.file.Path.of("f").toAbsolutePath();
  static final java.nio.file.Path SUMS = java.nio.file.Path.of(".f.crc").toAbsolutePath();

  static void read(String what) throws IOException {
    String seen;
    try (FSDataInputStream in = fs.open(new Path(FILE.toString()))) {
      seen = in.readAllBytes().length + " bytes";
    } catch (ChecksumException refused) {
      seen = "ChecksumException";
    }
    System.out.println(what + ": " + seen);
  }

  public static void main(String[] args) throws Exception {
    fs = FileSystem.getLocal(new Configuration());
    System.out.println("Hadoop " + VersionInfo.getVersion() + ", " + fs.getClass().getSimpleName());
    byte[] bytes = new byte[4096];
    new Random(1).nextBytes(bytes);
    try (OutputStream out = fs.create(new Path(FILE.toString()))) {
      out.write(bytes);
    }
    byte[] sums = Files.readAllBytes(SUMS);
    read("as written, 4096 bytes");
    for (int length : new int[] { 4095, 3584, 512, 0 }) {
      Files.write(FILE, Arrays.copyOf(bytes, length));
      read("cut to " + length);
    }
    Files.write(FILE, Arrays.copyOf(bytes, 4608));
    read("longer by 512");
    byte[] changed = bytes.clone();
    changed[100] ^= 1;
    Files.write(FILE, changed);
    read("a byte changed");
    Files.write(SUMS, Arrays.copyOf(sums, 7));
    read("a byte changed, .crc of 7 bytes");
    byte[] magic = sums.clone();
    magic[0] ^= 1;
    Files.write(SUMS, magic);
    read("a byte changed, .crc with another magic");
  }
}
JAVA
echo 'log4j.rootLogger=OFF' >log4j.properties
java -Dlog4j.configuration=file:log4j.properties -cp "$(cat classpath)" Seen.java >seen 2>log

echo "expected by the guess: ChecksumException in every line but the first; seen:"
cat seen
diff - seen <<'END' || { echo "CHANGED: this is not what 3.3.5 did" >&2; exit 1; }
Hadoop 3.3.5, LocalFileSystem
as written, 4096 bytes: 4096 bytes
cut to 4095: ChecksumException
cut to 3584: 3584 bytes
cut to 512: 512 bytes
cut to 0: 0 bytes
longer by 512: ChecksumException
a byte changed: ChecksumException
a byte changed, .crc of 7 bytes: 4096 bytes
a byte changed, .crc with another magic: 4096 bytes
END
