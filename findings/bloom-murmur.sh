#!/usr/bin/env bash
# Guess: HBase's default bloom hash, "murmur", is MurmurHash2 as published (32 bits, little-endian), so any library's will do to write or ask its blooms.
# What happens: it is that for keys whose length is a multiple of 4 and for keys of ASCII; the 1 to 3 bytes behind the last whole word are taken as
#   signed, so every byte from 0x80 on there gives another hash. A bloom made with the published function would say "not there" of such rows: a Get
#   would lose them, a scan show them. ("murmur3" is the published one.)
# Versions: org.apache.hbase:hbase-common 2.6.1-hadoop3; the published functions are those of commons-codec:commons-codec 1.15.
# Source: org.apache.hadoop.hbase.util.MurmurHash.hash, org.apache.commons.codec.digest.MurmurHash2.hash32.
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
    <dependency><groupId>org.apache.hbase</groupId><artifactId>hbase-common</artifactId><version>2.6.1-hadoop3</version></dependency>
    <dependency><groupId>commons-codec</groupId><artifactId>commons-codec</artifactId><version>1.15</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B -f pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.6.0:build-classpath -Dmdep.outputFile=classpath >log 2>&1

cat >Seen.java <<'JAVA'
import java.util.Random;
import java.util.function.IntFunction;
import org.apache.commons.codec.digest.MurmurHash2;
import org.apache.commons.codec.digest.MurmurHash3;
import org.apache.hadoop.hbase.util.ByteArrayHashKey;
import org.apache.hadoop.hbase.util.Hash;
import org.apache.hadoop.hbase.util.VersionInfo;

public class Seen {
  static final Random RANDOM = new Random(7);

  static byte[] key(int length, int mask) {
    byte[] key = new byte[length];
    RANDOM.nextBytes(key);
    for (int i = 0; i < length; i++) {
      key[i] &= (byte) mask;
    }
    return key;
  }

  static void compare(String what, int type, IntFunction<byte[]> keys) {
    int equal = 0;
    for (int i = 0; i < 1000; i++) {
      byte[] key = keys.apply(i);
      int seed = RANDOM.nextInt();
      int hbase = Hash.getInstance(type).hash(new ByteArrayHashKey(key, 0, key.length), seed);
      int published = type == Hash.MURMUR_HASH ? MurmurHash2.hash32(key, key.length, seed) : MurmurHash3.hash32x86(key, 0, key.length, seed);
      equal += hbase == published ? 1 : 0;
    }
    System.out.println(what + ": " + equal + " of 1000 equal");
  }

  public static void main(String[] args) {
    System.out.println("HBase " + VersionInfo.getVersion());
    compare("murmur, any bytes, lengths 4, 8, 12, 16", Hash.MURMUR_HASH, i -> key(4 + i % 4 * 4, 0xff));
    compare("murmur, bytes below 0x80, lengths 1 to 19", Hash.MURMUR_HASH, i -> key(1 + i % 19, 0x7f));
    compare("murmur, length 9, last byte 0x80 or above", Hash.MURMUR_HASH, i -> {
      byte[] key = key(9, 0x7f);
      key[8] |= (byte) 0x80;
      return key;
    });
    compare("murmur3, any bytes, lengths 1 to 19", Hash.MURMUR_HASH3, i -> key(1 + i % 19, 0xff));
  }
}
JAVA
echo 'log4j.rootLogger=OFF' >log4j.properties
java --add-opens java.base/java.nio=ALL-UNNAMED -Dlog4j.configuration=file:log4j.properties -cp "$(cat classpath)" Seen.java >seen 2>log

echo "expected by the guess: 1000 of 1000 in every line; seen:"
cat seen
diff - seen <<'END' || { echo "CHANGED: this is not what 2.6.1 did" >&2; exit 1; }
HBase 2.6.1-hadoop3
murmur, any bytes, lengths 4, 8, 12, 16: 1000 of 1000 equal
murmur, bytes below 0x80, lengths 1 to 19: 1000 of 1000 equal
murmur, length 9, last byte 0x80 or above: 0 of 1000 equal
murmur3, any bytes, lengths 1 to 19: 1000 of 1000 equal
END
