//! What was typed. What it means is worked out in `meaning`.

mod cut;
mod quantity;
mod replay;
mod restore;
mod scan;
mod wal;

pub use cut::{Cut, CutArguments};
pub use quantity::{ByteRate, ByteSize, Milliseconds, Moment};
pub use replay::Replay;
pub use restore::Restore;
pub use scan::{CellFormat, Scan};
pub use wal::{Convert, Wal};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Moves Apache HBase tables between clusters and points in time: no JVM, no MapReduce job, no agent in the cluster.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, propagate_version = true, max_term_width = 110)]
#[command(after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command takes.
    #[command(flatten)]
    pub every: EveryCommand,
}

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done or read, but damage or a missing piece was found; 4 refused \
(would overwrite, unsafe); 130 interrupted, can be resumed.

Locations are plain paths or file:///path: an HBase root directory (hbase.rootdir) or what `tidegate export` wrote.";

/// Options of every command.
#[derive(Debug, Args)]
pub struct EveryCommand {
    /// How the report is printed.
    #[arg(long, global = true, value_enum, default_value_t = Output::Text, env = "TIDEGATE_OUTPUT")]
    pub output: Output,
    /// Also write the report, as JSON, to this file.
    #[arg(long, global = true, value_name = "FILE", env = "TIDEGATE_REPORT")]
    pub report: Option<PathBuf>,
    /// Whether progress bars are shown on standard error.
    #[arg(long, global = true, value_enum, default_value_t = ProgressBars::Auto, env = "TIDEGATE_PROGRESS")]
    pub progress: ProgressBars,
    /// Memory that may be held in flight, as 256MiB or 4GB [default: 512MiB, or a quarter of the machine's if that is less].
    #[arg(long, global = true, value_name = "SIZE", env = "TIDEGATE_MEMORY")]
    pub memory: Option<ByteSize>,
    /// Report on standard error how long each piece of the work took.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Read defaults for options from this TOML file: a table per command, keys as the long options.
    #[arg(long, global = true, value_name = "FILE", env = "TIDEGATE_CONFIG")]
    pub config: Option<PathBuf>,
}

/// How the report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// One JSON document on standard output.
    Json,
}

/// Whether progress bars are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressBars {
    /// If standard error is a terminal.
    Auto,
    /// Not at all.
    Never,
}

/// How much is verified; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Level {
    /// Every file exists and has the length it should have.
    List,
    /// The recorded digests agree.
    Sums,
    /// Every HFile's chain of blocks holds, and their checksums agree.
    Blocks,
    /// Every cell is decoded; order, counts and last key are what the file says.
    Cells,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Copy a snapshot to another root, verify every byte, and publish it there.
    Export(Export),
    /// Look at the snapshots of a root.
    #[command(subcommand)]
    Snapshot(Snapshot),
    /// Look at the images (exports) of a repository.
    #[command(subcommand)]
    Image(Image),
    /// Look into HFiles.
    #[command(subcommand)]
    Hfile(Hfile),
    /// Look into WALs.
    #[command(subcommand)]
    Wal(Wal),
    /// Turn the WALs of a root into batches that can be replayed, and that any Parquet reader opens.
    Convert(Convert),
    /// Prove what can be proved about a cut: what it holds, whether anything is missing, how consistent it is.
    Cut(Cut),
    /// Make native snapshots of tables from a repository, for `clone_snapshot`.
    Restore(Restore),
    /// Stream the edits that a cut puts on top of a snapshot.
    Replay(Replay),
    /// Print a table's cells at a cut, read where they lie.
    Scan(Scan),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Copies the snapshot's files and manifest into another HBase root (or an empty directory, which becomes one) as
