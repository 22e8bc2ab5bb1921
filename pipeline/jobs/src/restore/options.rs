use store::Attributes;

/// What to restore, where to, and as what.
#[derive(Debug, Clone)]
pub struct RestoreOptions {
    /// URI of the repository.
    pub from: String,
    /// The snapshots to start from, one for each table.
    pub snapshots: Vec<String>,
    /// Images to start from: their snapshots in the repository.
    pub images: Vec<String>,
    /// URI of the root to restore to; it may be the repository.
    pub to: String,
    /// Name of the restored snapshot; of several tables, what their snapshots' names begin with.
    pub name: String,
    /// Tables that get another name (`ns:t`, `other:t`) and namespaces that do (`ns:`, `other:`).
    pub map: Vec<(String, String)>,
    /// Files read or written at the same time.
    pub workers: usize,
    /// Owner, group and mode of what is written.
    pub attributes: Attributes,
    /// Whether only the plan is made.
    pub dry_run: bool,
}
