//! Finds the file that holds a store file's cells: the file itself, or what a link or a reference leads to.

use crate::failing::{file_problem, source_problem};
use crate::open_hfile::OpenedHFile;
use formats::FormatError;
use formats::schema::{Reference, decode_reference};
use formats::snapshot::Place;
use names::{EncodedRegionName, FamilyName, FileName, StoreFileName, TableName};
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
    pub leads_to: Option<StorePath>,
}

impl CellFile {
    /// The sequence id that replaces each cell's own on reading, as HBase does with bulk-loaded files: that of the
    /// name, else that of the file.
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
    let shown = format!("{}/{path}", store.uri().trim_end_matches('/'));
    let name = StoreFileName::parse(path.name()).ok();
    let Some(led) = name.as_ref().filter(|name| leads_elsewhere(name)) else {
        let reader = store.open(path).map_err(|error| source_problem(&error))?;
        let name = name.map(|name| name.file());
        return Ok(CellFile { path: shown, reader, clip: None, name, leads_to: None });
    };
    let home = Home::of(path).ok_or_else(|| {
        Problem::new(ProblemKind::Name, &shown, "is a link or reference outside of an HBase root")
            .hint("give its path below the root: <root>/data/<ns>/<table>/<region>/<family>/<file>")
    })?;
    let clip = match led.is_reference() {
        true => {
            let bytes =
                read_all(store.as_ref(), path, MAX_REFERENCE).map_err(|error| source_problem(&error))?;
            Some(decode_reference(&bytes).map_err(|error| file_problem(&shown, &error))?)
        }
        false => None,
    };
    let (leads_to, reader) = home.open(store.as_ref(), led, &shown)?;
    Ok(CellFile { path: shown, reader, clip, name: Some(led.file()), leads_to: Some(leads_to) })
}

fn leads_elsewhere(name: &StoreFileName) -> bool {
    matches!(name, StoreFileName::Link(_) | StoreFileName::Reference(_))
}

/// Where a store file lies in a root.
struct Home {
    root: StorePath,
    table: TableName,
    region: EncodedRegionName,
    family: FamilyName,
}

impl Home {
    /// `.../data/<ns>/<table>/<region>/<family>/<file>`; in front of `data` may be `archive`, `mobdir` or `.tmp`.
    fn of(path: &StorePath) -> Option<Self> {
        let segments: Vec<&str> = path.as_str().split('/').collect();
        let (above, own) = segments.split_at_checked(segments.len().checked_sub(6)?)?;
        let [data, namespace, table, region, family, _] = own else { return None };
        if *data != "data" {
            return None;
        }
        let above = match above {
            [root @ .., "archive" | "mobdir" | ".tmp"] => root,
            root => root,
        };
        Some(Self {
            root: StorePath::root().join_all(above.iter().copied()).ok()?,
            table: TableName::new(namespace, table).ok()?,
            region: EncodedRegionName::parse(region).ok()?,
            family: FamilyName::parse(family).ok()?,
        })
    }

    /// Looks where HBase looks, in its order, twice.
    fn open(
        &self,
        store: &dyn Store,
        name: &StoreFileName,
        shown: &str,
    ) -> Result<(StorePath, Box<dyn ReadRanges>), Problem> {
        let (table, region) = match name {
            StoreFileName::Link(link) => (&link.table, &link.region),
            StoreFileName::Reference(reference) => match reference.link() {
                Some(link) => (&link.table, &link.region),
                None => (&self.table, reference.parent()),
            },
            StoreFileName::HFile(_) | StoreFileName::Mob(_) => (&self.table, &self.region),
        };
        let file = name.file();
        let own =
            [table.namespace(), table.qualifier(), region.as_str(), self.family.as_str(), file.as_str()];
        for place in Place::IN_ORDER.into_iter().chain(Place::IN_ORDER) {
            let path = self.root.join_all(place.prefix().iter().copied().chain(own));
            let path = path.map_err(|error| source_problem(&error))?;
            match store.open(&path) {
                Ok(reader) => return Ok((path, reader)),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(source_problem(&error)),
            }
        }
        let what = format!("leads to {} of region {region}, which is nowhere", file.as_str());
        Err(Problem::new(ProblemKind::Missing, shown, what).in_region(region).in_table(table.full_form()))
    }
}
