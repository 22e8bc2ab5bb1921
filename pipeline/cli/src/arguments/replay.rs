use super::CutArguments;
use clap::Args;
use jobs::replay::Target;

/// Streams the edits that a cut puts on top of a snapshot: region by region, parents before the regions that came of
/// them, in the order of their sequence ids, each once.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tidegate replay --from /backup/hbase --snapshot s1 --until end --to jsonl:edits.jsonl\n\n\
docs/scan.md has the form of the lines."
)]
pub struct Replay {
    /// Which cut.
    #[command(flatten)]
    pub cut: CutArguments,
    /// Where edits go: jsonl:FILE (a new file, one entry per line), hfiles:URI (a new directory
    /// of HFiles for completebulkload), or null: (they are only counted).
    #[arg(long, value_name = "TARGET")]
    pub to: Target,
    /// Print families in hexadecimal.
    #[arg(long)]
    pub hex: bool,
    /// How many files are looked into at the same time before the replay begins.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=512), env = "TIDEGATE_WORKERS")]
    pub workers: u16,
}
