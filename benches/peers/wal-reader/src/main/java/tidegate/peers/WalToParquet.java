package tidegate.peers;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hbase.Cell;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.PrivateCellUtil;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hadoop.hbase.wal.WAL;
import org.apache.hadoop.hbase.wal.WALFactory;
import org.apache.hadoop.hbase.wal.WALStreamReader;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.ParquetProperties;
import org.apache.parquet.column.values.ValuesWriter;
import org.apache.parquet.column.values.factory.DefaultV2ValuesWriterFactory;
import org.apache.parquet.column.values.plain.PlainValuesWriter;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;

/** {@code read FILE...}: every cell of the WALs. {@code parquet TO FILE...}: one Parquet file of each, with the columns of a batch. One JSON line. */
public final class WalToParquet {
  private static final MessageType SCHEMA = MessageTypeParser.parseMessageType(String.join("\n", "message batch {",
    "required binary region (UTF8); required int64 sequence; required int32 index; required binary row;",
    "required binary family; required binary qualifier; required int64 timestamp; required int32 type;",
    "required binary value; optional binary tags; required int64 write_time; optional binary origin (UTF8); }"));

  private WalToParquet() {
  }

  public static void main(String[] args) throws Exception {
    Configuration conf = HBaseConfiguration.create();
    conf.set("fs.defaultFS", "file:///");
    conf.setInt("parquet.compression.codec.zstd.level", 1);
    FileSystem fs = FileSystem.get(conf);
    ((LocalFileSystem) fs).setVerifyChecksum(false);
    ((LocalFileSystem) fs).setWriteChecksum(false);
    boolean parquet = args[0].equals("parquet");
    long started = System.nanoTime();
    double cpuAtStart = cpu();
    long cells = 0;
    long bytes = 0;
    long written = 0;
    for (String name : Arrays.asList(args).subList(parquet ? 2 : 1, args.length)) {
      Path wal = new Path(name);
      bytes += fs.getFileStatus(wal).getLen();
      if (parquet) {
        Path to = new Path(args[1], wal.getName() + ".parquet");
        cells += convert(conf, wal, to);
        written += fs.getFileStatus(to).getLen();
      } else {
        cells += read(conf, wal, null);
      }
    }
    System.out.printf(Locale.ROOT, "{\"bytes\":%d,\"cells\":%d,\"written\":%d,\"seconds\":%.3f,\"cpu_seconds\":%.3f,\"jvm_start_cpu_seconds\":%.3f}%n",
      bytes, cells, written, (System.nanoTime() - started) / 1e9, cpu() - cpuAtStart, cpuAtStart);
    System.out.flush();
    Runtime.getRuntime().halt(0);
  }

