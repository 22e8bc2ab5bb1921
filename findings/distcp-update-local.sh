#!/usr/bin/env bash
# Guess: `distcp -update` copies a file again if length, block size or checksum differ (so its own documentation), and file:// has checksums (.NAME.crc).
# What happens: LocalFileSystem.getFileChecksum is null although the .crc is there, and distcp takes "no checksum" for "equal".
#   3.3.5: other bytes of the same length are skipped, exit code 0, counted as "Files Skipped", no warning. 3.4.2 looks at times instead: it copies
#   what is newer in the source, and still skips a source that was replaced with an older time (as `cp -p`, `mv`, `rsync -t` leave it), and a target
#   that was damaged after the copy. With `-update` such a copy is never mended; without it everything is copied.
# Versions: org.apache.hadoop:hadoop-distcp 3.3.5 and 3.4.2.
# Source: org.apache.hadoop.tools.mapred.CopyMapper.canSkip, org.apache.hadoop.tools.util.DistCpUtils.checksumsAreEqual,
#   org.apache.hadoop.fs.FileSystem.getFileChecksum (LocalFileSystem has none of its own).
set -Eeuo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'tail -n 20 "$work/log" >&2 || true' ERR
cd "$work"

for version in 3.3.5 3.4.2; do
  mkdir "$version"
  cat >"$version/pom.xml" <<XML
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId><artifactId>finding</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-distcp</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.hadoop</groupId><artifactId>hadoop-client</artifactId><version>$version</version></dependency>
  </dependencies>
</project>
XML
  mvn -q -B -f "$version/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.0:build-classpath \
    -Dmdep.outputFile=classpath >log 2>&1
done

cat >Seen.java <<'JAVA'
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.tools.DistCp;
import org.apache.hadoop.util.ToolRunner;
import org.apache.hadoop.util.VersionInfo;

public class Seen {
  static Path base;

  static void copy(String what) throws Exception {
    Configuration conf = new Configuration();
    conf.set("hadoop.tmp.dir", base.resolve("tmp").toString());
    int exit = ToolRunner.run(conf, new DistCp(conf, null), new String[] { "-update", base.resolve("source").toUri().toString(), base.resolve("target").toUri().toString() });
    System.out.println(what + ": exit " + exit + ", target holds '" + Files.readString(base.resolve("target/f")) + "'");
  }

  static void source(String text, long seconds) throws Exception {
    Files.writeString(base.resolve("source/f"), text);
    Files.setLastModifiedTime(base.resolve("source/f"), FileTime.fromMillis(System.currentTimeMillis() + seconds * 1000));
  }

  public static void main(String[] args) throws Exception {
    base = Path.of(args[0]).toAbsolutePath();
    Files.createDirectories(base.resolve("source"));
    source("one", -60);
    copy("Hadoop " + VersionInfo.getVersion() + ", first copy");
    FileSystem local = FileSystem.getLocal(new Configuration());
    System.out.println("checksum of the target's file: " + local.getFileChecksum(new org.apache.hadoop.fs.Path(base.resolve("target/f").toString()))
        + ", .crc is there: " + Files.exists(base.resolve("target/.f.crc")));
    source("two", 60);
    copy("source is 'two', newer");
    source("six", -3600);
    copy("source is 'six', older");
    source("ten", -3600);
    Files.writeString(base.resolve("target/f"), "t?n");
    copy("source is 'ten', target damaged");
  }
}
JAVA
echo 'log4j.rootLogger=OFF' >log4j.properties
for version in 3.3.5 3.4.2; do
  java -Dlog4j.configuration=file:log4j.properties -cp "$(cat "$version/classpath")" Seen.java "run-$version" >>seen 2>log
done

echo "expected by the guess: after each copy the target holds what the source holds; seen:"
cat seen
diff - seen <<'END' || { echo "CHANGED: this is not what 3.3.5 and 3.4.2 did" >&2; exit 1; }
Hadoop 3.3.5, first copy: exit 0, target holds 'one'
checksum of the target's file: null, .crc is there: true
source is 'two', newer: exit 0, target holds 'one'
source is 'six', older: exit 0, target holds 'one'
source is 'ten', target damaged: exit 0, target holds 't?n'
Hadoop 3.4.2, first copy: exit 0, target holds 'one'
checksum of the target's file: null, .crc is there: true
source is 'two', newer: exit 0, target holds 'two'
source is 'six', older: exit 0, target holds 'two'
source is 'ten', target damaged: exit 0, target holds 't?n'
END
