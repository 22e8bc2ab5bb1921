//! Finds the file that holds a store file's cells: the file itself, or what a link or a reference leads to.

use crate::bytes::{file_problem, source_problem};
use crate::bytes::{look_where_hbase_looks, store_file_paths};
use crate::hfile::open_hfile::OpenedHFile;
use formats::FormatError;
use formats::schema::{Reference, decode_reference};
use names::{FileName, Place, StoreDirectory, StoreFileName};
use stage::{Problem, ProblemKind};
use std::sync::Arc;
use store::{ReadRanges, Store, StorePath, read_all};

/// Far more than any real reference.
const MAX_REFERENCE: u64 = 1 << 20;

/// A file with cells, open.
pub struct CellFile {
    /// What was asked for, for messages.
    pub path: String,
    /// The file that holds the cells.
    pub reader: Box<dyn ReadRanges>,
    /// The part of it that is meant.
    pub clip: Option<Reference>,
    /// Its name, if it has one that HBase gives.
    pub name: Option<FileName>,
    /// Where the cells are, if not in the file that was asked for.
    pub leads_to: Option<LedTo>,
}

/// The file that a link or a Reference leads to.
pub struct LedTo {
    /// Its path.
    pub path: StorePath,
    /// The same, for messages.
    pub shown: String,
}

impl CellFile {
    /// The sequence id that replaces each cell's own on reading, as HBase does with bulk-loaded files: that of the
    /// name, otherwise that of the file.
    pub fn effective_sequence(&self, opened: &OpenedHFile) -> Result<Option<u64>, FormatError> {
        let info = &opened.loaded.as_ref().map_err(Clone::clone)?.file_info;
        if info.skip_reset_sequence_id()? {
            return Ok(None);
        }
        if let Some(id) = self.name.as_ref().and_then(FileName::bulk_sequence_id) {
            return Ok(Some(id));
        }
        if info.bulk_load_time()?.is_none() {
            return Ok(None);
        }
        Ok(info.max_sequence_id()?.and_then(|id| u64::try_from(id).ok()))
    }
}

/// Opens the cells of a store file. `path` may be of any file; a link or reference must lie in an HBase root.
pub fn locate_cells(store: &Arc<dyn Store>, path: &StorePath) -> Result<CellFile, Problem> {
    let shown = path.shown(store.as_ref());
    let name = StoreFileName::parse(path.name()).ok();
    let Some(led) = name.as_ref().filter(|name| leads_elsewhere(name)) else {
        let reader = store.open(path).map_err(|error| source_problem(&error))?;
        let name = name.map(|name| name.file());
        return Ok(CellFile { path: shown, reader, clip: None, name, leads_to: None });
    };
    let outside = || {
        Problem::new(ProblemKind::Name, &shown, "is a link or reference outside an HBase root")
            .hint("give its path below the root: <root>/data/<ns>/<table>/<region>/<family>/<file>")
    };
    let (root, directory) = StoreDirectory::of_path(path.as_str()).ok_or_else(outside)?;
    let root = StorePath::parse(root).map_err(|error| source_problem(&error))?;
    let clip = match led.is_reference() {
        true => {
            let bytes =
                read_all(store.as_ref(), path, MAX_REFERENCE).map_err(|error| source_problem(&error))?;
            Some(decode_reference(&bytes).map_err(|error| file_problem(&shown, &error))?)
        }
        false => None,
    };
    let (path, reader) = open_led(store.as_ref(), &root, &directory, led, &shown)?;
    let leads_to = Some(LedTo { shown: path.shown(store.as_ref()), path });
    Ok(CellFile { path: shown, reader, clip, name: Some(led.file()), leads_to })
}

fn leads_elsewhere(name: &StoreFileName) -> bool {
    matches!(name, StoreFileName::Link(_) | StoreFileName::Reference(_))
}

/// Opens what a file of this directory leads to.
fn open_led(
    store: &dyn Store,
    root: &StorePath,
    directory: &StoreDirectory,
    name: &StoreFileName,
    shown: &str,
) -> Result<(StorePath, Box<dyn ReadRanges>), Problem> {
    let (directory, file) = (directory.leads_to(name), name.file());
    let paths = store_file_paths(root, &directory, file.as_str(), &Place::IN_ORDER);
    let opened = paths.and_then(|paths| look_where_hbase_looks(&paths, |path| store.open(path)));
    opened.map_err(|error| source_problem(&error))?.ok_or_else(|| {
        let StoreDirectory { table, region, .. } = directory;
        let what = format!("leads to {} of region {region}, which cannot be found", file.as_str());
        Problem::new(ProblemKind::Missing, shown, what).in_region(region).in_table(table.full_form())
    })
}