  private static double cpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
  }

  private static long read(Configuration conf, Path wal, Map<String, List<WAL.Entry>> into) throws IOException {
    long cells = 0;
    try (WALStreamReader reader = WALFactory.createStreamReader(FileSystem.get(conf), wal, conf)) {
      for (WAL.Entry entry = reader.next(); entry != null; entry = reader.next()) {
        cells += entry.getEdit().size();
        if (into != null && !entry.getEdit().isMetaEdit()) {
          into.computeIfAbsent(Bytes.toString(entry.getKey().getEncodedRegionName()), none -> new ArrayList<>()).add(entry);
        }
      }
    }
    return cells;
  }

  /** A row of the table to be: a cell, and where it stands. */
  private record Row(String region, WAL.Entry entry, int index, Cell cell) {
  }

  /** Regions in order; in each, entries are in the order of their ids already. */
  private static long convert(Configuration conf, Path wal, Path to) throws Exception {
    Map<String, List<WAL.Entry>> regions = new TreeMap<>();
    long cells = read(conf, wal, regions);
    try (ParquetWriter<Row> writer = new Builder(to).open(conf)) {
      for (Map.Entry<String, List<WAL.Entry>> region : regions.entrySet()) {
        for (WAL.Entry entry : region.getValue()) {
          List<Cell> of = entry.getEdit().getCells();
          for (int index = 0; index < of.size(); index++) {
            writer.write(new Row(region.getKey(), entry, index, of.get(index)));
          }
        }
      }
    }
    return cells;
  }

  private static final class Builder extends ParquetWriter.Builder<Row, Builder> {
    Builder(Path to) {
      super(to);
    }

    @Override
    protected Builder self() {
      return this;
    }

    @Override
    protected WriteSupport<Row> getWriteSupport(Configuration conf) {
      return new Rows();
    }

    ParquetWriter<Row> open(Configuration conf) throws Exception {
      withConf(conf).withCompressionCodec(CompressionCodecName.ZSTD).withWriterVersion(ParquetProperties.WriterVersion.PARQUET_2_0)
        .withRowGroupSize(16L << 20).withPageRowCountLimit(Integer.MAX_VALUE).withPageWriteChecksumEnabled(false)
        .withWriteMode(ParquetFileWriter.Mode.OVERWRITE).withDictionaryEncoding(true);
      for (String column : new String[] {"sequence", "index", "row", "timestamp", "value", "write_time"}) {
        withDictionaryEncoding(column, false);
      }
      for (String column : new String[] {"index", "family", "qualifier", "type", "value", "tags", "origin"}) {
        withStatisticsEnabled(column, false);
      }
      // Values are plain, which the builder has no word for.
      Field properties = ParquetWriter.Builder.class.getDeclaredField("encodingPropsBuilder");
      properties.setAccessible(true);
      ((ParquetProperties.Builder) properties.get(this)).withValuesWriterFactory(new PlainValues());
      return build();
    }
  }

  private static final class PlainValues extends DefaultV2ValuesWriterFactory {
    private ParquetProperties properties;

    @Override
    public void initialize(ParquetProperties given) {
      super.initialize(given);
      properties = given;
    }

    @Override
    public ValuesWriter newValuesWriter(ColumnDescriptor column) {
      if (column.getPath()[0].equals("value")) {
        return new PlainValuesWriter(properties.getInitialSlabSize(), properties.getPageSizeThreshold(), properties.getAllocator());
      }
      return super.newValuesWriter(column);
    }
  }

  private static final class Rows extends WriteSupport<Row> {
    private RecordConsumer out;

    @Override
    public WriteContext init(Configuration conf) {
      return new WriteContext(SCHEMA, Map.of());
    }

    @Override
    public void prepareForWrite(RecordConsumer consumer) {
      out = consumer;
    }

    @Override
    public void write(Row row) {
      Cell cell = row.cell();
      out.startMessage();
      binary("region", 0, Binary.fromString(row.region()));
      number("sequence", 1, row.entry().getKey().getSequenceId());
      out.startField("index", 2);
      out.addInteger(row.index());
      out.endField("index", 2);
      binary("row", 3, Binary.fromConstantByteArray(cell.getRowArray(), cell.getRowOffset(), cell.getRowLength()));
      binary("family", 4, Binary.fromConstantByteArray(cell.getFamilyArray(), cell.getFamilyOffset(), cell.getFamilyLength()));
      binary("qualifier", 5, Binary.fromConstantByteArray(cell.getQualifierArray(), cell.getQualifierOffset(), cell.getQualifierLength()));
      number("timestamp", 6, cell.getTimestamp());
      out.startField("type", 7);
      out.addInteger(cell.getType().getCode() & 0xff);
      out.endField("type", 7);
      binary("value", 8, Binary.fromConstantByteArray(cell.getValueArray(), cell.getValueOffset(), cell.getValueLength()));
      if (cell.getTagsLength() > 0) {
        binary("tags", 9, Binary.fromConstantByteArray(PrivateCellUtil.cloneTags(cell)));
      }
      number("write_time", 10, row.entry().getKey().getWriteTime());
      out.endMessage();
    }

    private void binary(String name, int index, Binary value) {
      out.startField(name, index);
      out.addBinary(value);
      out.endField(name, index);
    }

    private void number(String name, int index, long value) {
      out.startField(name, index);
      out.addLong(value);
      out.endField(name, index);
    }
  }
}
