#!/usr/bin/env bash
# Guess: with hbase.regionserver.wal.encryption HBase recovers after a crash what it recovers without: all that was acknowledged.
# What happens: its reader of encrypted WALs expects two bytes more for a cell with a tag (a cell's own TTL, a visibility label, an ACL) than its
#   writer writes, and meets "EOF" there. Splitting takes EOF for the end of a torn file: it writes the entries before that cell to recovered.edits, moves the
#   WAL to oldWALs and reports success. The tagged entry and all behind it, tagged or not, are lost to the region. Encrypted without tags, and
#   tagged without encryption, all is recovered.
#   Shown of the splitter alone, and of a cluster of two region servers of which one is killed.
# Version: org.apache.hbase 2.6.1-hadoop3 (hbase-testing-util, whose test key provider it takes).
# Source: org.apache.hadoop.hbase.regionserver.wal.SecureWALCellCodec (EncryptedKvEncoder.write, EncryptedKvDecoder.parseCell),
#   org.apache.hadoop.hbase.wal.WALSplitter.
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
    <dependency><groupId>org.apache.hbase</groupId><artifactId>hbase-testing-util</artifactId><version>2.6.1-hadoop3</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -f pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.6.0:build-classpath -Dmdep.outputFile=classpath >log 2>&1

cat >Seen.java <<'JAVA'
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hbase.ArrayBackedTag;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.HBaseTestingUtility;
import org.apache.hadoop.hbase.HConstants;
import org.apache.hadoop.hbase.KeyValue;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.Tag;
import org.apache.hadoop.hbase.TagType;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.io.crypto.KeyProviderForTesting;
import org.apache.hadoop.hbase.regionserver.HRegionServer;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.util.VersionInfo;
import org.apache.hadoop.hbase.wal.WAL;
import org.apache.hadoop.hbase.wal.WALEdit;
import org.apache.hadoop.hbase.wal.WALFactory;
import org.apache.hadoop.hbase.wal.WALKeyImpl;
import org.apache.hadoop.hbase.wal.WALProvider;
import org.apache.hadoop.hbase.wal.WALSplitter;
import org.apache.hadoop.hbase.wal.WALStreamReader;

public class Seen {
  static final String REGION = "0123456789abcdef0123456789abcdef";
  static final byte[] FAMILY = Bytes.toBytes("f");

  static WAL.Entry entry(int id, boolean ttl) {
    Tag[] tags = ttl ? new Tag[] { new ArrayBackedTag(TagType.TTL_TAG_TYPE, Bytes.toBytes(86_400_000L)) } : new Tag[0];
    WALEdit edit = new WALEdit();
    edit.add(new KeyValue(Bytes.toBytes("row" + id), FAMILY, FAMILY, 1000L + id, Bytes.toBytes("value"), tags));
    return new WAL.Entry(new WALKeyImpl(Bytes.toBytes(REGION), TableName.valueOf("t"), id, 1000L + id, HConstants.DEFAULT_CLUSTER_ID), edit);
  }

  static void encryption(Configuration conf, boolean encrypted) {
    conf.set("hbase.crypto.keyprovider", KeyProviderForTesting.class.getName());
    conf.set("hbase.crypto.master.key.name", "hbase");
    conf.setBoolean("hbase.regionserver.wal.encryption", encrypted);
  }

  static void cluster() throws Exception {
    HBaseTestingUtility hbase = new HBaseTestingUtility();
    encryption(hbase.getConfiguration(), true);
    hbase.startMiniCluster(2);
    TableName name = TableName.valueOf("t");
    Table table = hbase.createTable(name, FAMILY);
    for (int id = 1; id <= 5; id++) {
      Put put = new Put(Bytes.toBytes("row" + id)).addColumn(FAMILY, FAMILY, FAMILY);
      table.put(id == 3 ? put.setTTL(86_400_000L) : put);
    }
    System.out.println("cluster with encrypted WALs, a TTL on the third of five rows: " + hbase.countRows(table) + " rows");
    ServerName dead = hbase.getRSForFirstRegionInTable(name).getServerName();
    hbase.getHBaseCluster().killRegionServer(dead);
    hbase.getHBaseCluster().waitForRegionServerToStop(dead, 60_000);
    hbase.waitFor(60_000, () -> {
      HRegionServer next = hbase.getRSForFirstRegionInTable(name);
      return next != null && !next.getServerName().equals(dead);
    });
    hbase.waitTableAvailable(name);
    System.out.println("  after its region server was killed and the region is back: " + hbase.countRows(table) + " rows");
    hbase.shutdownMiniCluster();
  }

