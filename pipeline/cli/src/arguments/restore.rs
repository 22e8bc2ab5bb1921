use super::CutArguments;
use clap::Args;

/// Makes a native HBase snapshot of each table as it was at a cut, which `clone_snapshot` opens at once. The files of
/// the base snapshot are used in place if --to is the repository, and otherwise copied and verified as `tidegate
/// export` does. The edits up to the cut become new HFiles. Nothing is published before every written file has been
/// read back. Run it again after an interruption: it resumes where it stopped.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
tidegate restore --from /backup/hbase --snapshot s1 --until time:2026-11-20T10:00:00Z --to /hbase --as s1-at-ten\n  \
tidegate restore --from /backup/hbase --snapshot s1 --to /backup/hbase --as copy --map shop:orders=test:orders\n\n\
Several tables (--snapshot several times) become one snapshot each, NAME-<table> or NAME-<namespace>-<table>.\n\
See docs/restore.md.")]
pub struct Restore {
    /// Which snapshots, and which cut on top of them [default cut: snapshot].
    #[command(flatten)]
    pub cut: CutArguments,
    /// The HBase root to restore to: the repository itself, another root, or an empty directory, which becomes one.
    #[arg(long, value_name = "ROOT", env = "TIDEGATE_TO")]
    pub to: String,
    /// Name of the restored snapshot; an existing one is never replaced.
    #[arg(long = "as", value_name = "NAME")]
    pub name: String,
    /// Restore the table OLD as NEW, or with `:` at both ends every table of a namespace into another; may be given
    /// several times.
    #[arg(long = "map", value_name = "OLD=NEW", value_parser = pair)]
    pub map: Vec<(String, String)>,
    /// How many files are worked on at the same time.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=512), env = "TIDEGATE_WORKERS")]
    pub workers: u16,
    /// Owner of the files and the snapshot in the target.
    #[arg(long, value_name = "USER", env = "TIDEGATE_CHUSER")]
    pub chuser: Option<String>,
    /// Group of the files and the snapshot in the target.
    #[arg(long, value_name = "GROUP", env = "TIDEGATE_CHGROUP")]
    pub chgroup: Option<String>,
    /// Leave out edits of families that the base snapshot's schema does not have without reporting a problem: the
    /// restored table has the schema of the base snapshot.
    #[arg(long)]
    pub leave_out_families: bool,
    /// Print what would be done and stop.
    #[arg(long)]
    pub dry_run: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) => Ok((old.to_owned(), new.to_owned())),
        None => Err("give OLD=NEW".into()),
    }
}
