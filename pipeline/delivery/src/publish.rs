//! Puts the snapshot's documents in their place: first where HBase's cleaner sees that the files are wanted, last where
//! HBase sees the snapshot.

use crate::DeliveryPlan;
use names::root::{SNAPSHOTS, TEMPORARY};
use stage::Failure;
use std::borrow::Cow;
use steps::bytes::{Blake3, drop_stale_side, failed_store};
use steps::copy::{DESCRIPTION, MANIFEST};
use store::{Attributes, Publish, Store, StoreError, StoreErrorKind, StorePath, list_there, read_all};

/// The longest manifest that is read back: a protobuf cannot be longer.
const MAX_MANIFEST: u64 = 2 << 30;

/// Where below a run's partial files a snapshot waits that is being replaced.
const REPLACED: &str = "replaced";

/// A snapshot that is being put in its place.
pub struct Publishing<'a> {
    target: &'a dyn Store,
    plan: &'a DeliveryPlan,
    /// `data.manifest` as it is announced, and, once all files are known, as it is published.
    manifest: Cow<'a, [u8]>,
    attributes: &'a Attributes,
    overwrite: bool,
    /// `.hbase-snapshot/.tmp/<name>`
    working: StorePath,
    /// `.hbase-snapshot/<name>`
    published: StorePath,
}

/// What is under a snapshot's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Nothing,
    /// Exactly what this plan would put there.
    Ours,
    /// A part of what this plan would put there: such a run was interrupted.
    Begun,
    /// Something else.
    Other,
}

impl<'a> Publishing<'a> {
    /// Nothing is looked at or written yet.
    pub fn new(target: &'a dyn Store, plan: &'a DeliveryPlan, overwrite: bool) -> Result<Self, Failure> {
        let home = StorePath::root().join(SNAPSHOTS).map_err(Failure::usage)?;
        let path = |segments: &[&str]| home.join_all(segments.iter().copied()).map_err(Failure::usage);
        let name = plan.target.as_str();
        Ok(Self {
            target,
            plan,
            manifest: Cow::Borrowed(&plan.manifest),
            attributes: &plan.aim.attributes,
            overwrite,
            working: path(&[TEMPORARY, name])?,
            published: path(&[name])?,
        })
    }

    /// The digest of the manifest.
    pub fn manifest_digest(&self) -> Blake3 {
        Blake3(*blake3::hash(&self.manifest).as_bytes())
    }

    /// Publishes this manifest instead, which names more files than the plan's. It is not announced yet.
    pub fn name_all(&mut self, manifest: Vec<u8>) {
        self.manifest = Cow::Owned(manifest);
    }

