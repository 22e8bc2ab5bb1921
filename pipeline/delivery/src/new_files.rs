//! Files that a job made, besides those that it copies: they get their names in the archive once all of them are proved
//! and the announced manifest names them.

use crate::verifying::verify_files;
use formats::compress::Dictionaries;
use names::Place;
use runtime::Run;
use serde::{Deserialize, Serialize};
use stage::Failure;
use std::sync::Arc;
use steps::bytes::failed_store;
use steps::copy::Proof;
use steps::hfile::{FileToVerify, Level};
use store::{Attributes, Publish, Store, StoreError, StoreErrorKind, StorePath};

/// A file that was made, proved, and is or is to be in the target's archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedFile {
    /// Its table, as `ns:name`.
    pub table: String,
    /// Its region, by its encoded name.
    pub region: String,
    /// Its family.
    pub family: String,
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub proof: Proof,
}

impl AddedFile {
    /// Where it lies in the archive.
    pub fn path(&self) -> Result<StorePath, StoreError> {
        let (namespace, name) = self.table.split_once(':').unwrap_or(("default", &self.table));
        let root = StorePath::root().join_all(Place::Archive.prefix().iter().copied())?;
        root.join_all([namespace, name, &self.region, &self.family, &self.name])
    }
}

const DOING: &str = "giving the new files their names";

/// Where a new file waits for its name. Its name is made from its bytes, so no two files want the same one.
pub fn waiting_path(partial: &StorePath, file: &AddedFile) -> Result<StorePath, Failure> {
    partial.join_all(["new", &file.region, &file.family, &file.name]).map_err(Failure::usage)
}

/// Whether a new file that an interrupted run made is still there, waiting or with its name.
pub fn is_there(target: &dyn Store, partial: &StorePath, file: &AddedFile) -> Result<bool, Failure> {
    for path in [waiting_path(partial, file)?, file.path().map_err(Failure::usage)?] {
        match target.metadata(&path) {
            Ok(found) if found.identity.0 == file.proof.identity => return Ok(true),
            Err(error) if !error.is_not_found() => return Err(failed_store(DOING, target, error)),
            _ => {}
        }
    }
    Ok(false)
}

/// Gives each file its name. One that an earlier restore of the same edits left there is used if its bytes agree.
pub fn name_new_files(
    target: &Arc<dyn Store>,
    partial: &StorePath,
    added: &mut [AddedFile],
    attributes: &Attributes,
    run: &Run,
) -> Result<(), Failure> {
    let failed = |error| failed_store(DOING, target.as_ref(), error);
    let mut taken = Vec::new();
    for file in added.iter_mut() {
        let (from, to) = (waiting_path(partial, file)?, file.path().map_err(Failure::usage)?);
        if target.abilities().attributes {
            match target.set_attributes(&from, attributes) {
                Err(error) if !error.is_not_found() => return Err(failed(error)),
                _ => {}
            }
        }
        match target.rename(&from, &to, Publish::IfAbsent) {
            Ok(()) => {}
            // An interrupted run has given it its name, or an earlier restore has.
            Err(error) if error.kind == StoreErrorKind::AlreadyExists || error.is_not_found() => {
                let there = target.metadata(&to).map_err(failed)?.identity.0;
                if there != file.proof.identity {
                    // Its bytes are compared with our digest, not with stale checksums that Hadoop may have kept.
                    steps::bytes::drop_side(target.as_ref(), &to).map_err(failed)?;
                    taken.push(to_verify(target, &to, file));
                }
            }
            Err(error) => return Err(failed(error)),
        }
        file.proof.identity = target.metadata(&to).map_err(failed)?.identity.0;
    }
    let verified = verify_files(taken, Level::Sums, 1, Dictionaries::new(), run)?;
    match verified.problems.kept().first() {
        None => Ok(()),
        Some(problem) => Err(Failure::failed(DOING, &problem.path, &problem.what).hint(
            "a file of this name is there with other bytes: move it away if no table or snapshot needs it",
        )),
    }
}

fn to_verify(target: &Arc<dyn Store>, path: &StorePath, file: &AddedFile) -> FileToVerify {
    FileToVerify {
        store: Arc::clone(target),
        path: path.clone(),
        len: Some(file.proof.sum.len),
        recorded: Some(file.proof.sum),
        region: Some(file.region.clone()),
        table: Some(file.table.clone()),
    }
}
