#!/usr/bin/env bash
# Guess: what HBase's own tools copy expires when it would have expired in the source: WALPlayer replays the WAL's cells, CopyTable and Export with
#   Import copy the table's, and a cell's own TTL (Mutation.setTTL) is part of the cell.
# What happens: the TTL is a tag, and with the default client codec (KeyValueCodec) tags do not travel. All three exit 0, and the copy keeps for ever
#   what the source shows no more. With -Dhbase.client.rpc.codec=org.apache.hadoop.hbase.codec.KeyValueCodecWithTags the TTL comes along in all three.
# Version: org.apache.hbase 2.6.1-hadoop3, a cluster in one JVM (hbase-testing-util) with its tools (hbase-mapreduce).
# Source: org.apache.hadoop.hbase.ipc.AbstractRpcClient.getDefaultCodec, org.apache.hadoop.hbase.codec.KeyValueCodec;
#   the tools are WALPlayer, CopyTable, Export and Import of org.apache.hadoop.hbase.mapreduce.
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
    <dependency><groupId>org.apache.hbase</groupId><artifactId>hbase-mapreduce</artifactId><version>2.6.1-hadoop3</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -f pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.6.0:build-classpath -Dmdep.outputFile=classpath >log 2>&1

cat >Seen.java <<'JAVA'
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hbase.HBaseTestingUtility;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.Get;
import org.apache.hadoop.hbase.client.Put;
import org.apache.hadoop.hbase.client.Table;
import org.apache.hadoop.hbase.codec.KeyValueCodecWithTags;
import org.apache.hadoop.hbase.mapreduce.CopyTable;
import org.apache.hadoop.hbase.mapreduce.Export;
import org.apache.hadoop.hbase.mapreduce.Import;
import org.apache.hadoop.hbase.mapreduce.WALPlayer;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.util.VersionInfo;
import org.apache.hadoop.util.Tool;
import org.apache.hadoop.util.ToolRunner;

public class Seen {
  static final byte[] NAME = Bytes.toBytes("f");
  static final String[] COPIES = { "walplayer", "copytable", "import" };
  static final HBaseTestingUtility HBASE = new HBaseTestingUtility();

  static Table table(String name) throws Exception {
    return HBASE.getConnection().getTable(TableName.valueOf(name));
  }

  static String get(String name) throws Exception {
    try (Table table = table(name)) {
      return table.get(new Get(NAME)).isEmpty() ? "nothing" : "the cell";
    }
  }

  static void tool(String codec, Tool tool, String... args) throws Exception {
    Configuration conf = new Configuration(HBASE.getConfiguration());
    if (codec != null) {
      conf.set("hbase.client.rpc.codec", codec);
    }
    int exit = ToolRunner.run(conf, tool, args);
    System.out.println("  " + tool.getClass().getSimpleName() + " exit " + exit);
  }

  static void run(String prefix, String codec, long ttl) throws Exception {
    String source = prefix + "source";
    HBASE.createTable(TableName.valueOf(source), NAME).close();
    for (String copy : COPIES) {
      HBASE.createTable(TableName.valueOf(prefix + copy), NAME).close();
    }
    long start = System.currentTimeMillis();
    try (Table table = table(source)) {
      table.put(new Put(NAME).addColumn(NAME, NAME, NAME).setTTL(ttl));
    }
    HBASE.getAdmin().rollWALWriter(HBASE.getHBaseCluster().getRegionServer(0).getServerName());
    Path root = HBASE.getDefaultRootDirPath();
    tool(codec, new WALPlayer(), root + "/WALs," + root + "/oldWALs", source, prefix + "walplayer");
    tool(codec, new CopyTable(), "--new.name=" + prefix + "copytable", source);
    tool(codec, new Export(), source, root + "/" + prefix + "exported");
    tool(codec, new Import(), prefix + "import", root + "/" + prefix + "exported");
    System.out.println("  within the TTL: source " + get(source) + all(prefix));
    Thread.sleep(Math.max(0, start + ttl + 2000 - System.currentTimeMillis()));
    System.out.println("  after the TTL: source " + get(source) + all(prefix));
  }

  static String all(String prefix) throws Exception {
    StringBuilder line = new StringBuilder();
    for (String copy : COPIES) {
      line.append(", ").append(copy).append(' ').append(get(prefix + copy));
    }
    return line.toString();
  }

  public static void main(String[] args) throws Exception {
    HBASE.getConfiguration().set("mapreduce.framework.name", "local");
    HBASE.startMiniCluster(1);
    System.out.println("HBase " + VersionInfo.getVersion() + ", default codec");
    run("plain-", null, Long.parseLong(args[0]));
    System.out.println("HBase " + VersionInfo.getVersion() + ", KeyValueCodecWithTags");
    run("tags-", KeyValueCodecWithTags.class.getName(), Long.parseLong(args[0]));
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
# The TTL is a minute: all four tools take some 10 s on a slow machine.
timeout 600 java "${open[@]}" -Djava.net.preferIPv4Stack=true -Djava.io.tmpdir="$work" -Dlog4j.configuration=file:log4j.properties -cp "$(cat classpath)" Seen.java 60000 >seen 2>log

echo "expected by the guess: after the TTL, nothing anywhere; seen:"
cat seen
diff - seen <<'END' || { echo "CHANGED: this is not what 2.6.1 did" >&2; exit 1; }
HBase 2.6.1-hadoop3, default codec
  WALPlayer exit 0
  CopyTable exit 0
  Export exit 0
  Import exit 0
  within the TTL: source the cell, walplayer the cell, copytable the cell, import the cell
  after the TTL: source nothing, walplayer the cell, copytable the cell, import the cell
HBase 2.6.1-hadoop3, KeyValueCodecWithTags
  WALPlayer exit 0
  CopyTable exit 0
  Export exit 0
  Import exit 0
  within the TTL: source the cell, walplayer the cell, copytable the cell, import the cell
  after the TTL: source nothing, walplayer nothing, copytable nothing, import nothing
END
