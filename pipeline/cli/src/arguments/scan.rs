use super::{CutArguments, Moment};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Prints a table's cells at a cut, read where they lie: what HBase's own scan would show of the table then. Nothing is
/// restored, nothing is written.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tidegate scan --from /backup/hbase --snapshot s1 --until time:2026-11-20T10:00:00Z --table ns:t --prefix user1\n\n\
docs/scan.md has the fields and the rules."
)]
pub struct Scan {
    /// Which cut [default of --until: snapshot].
    #[command(flatten)]
    pub cut: CutArguments,
    /// The table, as ns:name [default: the snapshot's, if there is only one].
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,
    /// All versions that a family keeps, not only the newest.
    #[arg(long)]
    pub all_versions: bool,
    /// Everything that is there: all versions, masked cells, and the delete markers.
    #[arg(long, conflicts_with = "all_versions")]
    pub raw: bool,
    /// Also print each cell's sequence id.
    #[arg(long)]
    pub sequence: bool,
    /// Only this row: text, or bytes as \xNN.
    #[arg(long, value_name = "ROW", conflicts_with = "prefix")]
    pub row: Option<String>,
    /// Only rows that begin with this: text, or bytes as \xNN.
    #[arg(long, value_name = "PREFIX")]
    pub prefix: Option<String>,
    /// Only this family.
    #[arg(long, value_name = "FAMILY")]
    pub family: Option<String>,
    /// At most this many rows.
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Judge times to live at this time: 2026-11-20T10:00:00Z, or milliseconds [default: now].
    #[arg(long, value_name = "TIME")]
    pub now: Option<Moment>,
    /// How cells are printed.
    #[arg(long, value_enum, default_value_t = CellFormat::Jsonl, value_name = "FORMAT")]
    pub format: CellFormat,
    /// Print families in hexadecimal (JSON Lines).
    #[arg(long)]
    pub hex: bool,
    /// Dictionary of files compressed with one (zstd).
    #[arg(long, value_name = "FILE")]
    pub zstd_dictionary: Vec<PathBuf>,
    /// How many files are looked into at the same time before the scan begins.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=512), env = "TIDEGATE_WORKERS")]
    pub workers: u16,
}

/// How cells are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CellFormat {
    /// One JSON object per line.
    Jsonl,
    /// For people: fields with tabs between them, values cut short.
    Table,
}
