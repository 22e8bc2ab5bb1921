//! Reads the descriptors of tables: those of a root's tables, and of snapshots of tables that it no longer has.

use crate::failing::{file_problem, source_problem};
use crate::read_snapshot::{DESCRIPTION, MANIFEST};
use formats::schema::{TableInfoFileName, TableSchema, decode_table_info};
use formats::snapshot::{decode_manifest_schema, decode_snapshot_description};
use names::TableName;
use names::root::{DATA, SNAPSHOTS};
use stage::{Problem, Problems};
use std::collections::BTreeMap;
use store::{Kind, Store, StoreError, StorePath, list_all, read_all};

/// Far more than any real descriptor.
const MAX_DESCRIPTOR: u64 = 64 << 20;
const MAX_MANIFEST: u64 = 2 << 30;

/// The descriptors of all tables of a root, and of those that only a snapshot of it knows. What cannot be read is a
/// problem.
pub fn read_descriptors(store: &dyn Store, problems: &mut Problems) -> BTreeMap<TableName, TableSchema> {
    let mut found = BTreeMap::new();
    tables(store, &mut found, problems);
    let snapshots = directories(store, SNAPSHOTS);
    for name in snapshots.unwrap_or_default().iter().filter(|name| !name.starts_with('.')) {
        // One without its documents is another command's business.
        let _ = of_snapshot(store, name, &mut found);
    }
    found
}

fn tables(store: &dyn Store, found: &mut BTreeMap<TableName, TableSchema>, problems: &mut Problems) {
    for namespace in told(directories(store, DATA), problems) {
        let dir = format!("{DATA}/{namespace}");
        for table in told(directories(store, &dir), problems) {
            let Ok(name) = TableName::new(&namespace, &table) else { continue };
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
    let entries = match list_all(store, &dir) {
        Err(error) if error.is_not_found() => return Ok(None),
        entries => entries.map_err(read)?,
    };
    let named = entries.into_iter().filter(|entry| entry.metadata.kind == Kind::File);
    let named = named.filter_map(|entry| Some((TableInfoFileName::parse(&entry.name)?, entry.name)));
    let Some((_, newest)) = named.max() else { return Ok(None) };
    let path = dir.join(&newest).map_err(read)?;
    let bytes = read_all(store, &path, MAX_DESCRIPTOR).map_err(read)?;
    decode_table_info(&bytes).map(Some).map_err(|error| file_problem(path.as_str(), &error))
}

/// The descriptor in a snapshot's manifest, if its table is not known yet.
fn of_snapshot(
    store: &dyn Store,
    name: &str,
    found: &mut BTreeMap<TableName, TableSchema>,
) -> Result<(), StoreError> {
    let dir = StorePath::root().join_all([SNAPSHOTS, name])?;
    let description = read_all(store, &dir.join(DESCRIPTION)?, MAX_DESCRIPTOR)?;
    let Ok(description) = decode_snapshot_description(&description) else { return Ok(()) };
    if found.contains_key(&description.table) {
        return Ok(());
    }
    let manifest = read_all(store, &dir.join(MANIFEST)?, MAX_MANIFEST)?;
    if let Ok(schema) = decode_manifest_schema(&manifest) {
        found.insert(description.table, schema);
    }
    Ok(())
}

fn directories(store: &dyn Store, dir: &str) -> Result<Vec<String>, StoreError> {
    match list_all(store, &StorePath::parse(dir)?) {
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        entries => {
            let entries = entries?.into_iter();
            Ok(entries
                .filter(|entry| entry.metadata.kind == Kind::Directory)
                .map(|entry| entry.name)
                .collect())
        }
    }
}