/// HBase's ExportSnapshot does, so that any HBase can `clone_snapshot` it there. Every file is hashed and its blocks
/// are verified while it is copied; it is read back from the medium and compared before the snapshot is published.
/// Run it again after an interruption: it resumes where it stopped.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  tidegate export --from /hbase --snapshot s1 --to /backup/hbase")]
pub struct Export {
    /// The HBase root that has the snapshot.
    #[arg(long, value_name = "URI", env = "TIDEGATE_FROM")]
    pub from: String,
    /// The snapshot.
    #[arg(long, value_name = "NAME")]
    pub snapshot: String,
    /// The root to export to. It is made if it does not exist.
    #[arg(long, value_name = "URI", env = "TIDEGATE_TO")]
    pub to: String,
    /// Name of the snapshot in the target [default: the same].
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Replace a snapshot of that name in the target, once the new one is proved.
    #[arg(long)]
    pub overwrite: bool,
    /// How much is verified. Below `blocks`, damage in the source is copied as it is, except bytes that a `.crc` file
    /// beside them contradicts.
    #[arg(long, value_enum, default_value_t = Level::Blocks, value_name = "LEVEL", env = "TIDEGATE_VERIFY")]
    pub verify: Level,
    /// How many ranges are copied at the same time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=512), env = "TIDEGATE_WORKERS")]
    pub workers: u16,
    /// Write at most this much per second, all workers together: 50MB/s, 1GiB/s.
    #[arg(long, value_name = "RATE", env = "TIDEGATE_BANDWIDTH")]
    pub bandwidth: Option<ByteRate>,
    /// Owner of the files and the snapshot in the target.
    #[arg(long, value_name = "USER", env = "TIDEGATE_CHUSER")]
    pub chuser: Option<String>,
    /// Group of the files and the snapshot in the target.
    #[arg(long, value_name = "GROUP", env = "TIDEGATE_CHGROUP")]
    pub chgroup: Option<String>,
    /// Permission bits of the files in the target, in octal.
    #[arg(long, value_name = "MODE", value_parser = octal_mode, env = "TIDEGATE_CHMODE")]
    pub chmod: Option<u32>,
    /// Keep the snapshot for ever in the target, whatever its time to live in the source.
    #[arg(long)]
    pub reset_ttl: bool,
    /// Export although the snapshot's regions leave holes in the key space or overlap. A clone of it is just as broken.
    #[arg(long)]
    pub accept_holes: bool,
    /// Print the plan and stop.
    #[arg(long)]
    pub dry_run: bool,
    /// Start afresh: ignore what an interrupted run of the same export has finished.
    #[arg(long)]
    pub no_resume: bool,
    /// Length of the ranges in which long files are copied and resumed: a power of two, at least 64KiB.
    #[arg(long, value_name = "SIZE", default_value = "64MiB", hide_short_help = true)]
    pub range_size: ByteSize,
}

/// Looking at snapshots.
#[derive(Debug, Subcommand)]
pub enum Snapshot {
    /// The snapshots of a root.
    List {
        /// The HBase root.
        #[arg(long, value_name = "URI", env = "TIDEGATE_FROM")]
        from: String,
    },
    /// What a snapshot holds: regions, files, bytes, schema.
    Info {
        /// The HBase root.
        #[arg(long, value_name = "URI", env = "TIDEGATE_FROM")]
        from: String,
        /// The snapshot.
        name: String,
        /// Every file, and where it lies.
        #[arg(long)]
        files: bool,
        /// The table's schema.
        #[arg(long)]
        schema: bool,
        /// Files and bytes of each family, and how many are shared with the live table or only in the archive.
        #[arg(long)]
        stats: bool,
    },
    /// Verify a snapshot's files.
    Verify {
        /// The HBase root.
        #[arg(long, value_name = "URI", env = "TIDEGATE_FROM")]
        from: String,
        /// The snapshot.
        name: String,
        /// How much is verified.
        #[arg(long, value_enum, default_value_t = Level::Blocks, value_name = "LEVEL")]
        level: Level,
        /// How many files are read at the same time.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=512), env = "TIDEGATE_WORKERS")]
        workers: u16,
    },
}

/// Looking at images.
#[derive(Debug, Subcommand)]
pub enum Image {
    /// The images of a repository.
    List {
        /// The repository.
        #[arg(long, value_name = "REPO", env = "TIDEGATE_FROM")]
        from: String,
    },
    /// What an image holds.
    Info {
        /// The repository.
        #[arg(long, value_name = "REPO", env = "TIDEGATE_FROM")]
        from: String,
        /// The image.
        id: String,
        /// Every file with its digests.
        #[arg(long)]
        files: bool,
    },
}

/// Looking into HFiles.
#[derive(Debug, Subcommand)]
pub enum Hfile {
    /// Trailer, file info, index and blooms.
    Info {
        /// The HFiles.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
    },
    /// Verify HFiles on their own.
    Verify {
        /// The HFiles.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// How much is verified.
        #[arg(long, value_enum, default_value_t = Level::Cells, value_name = "LEVEL")]
        level: Level,
        /// How many files are read at the same time.
        #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=512), env = "TIDEGATE_WORKERS")]
        workers: u16,
        /// Dictionary of files compressed with one (zstd).
        #[arg(long, value_name = "FILE")]
        zstd_dictionary: Vec<PathBuf>,
    },
    /// Print the cells as JSON Lines, in file order. References and links are followed, if they lie in a root.
    Cat {
        /// The HFiles.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// Also print each cell's sequence id.
        #[arg(long)]
        sequence: bool,
        /// Only this row: text, or bytes as \xNN.
        #[arg(long, value_name = "ROW")]
        row: Option<String>,
        /// Only this family.
        #[arg(long, value_name = "FAMILY")]
        family: Option<String>,
        /// At most this many cells.
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
        /// Print families in hexadecimal, too.
        #[arg(long)]
        hex: bool,
        /// Dictionary of files compressed with one (zstd).
        #[arg(long, value_name = "FILE")]
        zstd_dictionary: Vec<PathBuf>,
    },
}

fn octal_mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o7777 => Ok(mode),
        _ => Err("give permission bits in octal, for example 640".into()),
    }
}
