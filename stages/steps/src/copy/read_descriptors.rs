//! Reads the descriptors of tables: those of a root's tables, and of snapshots of tables that it no longer has.

use crate::bytes::{file_problem, source_problem};
use crate::copy::read_snapshot::{DESCRIPTION, MANIFEST};
use formats::schema::{TableInfoFileName, TableSchema, decode_table_info};
use formats::snapshot::{decode_manifest_schema, decode_snapshot_description};
use names::TableName;
use names::root::{DATA, SNAPSHOTS};
use stage::{Problem, Problems};
use std::collections::BTreeMap;
use store::{Kind, Store, StoreError, StorePath, list_there, read_all};

/// Far more than any real descriptor.
const MAX_DESCRIPTOR: u64 = 64 << 20;
const MAX_MANIFEST: u64 = 2 << 30;

/// The descriptors of the wanted tables of a root, and of those that only a snapshot of it knows. What cannot be read is a
/// problem, unless the table's descriptor was found elsewhere.
pub fn read_descriptors(
    store: &dyn Store,
    wanted: impl Fn(&TableName) -> bool,
    problems: &mut Problems,
) -> BTreeMap<TableName, TableSchema> {
    let mut found = BTreeMap::new();
    tables(store, &wanted, &mut found, problems);
    let mut damaged = Vec::new();
    let snapshots = told(directories(store, SNAPSHOTS), problems);
    for name in snapshots.iter().filter(|name| !name.starts_with('.')) {
        match of_snapshot(store, name, &found) {
            Ok(Some((table, schema))) if wanted(&table) => drop(found.insert(table, schema)),
            Ok(_) => {}
            Err(unread) => damaged.push(*unread),
        }
    }
    // Another snapshot, read later, may know the table.
    let matters = |unread: &Unread| {
        unread.table.as_ref().is_none_or(|table| wanted(table) && !found.contains_key(table))
    };
    problems.extend(damaged.into_iter().filter(matters).map(Unread::problem));
    found
}

/// A snapshot that does not give its table's descriptor.
struct Unread {
    /// `None` if not even that is known.
    table: Option<TableName>,
    problem: Problem,
}

impl Unread {
    fn problem(self) -> Problem {
        let problem = unknown(self.problem);
        match self.table {
            Some(table) => problem.in_table(table.full_form()),
            None => problem,
        }
    }
}

fn tables(
    store: &dyn Store,
    wanted: &impl Fn(&TableName) -> bool,
    found: &mut BTreeMap<TableName, TableSchema>,
    problems: &mut Problems,
) {
    for namespace in told(directories(store, DATA), problems) {
        let dir = format!("{DATA}/{namespace}");
        for table in told(directories(store, &dir), problems) {
            let Some(name) = TableName::new(&namespace, &table).ok().filter(wanted) else { continue };
            match of_table(store, &format!("{dir}/{table}/.tabledesc")) {
                Ok(Some(schema)) => drop(found.insert(name, schema)),
                Ok(None) => {}
                Err(problem) => problems.push(unknown(problem).in_table(name.full_form())),
            }
        }
    }
}

fn told(names: Result<Vec<String>, StoreError>, problems: &mut Problems) -> Vec<String> {
    names.unwrap_or_else(|error| {
        problems.push(unknown(source_problem(&error)));
        Vec::new()
    })
}

fn unknown(problem: Problem) -> Problem {
    problem.meaning("whether the table's families are encrypted is not known")
}

/// The newest descriptor in a table's directory.
fn of_table(store: &dyn Store, dir: &str) -> Result<Option<TableSchema>, Problem> {
    let read = |error: StoreError| source_problem(&error);
    let dir = StorePath::parse(dir).map_err(read)?;
    let Some(entries) = list_there(store, &dir).map_err(read)? else { return Ok(None) };
    let named = entries.into_iter().filter(|entry| entry.metadata.kind == Kind::File);
    let named = named.filter_map(|entry| Some((TableInfoFileName::parse(&entry.name)?, entry.name)));
    let Some((_, newest)) = named.max() else { return Ok(None) };
    let path = dir.join(&newest).map_err(read)?;
    let bytes = read_all(store, &path, MAX_DESCRIPTOR).map_err(read)?;
    decode_table_info(&bytes).map(Some).map_err(|error| file_problem(path.as_str(), &error))
}

/// The descriptor in a snapshot's manifest, if its table is not known yet. A missing document is another command's
/// concern: there was nothing to read in it.
fn of_snapshot(
    store: &dyn Store,
    name: &str,
    found: &BTreeMap<TableName, TableSchema>,
) -> Result<Option<(TableName, TableSchema)>, Box<Unread>> {
    let unread =
        |table: Option<&TableName>, problem: Problem| Box::new(Unread { table: table.cloned(), problem });
    let failed = |table: Option<&TableName>, error: &StoreError| unread(table, source_problem(error));
    let description = read_if_there(store, name, DESCRIPTION).map_err(|error| failed(None, &error))?;
    // The manifest names the table, too: a damaged description alone hides nothing.
    let table =
        description.and_then(|(_, bytes)| decode_snapshot_description(&bytes).ok()).map(|of| of.table);
    if table.as_ref().is_some_and(|table| found.contains_key(table)) {
        return Ok(None);
    }
    let manifest = read_if_there(store, name, MANIFEST).map_err(|error| failed(table.as_ref(), &error))?;
    let Some((path, manifest)) = manifest else { return Ok(None) };
    let schema = decode_manifest_schema(&manifest)
        .map_err(|error| unread(table.as_ref(), file_problem(path.as_str(), &error)))?;
    let known = found.contains_key(&schema.table);
    Ok((!known).then(|| (schema.table.clone(), schema)))
}

/// A document of a snapshot, with its path; none if it does not exist.
fn read_if_there(
    store: &dyn Store,
    snapshot: &str,
    document: &str,
) -> Result<Option<(StorePath, Vec<u8>)>, StoreError> {
    let path = StorePath::root().join_all([SNAPSHOTS, snapshot, document])?;
    match read_all(store, &path, MAX_MANIFEST) {
        Ok(bytes) => Ok(Some((path, bytes))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn directories(store: &dyn Store, dir: &str) -> Result<Vec<String>, StoreError> {
    let entries = list_there(store, &StorePath::parse(dir)?)?.unwrap_or_default().into_iter();
    Ok(entries.filter(|entry| entry.metadata.kind == Kind::Directory).map(|entry| entry.name).collect())
}
