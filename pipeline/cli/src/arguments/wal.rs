use super::Moment;
use clap::{Args, Subcommand};

/// Reads the WALs of an HBase root (WALs, oldWALs, recovered edits) and writes their edits as Parquet batches, a file
/// for each WAL and table, with the markers beside them. What has been converted is left alone: run it again, and it
/// converts what is new, or resumes after an interruption. Bulk-loaded files that the WALs name are kept, too.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate convert --from /hbase --to /backup/hbase\n\n\
The batches lie in <REPO>/.tidegate/batches/<namespace>/<table>/. See docs/wal.md for how often to run it.")]
pub struct Convert {
    /// The HBase root (hbase.rootdir).
    #[arg(long, value_name = "URI", env = "TIDEGATE_FROM")]
    pub from: String,
    /// The repository: the root that `tidegate export` writes to. It is made if it does not exist.
    #[arg(long, value_name = "REPO", env = "TIDEGATE_TO")]
    pub to: String,
    /// The root of the WALs, if hbase.wal.dir is set [default: the HBase root].
    #[arg(long, value_name = "URI", env = "TIDEGATE_WAL_ROOT")]
    pub wal_root: Option<String>,
    /// Only this table, as ns:name; may be given several times [default: all].
    #[arg(long = "table", value_name = "TABLE")]
    pub tables: Vec<String>,
    /// How many WALs are read at the same time, each by one core.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=512), env = "TIDEGATE_WORKERS")]
    pub workers: u16,
    /// Allow batches in clear text of tables with encrypted families, and of WALs that are encrypted. (This version cannot
    /// be given a key yet: such WALs are left out and reported.)
    #[arg(long)]
    pub allow_clear_text: bool,
    /// The root is a copy (rsync, hdfs dfs -get, a volume snapshot) that was begun at this time: 2026-11-20T10:00:00Z or epoch
    /// ms. What was written later is then unknown.
    #[arg(long, value_name = "TIME")]
    pub copied_at: Option<Moment>,
    /// Print which WALs would be converted and stop.
    #[arg(long)]
    pub dry_run: bool,
}

/// Looking into WALs.
#[derive(Debug, Subcommand)]
pub enum Wal {
    /// Server, codec, entries, regions with their sequence ids, times, and whether the WAL was closed.
    Info {
        /// The WALs.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
    /// Print entries as JSON Lines, in the order of the WAL. Entries are printed whole.
    Cat {
        /// The WALs.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// Only this table, as ns:name.
        #[arg(long, value_name = "TABLE")]
        table: Option<String>,
        /// Only the region with this encoded name.
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// Only entries with a cell of this row: text, or bytes as \xNN.
        #[arg(long, value_name = "ROW")]
        row: Option<String>,
        /// Only entries with a cell of this family.
        #[arg(long, value_name = "FAMILY")]
        family: Option<String>,
        /// Only entries with this sequence id, or from one to another: 7, 7..20, ..20, 7.. (both ends included).
        #[arg(long, value_name = "IDS")]
        sequence: Option<String>,
        /// Only entries written in this span of time: FROM..TO, each as 2026-11-20T10:00:00Z or milliseconds, or left
        /// out.
        #[arg(long, value_name = "TIMES")]
        time: Option<String>,
        /// At most this many entries.
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
        /// Print families in hexadecimal.
        #[arg(long)]
        hex: bool,
    },
    /// Verify structure, names, markers, and the order of each region's sequence ids. (A WAL has no checksums.)
    Verify {
        /// The WALs.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
    /// Find what is whole in a damaged WAL, past the damage too, and say what is lost.
    Salvage {
        /// The WAL.
        #[arg(value_name = "FILE")]
        file: String,
        /// Write a WAL with all whole entries, byte for byte, to this new file.
        #[arg(long, value_name = "FILE")]
        to: Option<String>,
    },
}
