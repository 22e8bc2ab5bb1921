use cuts::CutOptions;
use store::Attributes;

/// What to restore, where to, and as what.
#[derive(Debug, Clone)]
pub struct RestoreOptions {
    /// The repository, the snapshots to start from, and the cut on top of them.
    pub cut: CutOptions,
    /// URI of the root to restore to; it may be the repository.
    pub to: String,
    /// Name of the restored snapshot; for several tables, the prefix of their snapshots' names.
    pub name: String,
    /// Tables that get another name (`ns:t`, `other:t`) and namespaces that do (`ns:`, `other:`).
    pub map: Vec<(String, String)>,
    /// Owner, group and mode of what is written.
    pub attributes: Attributes,
    /// Whether only the plan is made.
    pub dry_run: bool,
}
