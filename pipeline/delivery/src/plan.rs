//! What a delivery will do: a value, made without reading a byte of an HFile.

use crate::SnapshotFiles;
use catalog::ImageCut;
use names::{Place, SnapshotName};
use stage::Problems;
use std::borrow::Cow;
use steps::copy::{FoundFile, ListedFile, ListedFiles};
use steps::hfile::Level;
use store::{Attributes, StoreError, StorePath, WriteShape};

/// How messages describe what a delivery is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// "exporting"
    pub doing: Cow<'static, str>,
    /// What to do about a snapshot of that name that is there already.
    pub other_name: Cow<'static, str>,
}

/// What is published in the target.
pub struct Documents {
    /// The snapshot's name there.
    pub target: SnapshotName,
    /// `.snapshotinfo`
    pub description: Vec<u8>,
    /// `data.manifest`
    pub manifest: Vec<u8>,
}

/// What is to be reached, whoever does it and in however many runs.
#[derive(Debug, Clone)]
pub struct Aim {
    /// URI of the source.
    pub from: String,
    /// How much is verified.
    pub level: Level,
    /// Owner, group and mode of what is written.
    pub attributes: Attributes,
    /// Length of the ranges of long files: a power of two.
    pub range_len: u64,
}

/// The terms on which the work is done; they do not change the result.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Ranges copied at the same time.
    pub workers: usize,
    /// Whether an interrupted run is resumed.
    pub resume: bool,
    /// Whether a snapshot of that name is replaced.
    pub overwrite: bool,
}

/// A delivery, worked out: which files go into a root, and under which snapshot's name.
pub struct DeliveryPlan {
    /// How messages describe it.
    pub wording: Wording,
    /// The snapshot in the source.
    pub snapshot: SnapshotName,
    /// The snapshot in the target.
    pub target: SnapshotName,
    /// The table, as `ns:name`.
    pub table: String,
    /// When the snapshot was taken, milliseconds since the epoch; 0 if it does not say.
    pub created_ms: i64,
    /// The source cluster's id.
    pub cluster: Option<String>,
    /// `.snapshotinfo` as it will be in the target.
    pub description: Vec<u8>,
    /// `data.manifest` as it will be in the target. One that adds files announces it without them.
    pub manifest: Vec<u8>,
    /// Whether source and target are one root, in which the files stay where they are.
    pub in_place: bool,
    /// The files.
    pub listed: ListedFiles,
    /// Where each of them lies in the source.
    pub found: Vec<FoundFile>,
    /// What is to be reached.
    pub aim: Aim,
    /// What was found wrong and accepted.
    pub accepted: Problems,
    /// The cut that is restored, for the image.
    pub cut: Option<ImageCut>,
    /// BLAKE3 of all of this, in hexadecimal: names the run.
    pub digest: String,
}

/// The version of the fields in a run's digest. Runs of another version begin anew.
const DIGEST_VERSION: &[u8] = b"tidegate delivery 2";

impl DeliveryPlan {
    /// A plan that copies a snapshot's files and publishes these documents; it has no digest yet.
    pub fn new(
        wording: Wording,
        files: SnapshotFiles,
        documents: Documents,
        cluster: Option<String>,
        aim: Aim,
    ) -> Self {
        let SnapshotFiles { snapshot: read, listed, found, .. } = files;
        let Documents { target, description, manifest } = documents;
        Self {
            wording,
            snapshot: read.description.name,
            target,
            table: read.description.table.full_form().to_owned(),
            created_ms: read.description.creation_time.unwrap_or(0),
            cluster,
            description,
            manifest,
            in_place: false,
            listed,
            found: found.into_iter().flatten().collect(),
            aim,
            accepted: Problems::default(),
            cut: None,
            digest: String::new(),
        }
    }

    /// Names the run: the first digits of the digest.
    pub fn run_id(&self) -> &str {
        self.digest.get(..16).unwrap_or(&self.digest)
    }

    /// All bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.found.iter().map(|found| found.len).sum()
    }

    /// A file and where it lies in the source.
    pub fn file(&self, number: u32) -> Option<(&ListedFile, &FoundFile)> {
        self.listed.files.get(number as usize).zip(self.found.get(number as usize))
    }

    /// How a file is cut into ranges.
    pub fn shape(&self, found: &FoundFile) -> WriteShape {
        WriteShape { len: found.len, part_len: self.aim.range_len }
    }

    /// Where a file goes in the target.
    pub fn target_path(&self, file: &ListedFile, found: &FoundFile) -> Result<StorePath, StoreError> {
        self.listed.path(file, if self.in_place { found.place } else { Place::Archive })
    }

    /// Where all files go in the target.
    pub fn target_paths(&self) -> Result<Vec<StorePath>, StoreError> {
        self.listed.files.iter().zip(&self.found).map(|(file, found)| self.target_path(file, found)).collect()
    }

    /// Names the run by what it does. Two runs with the same digest do the same work and may resume each other's.
    /// `work` stands for what the plan itself does not hold.
    #[must_use]
    pub fn named(mut self, work: &[u8]) -> Self {
        let mut digest = Digest::default();
        digest.add(DIGEST_VERSION);
        digest.add(work);
        digest.add(self.aim.from.as_bytes());
        digest.add(self.target.as_str().as_bytes());
        digest.add(&self.description);
        digest.add(&self.manifest);
        digest.add_aim(&self.aim);
        for (file, found) in self.listed.files.iter().zip(&self.found) {
            digest.add(file.name.as_str().as_bytes());
            digest.add(found.identity.0.as_bytes());
        }
        self.digest = digest.0.finalize().to_hex().to_string();
        self
    }
}

/// BLAKE3 of fields, each preceded by its length.
#[derive(Default)]
struct Digest(blake3::Hasher);

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// A field that is not set differs from an empty one.
    fn add_text(&mut self, name: &str, text: Option<&str>) {
        self.add(name.as_bytes());
        self.add(&[u8::from(text.is_some())]);
        self.add(text.unwrap_or_default().as_bytes());
    }

    fn add_aim(&mut self, aim: &Aim) {
        let Aim { from: _, level, attributes, range_len } = aim;
        let Attributes { owner, group, mode, replication, storage_policy } = attributes;
        self.add_text("level", Some(&level.to_string()));
        self.add_text("owner", owner.as_deref());
        self.add_text("group", group.as_deref());
        self.add_text("mode", mode.map(|mode| mode.to_string()).as_deref());
        self.add_text("replication", replication.map(|replicas| replicas.to_string()).as_deref());
        self.add_text("storage policy", storage_policy.as_deref());
        self.add_text("range", Some(&range_len.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A journal is found by the digest: whoever changes this orphans every run that was interrupted.
    #[test]
    fn the_digest_of_an_aim_stays() {
        let attributes =
            Attributes { owner: Some("hbase".to_owned()), mode: Some(0o640), ..Attributes::default() };
        let aim = Aim { from: String::new(), level: Level::Blocks, attributes, range_len: 64 << 20 };
        let mut digest = Digest::default();
        digest.add(DIGEST_VERSION);
        digest.add_aim(&aim);
        assert_eq!(&digest.0.finalize().to_hex()[..16], "ac18eac9e1d88985");
    }
}
