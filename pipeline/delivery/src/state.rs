//! The state of an export: what is done of each file, from the journal, from earlier images, and as it proceeds.

use crate::DeliveryPlan;
use crate::beside::Beside;
use crate::new_files::AddedFile;
use crate::record::{CopiedRecord, Record};
use stage::Failure;
use std::collections::BTreeMap;
use steps::copy::Proof;
use steps::hfile::Level;
use store::{Kind, Store};

/// What is to be done with a file.
#[derive(Debug, Clone)]
pub enum FileState {
    /// It is to be copied.
    ToCopy {
        /// Whether something else has its name in the target, to be replaced.
        replace: bool,
    },
    /// Something has its name in the target: it is to be compared with the source.
    ToCompare,
    /// It is in the target and proved.
    Done(Box<Proof>),
    /// It lies where it should, and is as the manifest says; nothing more is known of it.
    InPlace,
    /// It cannot be exported: a problem says why.
    Failed,
}

/// How the files got there, for the report.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// Copied by this run, and their bytes.
    pub copied: (u64, u64),
    /// Finished by an interrupted run.
    pub resumed: (u64, u64),
    /// There already, known from an earlier image and unchanged.
    pub reused: (u64, u64),
    /// There already, read and found equal.
    pub compared: (u64, u64),
    /// There already, found different and replaced.
    pub replaced: (u64, u64),
    /// Bytes that this run read from the source.
    pub bytes_read: u64,
    /// Stale checksums that Hadoop had kept beside files that were there already, removed.
    pub side_files_removed: u64,
}

/// The state of an export.
pub struct State {
    /// By file.
    pub files: Vec<FileState>,
    /// Ranges that an interrupted run copied of files that are to be copied, by file and range.
    pub copied: BTreeMap<(u32, u32), CopiedRecord>,
    /// Files that are not in the plan's list: the job made them.
    pub added: Vec<AddedFile>,
    /// How the files got there.
    pub tally: Tally,
    /// The level up to which all files could be verified; a lower one may have been asked for.
    pub reached: Level,
}

impl State {
    /// Works it out from what an interrupted run left in its journal, and what the target holds. A file counts as
    /// placed only if it is still the one that was.
    pub fn recover(plan: &DeliveryPlan, records: Vec<Record>, target: &dyn Store) -> Result<Self, Failure> {
        let mut copied = BTreeMap::new();
        let mut placed: BTreeMap<u32, Proof> = BTreeMap::new();
        for record in records {
            match record {
                Record::Copied(range) => {
                    copied.insert((range.file, range.range), range);
                }
                Record::Forgotten(file) => {
                    forget(&mut copied, file);
                    placed.remove(&file);
                }
                Record::Placed { file, proof } => {
                    placed.insert(file, proof);
                }
                Record::Written(_) | Record::Manifest(_) => {}
            }
        }
        let mut state = Self {
            files: Vec::with_capacity(plan.found.len()),
            copied,
            added: Vec::new(),
            tally: Tally::default(),
            reached: Level::Cells,
        };
        if plan.in_place {
            plan.found.iter().for_each(|found| add(&mut state.tally.reused, found.len));
            state.files.resize(plan.found.len(), FileState::InPlace);
            return Ok(state);
        }
        let mut beside = Beside::new(target);
        for (number, (file, found)) in plan.listed.files.iter().zip(&plan.found).enumerate() {
            let path = plan.target_path(file, found).map_err(Failure::usage)?;
            let there = match beside.find(&path)? {
                Some((metadata, identity)) if metadata.kind == Kind::File => Some(identity),
                Some(_) => {
                    return Err(Failure::refused(&*plan.wording.doing, path, "is a directory in the target"));
                }
                None => None,
            };
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let proof = placed.remove(&number);
            state.files.push(match (there, proof) {
                (Some(identity), Some(proof)) if identity == proof.identity => {
                    forget(&mut state.copied, number);
                    add(&mut state.tally.resumed, proof.sum.len);
                    FileState::Done(Box::new(proof))
                }
                // Copied to its final name, where nothing can be renamed: it is only to be proved.
                (Some(_), None) if !target.abilities().rename && is_copied(plan, &state.copied, number) => {
                    FileState::ToCopy { replace: true }
                }
                (Some(_), _) => FileState::ToCompare,
                (None, _) => FileState::ToCopy { replace: false },
            });
        }
        Ok(state)
    }

    /// What is to be done with this file now.
    pub fn set(&mut self, file: u32, state: FileState) {
        if let Some(place) = self.files.get_mut(file as usize) {
            *place = state;
        }
    }

    /// The numbers of the files in a state.
    pub fn numbers(&self, wanted: impl Fn(&FileState) -> bool) -> Vec<u32> {
        let numbered = (0..).zip(&self.files);
        numbered.filter(|(_, state)| wanted(state)).map(|(number, _)| number).collect()
    }
}

/// Whether an interrupted run has copied all ranges of a file.
pub fn is_copied(plan: &DeliveryPlan, copied: &BTreeMap<(u32, u32), CopiedRecord>, file: u32) -> bool {
    let ranges = copied.range((file, 0)..=(file, u32::MAX)).count() as u64;
    plan.file(file).is_some_and(|(_, found)| ranges == plan.shape(found).parts())
}

fn forget(copied: &mut BTreeMap<(u32, u32), CopiedRecord>, file: u32) {
    let ranges: Vec<_> = copied.range((file, 0)..=(file, u32::MAX)).map(|(key, _)| *key).collect();
    for range in ranges {
        copied.remove(&range);
    }
}

/// Counts a file of this many bytes.
pub fn add(tally: &mut (u64, u64), bytes: u64) {
    tally.0 += 1;
    tally.1 += bytes;
}
