//! Edits that lie in the target's region directories: HBase would replay them into what is restored.

use names::root::{DATA, RECOVERED_EDITS};
use names::{EncodedRegionName, TableName};
use stage::Failure;
use std::collections::BTreeSet;
use steps::bytes::failed_store;
use store::{Entry, Kind, Store, StorePath, list_there};

/// Warns of regions of the restored table that have recovered edits in the target's root. `restore_snapshot`, and a
/// clone with the table's own name, opens the regions there, and opening a region replays them.
pub fn leftover_edits(
    target: &dyn Store,
    table: &TableName,
    regions: &BTreeSet<EncodedRegionName>,
) -> Result<Vec<String>, Failure> {
    let path = |segments: &[&str]| {
        let home = [DATA, table.namespace(), table.qualifier()];
        StorePath::root().join_all(home.iter().chain(segments).copied()).map_err(Failure::usage)
    };
    let mut warnings = Vec::new();
    for entry in entries(target, &path(&[])?)? {
        let ours = EncodedRegionName::parse(&entry.name).is_ok_and(|name| regions.contains(&name));
        if !ours {
            continue;
        }
        let edits = path(&[&entry.name, RECOVERED_EDITS])?;
        let files = entries(target, &edits)?.into_iter().filter(|file| {
            // The rest says up to where ids were given out (`<n>.seqid`), or is being written (`<n>.temp`).
            file.metadata.kind == Kind::File
                && file.metadata.len > 0
                && file.name.bytes().all(|b| b.is_ascii_digit())
        });
        let count = files.count();
        if count > 0 {
            warnings.push(format!(
                "{count} files of edits lie in {edits}: HBase replays them when the region is opened under the name \
                 {table}. Clone the snapshot under another name, or move them away before"
            ));
        }
    }
    Ok(warnings)
}

fn entries(store: &dyn Store, dir: &StorePath) -> Result<Vec<Entry>, Failure> {
    let entries = list_there(store, dir);
    Ok(entries
        .map_err(|error| failed_store("looking for left-over edits", store, error))?
        .unwrap_or_default())
}
