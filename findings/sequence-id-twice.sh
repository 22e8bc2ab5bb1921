#!/usr/bin/env bash
# Guess: a region gives each sequence id once, so (region, sequence id) names one entry of the WALs, and entries that are there twice can be told by it.
# What happens: after a crash a region goes on behind what its files and recovered edits hold. Markers are not recovered, and a bulk load that had to
#   flush first puts its marker (and the flush's own) behind the number that its files carry: those ids are given again. The dead
#   server's WAL has the bulk load's marker, the next server's WAL another entry, with the same region and id; both are right and both count.
# Version: org.apache.hbase 2.6.1-hadoop3, a cluster of two region servers in one JVM (hbase-testing-util), of which one is killed.
# Source: org.apache.hadoop.hbase.regionserver.HRegion.bulkLoadHFiles and initializeStores, org.apache.hadoop.hbase.wal.WALSplitter (leaves out markers).
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
import java.io.EOFException;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.hbase.CellUtil;
import org.apache.hadoop.hbase.HBaseTestingUtility;
import org.apache.hadoop.hbase.KeyValue;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.io.hfile.HFile;
import org.apache.hadoop.hbase.io.hfile.HFileContextBuilder;
import org.apache.hadoop.hbase.regionserver.HRegionServer;
import org.apache.hadoop.hbase.tool.BulkLoadHFiles;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.util.VersionInfo;
import org.apache.hadoop.hbase.wal.WAL;
import org.apache.hadoop.hbase.wal.WALFactory;
import org.apache.hadoop.hbase.wal.WALStreamReader;

public class Seen {
  static final HBaseTestingUtility HBASE = new HBaseTestingUtility();
  static final TableName NAME = TableName.valueOf("t");
  static final byte[] FAMILY = Bytes.toBytes("f");
  static final TreeMap<Long, List<String>> ENTRIES = new TreeMap<>();

  static void put(Table table, String prefix, int rows) throws Exception {
    for (int i = 0; i < rows; i++) {
      table.put(new Put(Bytes.toBytes(prefix + i)).addColumn(FAMILY, FAMILY, FAMILY));
    }
  }

  static void bulkLoad(FileSystem fs, Configuration conf) throws Exception {
    Path dir = new Path(HBASE.getDataTestDirOnTestFS("bulk"), "f");
    fs.mkdirs(dir);
    Path file = new Path(dir, "0123456789abcdef0123456789abcdef");
    try (HFile.Writer writer = HFile.getWriterFactoryNoCache(conf).withPath(fs, file).withFileContext(new HFileContextBuilder().build()).create()) {
      writer.append(new KeyValue(Bytes.toBytes("bulk"), FAMILY, FAMILY, 1L, FAMILY));
    }
    BulkLoadHFiles.create(conf).bulkLoad(NAME, dir.getParent());
  }

  static void crash() throws Exception {
    ServerName dead = HBASE.getRSForFirstRegionInTable(NAME).getServerName();
    HBASE.getHBaseCluster().killRegionServer(dead);
    HBASE.getHBaseCluster().waitForRegionServerToStop(dead, 60_000);
    HBASE.waitFor(60_000, () -> {
      HRegionServer next = HBASE.getRSForFirstRegionInTable(NAME);
      return next != null && !next.getServerName().equals(dead);
    });
    HBASE.waitTableAvailable(NAME);
  }

  static void read(FileSystem fs, Path file, Configuration conf, String region) throws Exception {
    String where = file.toString().contains("/oldWALs/") ? "dead server" : "next server";
    try (WALStreamReader reader = WALFactory.createStreamReader(fs, file, conf)) {
      for (WAL.Entry entry = reader.next(); entry != null; entry = reader.next()) {
        if (!Bytes.toString(entry.getKey().getEncodedRegionName()).equals(region)) {
          continue;
        }
        var first = entry.getEdit().getCells().get(0);
        String what = entry.getEdit().isMetaEdit() ? Bytes.toString(CellUtil.cloneQualifier(first)) : "put of " + Bytes.toString(CellUtil.cloneRow(first));
        ENTRIES.computeIfAbsent(entry.getKey().getSequenceId(), id -> new ArrayList<>()).add(where + " " + what);
      }
    } catch (EOFException open) {
      // The next server's WAL is still written.
    }
  }

  public static void main(String[] args) throws Exception {
    Configuration conf = HBASE.getConfiguration();
    HBASE.startMiniCluster(2);
    FileSystem fs = HBASE.getTestFileSystem();
    Table table = HBASE.createTable(NAME, FAMILY);
    String region = HBASE.getHBaseCluster().getRegions(NAME).get(0).getRegionInfo().getEncodedName();
    put(table, "before", 3);
    bulkLoad(fs, conf);
    crash();
    put(table, "after", 6);
    Path root = HBASE.getDefaultRootDirPath();
    for (String dir : new String[] { "WALs", "oldWALs" }) {
      RemoteIterator<LocatedFileStatus> files = fs.listFiles(new Path(root, dir), true);
      while (files.hasNext()) {
        Path file = files.next().getPath();
        if (!file.getName().endsWith(".meta")) {
          read(fs, file, conf, region);
        }
      }
    }
    System.err.println(ENTRIES);
    System.out.println("HBase " + VersionInfo.getVersion());
    ENTRIES.values().forEach(entries -> entries.sort(null));
    ENTRIES.values().stream().filter(entries -> entries.size() > 1).forEach(entries -> System.out.println("one id: " + String.join(" AND ", entries)));
    HBASE.shutdownMiniCluster();
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

echo "expected by the guess: no id that two entries of the region have; seen:"
cat seen
diff - seen <<'END' || { echo "CHANGED: this is not what 2.6.1 did" >&2; exit 1; }
HBase 2.6.1-hadoop3
one id: dead server HBASE::FLUSH AND next server HBASE::REGION_EVENT::REGION_OPEN
one id: dead server HBASE::BULK_LOAD AND next server put of after0
END