  static String read(FileSystem fs, Path file, Configuration conf) throws Exception {
    int entries = 0;
    try (WALStreamReader reader = WALFactory.createStreamReader(fs, file, conf)) {
      while (reader.next() != null) {
        entries++;
      }
      return entries + " entries, then the end";
    } catch (java.io.EOFException end) {
      return entries + " entries, then EOFException";
    }
  }

  static void run(boolean encrypted, boolean tagged) throws Exception {
    java.nio.file.Path base = Files.createTempDirectory(java.nio.file.Path.of("").toAbsolutePath(), "root");
    Configuration conf = HBaseConfiguration.create();
    conf.set("fs.defaultFS", "file:///");
    conf.set("hbase.rootdir", base.toUri().toString());
    conf.set("hbase.wal.provider", "filesystem");
    conf.setBoolean("hbase.unsafe.stream.capability.enforce", false);
    encryption(conf, encrypted);
    FileSystem fs = FileSystem.get(conf);
    Path root = new Path(base.toUri());
    Path server = new Path(root, "WALs/server,1,1-splitting");
    Path file = new Path(server, "server%2C1%2C1.1");
    fs.mkdirs(server);
    fs.mkdirs(new Path(root, "data/default/t/" + REGION));
    try (WALProvider.Writer writer = WALFactory.createWALWriter(fs, file, conf)) {
      for (int id = 1; id <= 5; id++) {
        writer.append(entry(id, tagged && id == 3));
      }
      writer.sync(true);
    }
    String bytes = new String(Files.readAllBytes(java.nio.file.Path.of(file.toUri().getPath())), StandardCharsets.ISO_8859_1);
    System.out.println("rows in clear text: " + bytes.contains("row1") + ", a TTL on the third of five: " + tagged);
    System.out.println("  the WAL: " + read(fs, file, conf));
    for (Path edits : WALSplitter.split(root, server, new Path(root, "oldWALs"), fs, conf, new WALFactory(conf, "finding"))) {
      System.out.println("  split without an error, recovered.edits/" + edits.getName() + ": " + read(fs, edits, conf));
    }
    System.out.println("  in oldWALs: " + fs.listStatus(new Path(root, "oldWALs")).length);
  }

  public static void main(String[] args) throws Exception {
    System.out.println("HBase " + VersionInfo.getVersion());
    run(false, true);
    run(true, false);
    run(true, true);
    cluster();
    System.exit(0);
  }
}
JAVA
echo 'log4j.rootLogger=OFF' >log4j.properties
open=()
for package in java.lang java.lang.reflect java.io java.net java.nio java.util java.util.concurrent java.util.zip sun.nio.ch; do
  open+=(--add-opens "java.base/$package=ALL-UNNAMED")
done
timeout 600 java "${open[@]}" -Djava.net.preferIPv4Stack=true -Djava.io.tmpdir="$work" -Dlog4j.configuration=file:log4j.properties -cp "$(cat classpath)" Seen.java >seen 2>log

echo "expected by the guess: 5 entries recovered each time, 5 rows in the end; seen:"
cat seen
diff - seen <<'END' || { echo "CHANGED: this is not what 2.6.1 did" >&2; exit 1; }
HBase 2.6.1-hadoop3
rows in clear text: true, a TTL on the third of five: true
  the WAL: 5 entries, then the end
  split without an error, recovered.edits/0000000000000000005: 5 entries, then the end
  in oldWALs: 1
rows in clear text: false, a TTL on the third of five: false
  the WAL: 5 entries, then the end
  split without an error, recovered.edits/0000000000000000005: 5 entries, then the end
  in oldWALs: 1
rows in clear text: false, a TTL on the third of five: true
  the WAL: 2 entries, then EOFException
  split without an error, recovered.edits/0000000000000000002: 2 entries, then the end
  in oldWALs: 1
cluster with encrypted WALs, a TTL on the third of five rows: 5 rows
  after its region server was killed and the region is back: 2 rows
END
