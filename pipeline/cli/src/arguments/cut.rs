use super::Milliseconds;
use clap::Args;
use jobs::{AcceptGaps, Until};

/// Which snapshots, and which cut on top of them: the options that cutting, restoring, replaying and scanning share.
#[derive(Debug, Args)]
pub struct CutArguments {
    /// The repository: what `tidegate export` and `tidegate convert` wrote to.
    #[arg(long, value_name = "REPO", env = "TIDEGATE_FROM")]
    pub from: String,
    /// The snapshot; several, each of another table, make one cut of all of them.
    #[arg(long = "snapshot", value_name = "NAME", required_unless_present = "images")]
    pub snapshots: Vec<String>,
    /// The same, by an image's id (`tidegate image list`).
    #[arg(long = "image", value_name = "ID")]
    pub images: Vec<String>,
    /// The cut: snapshot, end, time:2026-11-20T10:00:00Z, time:EPOCH_MS, marker:NAME, marker:FILE (with a / or
    /// .json), or sequences:FILE [default: snapshot; `cut` has none].
    #[arg(long, value_name = "CUT")]
    pub until: Option<Until>,
    /// Trim the cut until no effect is in it without its cause: JSON Lines of {"cause":{...},"effect":{...}}.
    #[arg(long, value_name = "FILE")]
    pub dependencies: Option<String>,
    /// The most by which any server's clock is wrong: 50ms, 2s.
    #[arg(long, value_name = "DURATION", env = "TIDEGATE_CLOCK_BOUND")]
    pub clock_bound: Option<Milliseconds>,
    /// How wrong servers' clocks may be, ms: a JSON object of "host,port,startcode" (or "others") and {"low":n,"high":n}.
    #[arg(long, value_name = "FILE", env = "TIDEGATE_CLOCKS")]
    pub clocks: Option<String>,
    /// Ambiguous gaps in which you know that nothing was lost, by name, as `tidegate cut` prints them; or a file: the
    /// report of `tidegate cut --output json` for the same cut (a path with a / or .json). What is known to be missing
    /// stays a problem.
    #[arg(long, value_name = "REGION:FROM-TO[,...]|FILE")]
    pub accept_gaps: Option<AcceptGaps>,
}

/// Says what a cut holds, whether anything is missing, and how consistent it is: the certificate of what `restore`,
/// `replay` and `scan` would use. Nothing is written.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tidegate cut --from /backup/hbase --snapshot s1 --until time:2026-11-20T10:00:00Z\n\n\
docs/consistency.md says what a certificate means."
)]
pub struct Cut {
    /// Which cut.
    #[command(flatten)]
    pub cut: CutArguments,
    /// How many files are read at the same time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=512), env = "TIDEGATE_WORKERS")]
    pub workers: u16,
}
