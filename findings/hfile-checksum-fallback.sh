#!/usr/bin/env bash
# Guess: every block of an HFile has CRC32Cs, HBase verifies them by default (hbase.regionserver.checksum.verify), so a changed byte is an error.
# What happens: a block whose sums disagree is read again with the file system's checksums instead of its own, and if those agree (as they do for
#   damage that was copied or written through the file system) it is accepted: scan and positioned read give the changed value. Two WARN lines, one
#   of which says "HDFS checksum verification succeeded", no exception. The block's own sums never refuse anything by themselves.
# Version: org.apache.hbase:hbase-server 2.6.1-hadoop3, with Hadoop 3.3.5.
# Source: org.apache.hadoop.hbase.io.hfile.HFileBlock.FSReaderImpl.readBlockData.
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
    <dependency><groupId>org.apache.hbase</groupId><artifactId>hbase-server</artifactId><version>2.6.1-hadoop3</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -f pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.6.0:build-classpath -Dmdep.outputFile=classpath >log 2>&1

cat >Seen.java <<'JAVA'
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hbase.CellUtil;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.KeyValue;
import org.apache.hadoop.hbase.fs.HFileSystem;
import org.apache.hadoop.hbase.io.hfile.CacheConfig;
import org.apache.hadoop.hbase.io.hfile.HFile;
import org.apache.hadoop.hbase.io.hfile.HFileContext;
import org.apache.hadoop.hbase.io.hfile.HFileContextBuilder;
import org.apache.hadoop.hbase.io.hfile.HFileScanner;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.util.VersionInfo;

public class Seen {
  static final byte[] FAMILY = Bytes.toBytes("f");
  static final byte[] QUALIFIER = Bytes.toBytes("q");
  static Configuration conf = HBaseConfiguration.create();
  static HFileSystem fs;

  static KeyValue cell(int i) {
    return new KeyValue(Bytes.toBytes(String.format("row%05d", i)), FAMILY, QUALIFIER, 1L, Bytes.toBytes("balance=1000 of " + i));
  }

  static void read(String name) throws Exception {
    try (HFile.Reader reader = HFile.createReader(fs, path(name), CacheConfig.DISABLED, true, conf)) {
      HFileScanner scan = reader.getScanner(conf, false, false);
      scan.seekTo();
      int cells = 0;
      String value = null;
      do {
        cells++;
        String each = Bytes.toString(CellUtil.cloneValue(scan.getCell()));
        value = each.endsWith(" of 250") ? each : value;
      } while (scan.next());
      HFileScanner point = reader.getScanner(conf, false, true);
      point.seekTo(cell(250));
      String at = Bytes.toString(CellUtil.cloneValue(point.getCell()));
      System.out.println(name + ": scan of " + cells + " cells '" + value + "', seek '" + at + "', a block's sums disagreed: "
          + (HFile.getAndResetChecksumFailuresCount() > 0));
    }
  }

  static Path path(String name) {
    return new Path(java.nio.file.Path.of(name).toAbsolutePath().toString());
  }

  public static void main(String[] args) throws Exception {
    conf.set("fs.defaultFS", "file:///");
    fs = new HFileSystem(conf, conf.getBoolean("hbase.regionserver.checksum.verify", true));
    System.out.println("HBase " + VersionInfo.getVersion() + ", verifies its own checksums: " + fs.useHBaseChecksum());
    HFileContext context = new HFileContextBuilder().withBlockSize(4096).build();
    System.out.println("checksums written: " + context.getChecksumType());
    try (HFile.Writer writer = HFile.getWriterFactoryNoCache(conf).withPath(fs, path("whole")).withFileContext(context).create()) {
      for (int i = 0; i < 500; i++) {
        writer.append(cell(i));
      }
    }
    byte[] bytes = Files.readAllBytes(java.nio.file.Path.of("whole"));
    bytes[new String(bytes, StandardCharsets.ISO_8859_1).indexOf("balance=1000 of 250") + 8] = '9';
    // What a copy of a damaged file is: the file system's own checksums are those of the damaged bytes.
    try (OutputStream out = fs.getBackingFs().create(path("copy-of-damaged"))) {
      out.write(bytes);
    }
    read("whole");
    read("copy-of-damaged");
  }
}
JAVA
echo 'log4j.rootLogger=OFF' >log4j.properties
java --add-opens java.base/java.nio=ALL-UNNAMED -Dlog4j.configuration=file:log4j.properties -cp "$(cat classpath)" Seen.java >seen 2>log

echo "expected by the guess: an exception for the damaged copy; seen:"
cat seen
diff - seen <<'END' || { echo "CHANGED: this is not what 2.6.1 did" >&2; exit 1; }
HBase 2.6.1-hadoop3, verifies its own checksums: true
checksums written: CRC32C
whole: scan of 500 cells 'balance=1000 of 250', seek 'balance=1000 of 250', a block's sums disagreed: false
copy-of-damaged: scan of 500 cells 'balance=9000 of 250', seek 'balance=9000 of 250', a block's sums disagreed: true
END