    /// Takes what is published or announced as the manifest if it has this digest: it is an interrupted run's.
    pub fn adopt(&mut self, digest: Blake3) -> Result<(), Failure> {
        let failed = |error| failed_store("looking at the target's snapshots", self.target, error);
        for dir in [&self.published, &self.working] {
            let path = dir.join(MANIFEST).map_err(failed)?;
            match read_all(self.target, &path, MAX_MANIFEST) {
                Ok(bytes) if blake3::hash(&bytes).as_bytes() == &digest.0 => {
                    self.manifest = Cow::Owned(bytes);
                    return Ok(());
                }
                Err(error) if !error.is_not_found() => return Err(failed(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Announces the manifest that names all files, in the place of the one that was announced. It is written in
    /// `partial`: what a killed run leaves there is removed, but would stay beside a published manifest.
    pub fn announce_all(&self, partial: &StorePath) -> Result<(), Failure> {
        if !self.target.abilities().rename || self.look(&self.working)? == There::Ours {
            return Ok(());
        }
        let failed = |error| failed_store("announcing the new files", self.target, error);
        let (new, announced) =
            (partial.join(MANIFEST).map_err(failed)?, self.working.join(MANIFEST).map_err(failed)?);
        self.target.put(&new, &self.manifest, Publish::Replace).map_err(failed)?;
        self.target.rename(&new, &announced, Publish::Replace).map_err(failed)?;
        // The description, and the attributes of both.
        self.write(&self.working, Publish::Replace)
    }

    /// What is published under the name now.
    pub fn there(&self) -> Result<There, Failure> {
        self.look(&self.published)
    }

    /// Says before the first byte is copied which files will be wanted: HBase's cleaner reads manifests here, too, and
    /// deletes what none of them names.
    pub fn announce(&self) -> Result<(), Failure> {
        if !self.target.abilities().rename {
            return Ok(());
        }
        match self.look(&self.working)? {
            There::Ours => return Ok(()),
            There::Other if !self.overwrite => {
                let wrong =
                    "a snapshot of this name is being taken or exported there, or such a run was interrupted";
                let doing = &*self.plan.wording.doing;
                let hint =
                    format!("wait for it; or, if nothing is running, {}", self.plan.wording.other_name);
                return Err(Failure::refused(doing, self.shown(&self.working), wrong).hint(hint));
            }
            There::Other => {
                let failed = |error| failed_store("removing an interrupted snapshot", self.target, error);
                self.target.delete_tree(&self.working).map_err(failed)?;
            }
            There::Nothing | There::Begun => {}
        }
        self.write(&self.working, Publish::Replace)
    }

    /// Publishes the snapshot. Whatever it names must be proved by now. What it replaces may wait in `partial`.
    pub fn publish(&self, partial: &StorePath) -> Result<(), Failure> {
        if self.there()? == There::Ours {
            // An interrupted run has published it.
            self.drop_stale_sides()?;
            return self.drop_working();
        }
        if !self.target.abilities().rename {
            let rule = if self.overwrite { Publish::Replace } else { Publish::IfAbsent };
            self.write(&self.published, rule)?;
            return self.read_back(&self.published);
        }
        // A restarted master of a live cluster wipes `.tmp`; and a medium may not return what was written.
        if self.look(&self.working)? != There::Ours {
            self.write(&self.working, Publish::Replace)?;
            self.read_back(&self.working)?;
        }
        match self.target.rename(&self.working, &self.published, Publish::IfAbsent) {
            Ok(()) => {}
            Err(error) if error.kind == StoreErrorKind::AlreadyExists => self.replace(partial)?,
            Err(error) => return Err(self.unpublished(error)),
        }
        self.target
            .sync_batch(std::slice::from_ref(&self.published))
            .map_err(|error| self.unpublished(error))?;
        self.read_back(&self.published)
    }

    /// Swaps the new snapshot with what has its name, so that at every moment one of them is there; then drops the old.
    fn replace(&self, partial: &StorePath) -> Result<(), Failure> {
        if self.there()? == There::Nothing {
            // A directory without documents has the name; files that Hadoop does not show may be in it.
            self.target.delete_tree(&self.published).map_err(|error| self.unpublished(error))?;
            let renamed = self.target.rename(&self.working, &self.published, Publish::IfAbsent);
            return renamed.map_err(|error| self.unpublished(error));
        }
        if !self.overwrite && self.there()? != There::Ours {
            return Err(self.exists());
        }
        if !self.target.abilities().exchange {
            return self.move_aside(partial);
        }
        self.target.exchange(&self.working, &self.published).map_err(|error| self.unpublished(error))?;
        self.drop_working()
    }

    /// Replaces what has the snapshot's name where names cannot be swapped: the old one waits below `partial`, which goes
    /// when the run is done, and comes back if the new one does not arrive. A run that is killed in between is resumed and
    /// publishes the new one.
    fn move_aside(&self, partial: &StorePath) -> Result<(), Failure> {
        let unpublished = |error| self.unpublished(error);
        let aside = partial.join(REPLACED).map_err(unpublished)?;
        self.drop_tree(&aside)?;
        self.target.rename(&self.published, &aside, Publish::IfAbsent).map_err(unpublished)?;
        let arrived = self.target.rename(&self.working, &self.published, Publish::IfAbsent);
        arrived.map_err(|error| {
            let back = self.target.rename(&aside, &self.published, Publish::IfAbsent);
            match back {
                Ok(()) => self.unpublished(error),
                Err(_) => self.unpublished(error).hint(format!(
                    "the replaced snapshot is in {}: run the same command again, or move it back",
                    self.shown(&aside)
                )),
            }
        })
    }

    /// Gives a replaced snapshot its name back, before the run that moved it aside and did not come to its end is forgotten.
    pub fn bring_back(&self, partial: &StorePath) -> Result<(), Failure> {
        let unpublished = |error| self.unpublished(error);
        let aside = partial.join(REPLACED).map_err(unpublished)?;
        if self.there()? != There::Nothing || !store::exists(self.target, &aside).map_err(unpublished)? {
            return Ok(());
        }
        self.target.rename(&aside, &self.published, Publish::IfAbsent).map_err(unpublished)?;
        self.target.sync_batch(std::slice::from_ref(&self.published)).map_err(unpublished)
    }

    /// Drops what is under the working name: announced in vain, or replaced.
    fn drop_working(&self) -> Result<(), Failure> {
        self.drop_tree(&self.working)
    }

    fn drop_tree(&self, dir: &StorePath) -> Result<(), Failure> {
        match self.target.delete_tree(dir) {
            Err(error) if !error.is_not_found() => Err(self.unpublished(error)),
            _ => Ok(()),
        }
    }

    /// The refusal to replace a snapshot without being asked to.
    pub fn exists(&self) -> Failure {
        let wrong = "a snapshot of this name is there already";
        Failure::refused(&*self.plan.wording.doing, self.shown(&self.published), wrong)
            .hint(&*self.plan.wording.other_name)
    }

    fn write(&self, dir: &StorePath, rule: Publish) -> Result<(), Failure> {
        let failed = |error| failed_store("writing the snapshot's documents", self.target, error);
        // The manifest last: where nothing can be renamed it is what makes the snapshot whole.
        for (name, bytes) in [(DESCRIPTION, self.plan.description.as_slice()), (MANIFEST, &self.manifest)] {
            let path = dir.join(name).map_err(failed)?;
            // An interrupted run may have written it.
            if !is_on_medium(self.target, &path, bytes).is_ok_and(|there| there) {
                self.target.put(&path, bytes, rule).map_err(|error| match error.kind {
                    StoreErrorKind::AlreadyExists => self.exists(),
                    _ => failed(error),
                })?;
            }
            drop_stale_side(self.target, &path, bytes).map_err(failed)?;
            if self.target.abilities().attributes {
                self.target.set_attributes(&path, self.attributes).map_err(failed)?;
            }
        }
        if self.target.abilities().directories {
            let owner = Attributes { mode: None, ..self.attributes.clone() };
            self.target.set_attributes(dir, &owner).map_err(failed)?;
        }
        Ok(())
    }

    /// The documents are what this plan would put there; stale checksums under their names are removed.
    pub fn drop_stale_sides(&self) -> Result<(), Failure> {
        for (name, bytes) in [(DESCRIPTION, self.plan.description.as_slice()), (MANIFEST, &self.manifest)] {
            let path = self.published.join(name);
            path.and_then(|path| drop_stale_side(self.target, &path, bytes))
                .map_err(|error| self.unpublished(error))?;
        }
        Ok(())
    }

    fn read_back(&self, dir: &StorePath) -> Result<(), Failure> {
        match self.look(dir)? {
            There::Ours => Ok(()),
            _ => Err(Failure::failed(
                "reading the snapshot's documents back",
                self.shown(dir),
                "they are not what was written",
            )
            .hint("did another export replace them at the same time? Otherwise check the target's disks")),
        }
    }

    fn look(&self, dir: &StorePath) -> Result<There, Failure> {
        let failed = |error| failed_store("looking at the target's snapshots", self.target, error);
        let entries = list_there(self.target, dir).map_err(failed)?.unwrap_or_default();
        // Hadoop does not show its own.
        let hidden = |name: &str| self.target.abilities().side_files && store::is_side_file(name);
        let entries: Vec<_> = entries.into_iter().filter(|entry| !hidden(&entry.name)).collect();
        if entries.is_empty() {
            return Ok(There::Nothing);
        }
        for entry in &entries {
            let bytes = match entry.name.as_str() {
                DESCRIPTION => self.plan.description.as_slice(),
                MANIFEST => &self.manifest,
                _ => return Ok(There::Other),
            };
            let path = dir.join(&entry.name).map_err(failed)?;
            match is_on_medium(self.target, &path, bytes) {
                Ok(true) => {}
                Ok(false) => return Ok(There::Other),
                Err(error) if error.is_not_found() => return Ok(There::Other),
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(if entries.len() == 2 { There::Ours } else { There::Begun })
    }

    fn unpublished(&self, error: StoreError) -> Failure {
        failed_store("publishing the snapshot", self.target, error)
    }

    fn shown(&self, path: &StorePath) -> String {
        path.shown(self.target)
    }
}

/// Whether the medium holds exactly these bytes under a path.
pub(crate) fn is_on_medium(target: &dyn Store, path: &StorePath, bytes: &[u8]) -> Result<bool, StoreError> {
    let file = target.open_uncached(path)?;
    let mut back = vec![0; bytes.len() + 1];
    let read = file.read_at(0, &mut back)?;
    Ok(back.get(..read) == Some(bytes))
}
