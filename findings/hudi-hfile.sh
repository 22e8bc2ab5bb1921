#!/usr/bin/env bash
# Guess: Hudi's native writer makes HFiles of HBase's format (major 3, the same magics and checksums), so HBase opens them.
# What happens: HBase 2.6.1 refuses every one as CorruptHFileException ("Problem reading HFile Trailer"): the trailer names a comparator class of
#   Hudi's, which HBase loads by name. The file is whole. And every data block but the first names itself as the block before it (prevBlockOffset
#   is its own offset, where HBase's is that of the block before), which HBase follows when it seeks backwards.
# Versions: org.apache.hudi:hudi-io 1.1.1; org.apache.hbase:hbase-server 2.6.1-hadoop3.
# Source: org.apache.hudi.io.hfile.HFileWriterImpl and HFileDataBlock; org.apache.hadoop.hbase.io.hfile.FixedFileTrailer.getComparatorClass.
set -Eeuo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'tail -n 20 "$work/log" >&2 || true' ERR
cd "$work"

classpath() { # GROUP ARTIFACT VERSION: a class path of its own, in ARTIFACT/classpath
  mkdir "$2"
  cat >"$2/pom.xml" <<XML
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>
  </dependencies>
</project>
XML
  mvn -q -B -f "$2/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.0:build-classpath -Dmdep.outputFile=classpath >log 2>&1
}
classpath org.apache.hudi hudi-io 1.1.1
classpath org.apache.hbase hbase-server 2.6.1-hadoop3

cat >Write.java <<'JAVA'
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.hudi.io.compress.CompressionCodec;
import org.apache.hudi.io.hfile.HFileContext;
import org.apache.hudi.io.hfile.HFileWriter;
import org.apache.hudi.io.hfile.HFileWriterImpl;

public class Write {
  public static void main(String[] args) throws Exception {
    HFileContext context = HFileContext.builder().blockSize(512).compressionCodec(CompressionCodec.NONE).build();
    try (OutputStream out = Files.newOutputStream(Path.of("hudi")); HFileWriter writer = new HFileWriterImpl(context, out)) {
      for (int i = 0; i < 60; i++) {
        writer.append(String.format("key%05d", i), ("value of " + i).getBytes(StandardCharsets.UTF_8));
      }
    }
  }
}
JAVA
cat >Read.java <<'JAVA'
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hbase.KeyValue;
import org.apache.hadoop.hbase.io.hfile.CacheConfig;
import org.apache.hadoop.hbase.io.hfile.HFile;
import org.apache.hadoop.hbase.io.hfile.HFileContextBuilder;
import org.apache.hadoop.hbase.util.Bytes;

public class Read {
  static Configuration conf = new Configuration();

  static void look(String name) throws Exception {
    byte[] bytes = Files.readAllBytes(java.nio.file.Path.of(name));
    int version = ByteBuffer.wrap(bytes).getInt(bytes.length - 4);
    int blocks = 0;
    int themselves = 0;
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    for (int at = text.indexOf("DATABLK*"); at >= 0; at = text.indexOf("DATABLK*", at + 1)) {
      blocks++;
      themselves += ByteBuffer.wrap(bytes).getLong(at + 16) == at ? 1 : 0;
    }
    String opened;
    Path path = new Path(java.nio.file.Path.of(name).toAbsolutePath().toString());
    try (HFile.Reader reader = HFile.createReader(FileSystem.getLocal(conf), path, CacheConfig.DISABLED, true, conf)) {
      opened = "opened, " + reader.getEntries() + " entries";
    } catch (Exception refused) {
      Throwable cause = refused;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      opened = refused.getClass().getSimpleName() + " by " + cause.getClass().getSimpleName() + " " + cause.getMessage();
    }
    System.out.println(name + " writes HFile " + (version & 0xffffff) + "." + (version >>> 24) + ", several data blocks: " + (blocks > 2)
        + ", name themselves as the one before: " + (themselves == 0 ? "none" : themselves == blocks - 1 ? "all but the first" : "some"));
    System.out.println("  HBase: " + opened);
  }

  public static void main(String[] args) throws Exception {
    Path path = new Path(java.nio.file.Path.of("hbase").toAbsolutePath().toString());
    try (HFile.Writer writer = HFile.getWriterFactoryNoCache(conf).withPath(FileSystem.getLocal(conf), path)
        .withFileContext(new HFileContextBuilder().withBlockSize(512).build()).create()) {
      for (int i = 0; i < 60; i++) {
        writer.append(new KeyValue(Bytes.toBytes(String.format("key%05d", i)), Bytes.toBytes("f"), null, 1L, Bytes.toBytes("value of " + i)));
      }
    }
    look("hbase");
    look("hudi");
  }
}
JAVA
echo 'log4j.rootLogger=OFF' >log4j.properties
java -cp "$(cat hudi-io/classpath)" Write.java >log 2>&1
java --add-opens java.base/java.nio=ALL-UNNAMED -Dlog4j.configuration=file:log4j.properties -cp "$(cat hbase-server/classpath)" Read.java >seen 2>log

echo "expected by the guess: HBase opens both; seen (hudi-io 1.1.1, HBase 2.6.1):"
cat seen
diff - seen <<'END' || { echo "CHANGED: this is not what hudi-io 1.1.1 and HBase 2.6.1 did" >&2; exit 1; }
hbase writes HFile 3.3, several data blocks: true, name themselves as the one before: none
  HBase: opened, 60 entries
hudi writes HFile 3.0, several data blocks: true, name themselves as the one before: all but the first
  HBase: CorruptHFileException by ClassNotFoundException org.apache.hudi.io.storage.HoodieHBaseKVComparator
END
