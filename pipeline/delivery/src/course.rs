//! The course of a delivery, in its phases: what is there, begin, copy, finish. A job with files of its own makes them
//! before the finish.

use crate::copying::Copying;
use crate::publish::{Publishing, There};
use crate::record::Record;
use crate::state::{FileState, State, Tally};
use crate::verifying::verify_files;
use crate::{DeliveryPlan, Terms, Wording, WrittenRecord, image};
use catalog::{Journal, Recovered, Repository, layout};
use formats::compress::Dictionaries;
use runtime::{Context, Run};
use stage::{Failure, Problem, ProblemKind, Problems, Stopped};
use std::sync::{Arc, Mutex, PoisonError};
use steps::bytes::{Blake3, failed_store};
use steps::copy::{FoundFile, ListedFile};
use steps::hfile::{FileToVerify, Level};
use store::{Attributes, Store, StoreErrorKind, StorePath};

/// A plan that is being carried out.
pub struct Delivery<'a> {
    /// The terms of the work.
    pub terms: Terms,
    /// The clock.
    pub context: &'a Context,
    /// Where files are copied from.
    pub source: &'a Arc<dyn Store>,
    /// Where they go.
    pub target: &'a Arc<dyn Store>,
    /// The threads that do it.
    pub run: &'a Run,
    /// What is to be done.
    pub plan: &'a DeliveryPlan,
}

/// A run that is under way: it is announced, and its journal is open.
pub struct Begun<'a> {
    publishing: Publishing<'a>,
    journal: Mutex<Journal>,
    journal_path: StorePath,
    /// Where files are until they are proved.
    pub partial: StorePath,
    /// Where the work is.
    pub state: State,
    /// New files that an interrupted run has made.
    pub written: Vec<WrittenRecord>,
    /// What was found wrong so far.
    pub problems: Problems,
}

impl Begun<'_> {
    /// Adds a line to the journal.
    pub fn write_down(&self, record: &Record) -> Result<(), Failure> {
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.append(record).map_err(|error: catalog::CatalogError| error.failed("writing the journal"))
    }

    /// Publishes this manifest instead, which also names the new files.
    pub fn name_all(&mut self, manifest: Vec<u8>) -> Result<(), Failure> {
        self.publishing.name_all(manifest);
        // Recorded first: after a kill in between, the next run recognises its own manifest by this.
        self.write_down(&Record::Manifest(self.publishing.manifest_digest()))?;
        self.publishing.announce_all(&self.partial)
    }
}

impl<'a> Delivery<'a> {
    /// Looks at the target, takes up what an interrupted run left, and announces the snapshot.
    pub fn begin(&self) -> Result<Begun<'a>, Stopped> {
        if self.plan.aim.attributes != Attributes::default() && !self.target.abilities().attributes {
            let wrong = format!("{} keeps no owner, group or mode", self.target.uri());
            return Err(Failure::usage(wrong).into());
        }
        self.target.check_attributes(&self.plan.aim.attributes).map_err(|error| {
            failed_store("looking at the options", self.target.as_ref(), error).hint("nothing was written")
        })?;
        let mut publishing = Publishing::new(self.target.as_ref(), self.plan, self.terms.overwrite)?;
        let journal_path = layout::journal(self.plan.run_id()).map_err(Failure::usage)?;
        let begun_here = self.exists(&journal_path)?;
        if publishing.there()? != There::Nothing && !begun_here {
            self.may_replace(&publishing)?;
        }
        let announcing = self.run.meter("look at the target and announce", None, None);
        self.prepare(&journal_path, &publishing)?;
        let (journal, recovered) = Journal::open::<Record>(self.target, &journal_path)
            .map_err(|error| busy(&self.plan.wording, error))?;
        let (written, manifest) = restored(&recovered.records);
        if let Some(digest) = manifest {
            publishing.adopt(digest)?;
        }
        // A snapshot of ours and a journal of ours: a run was killed between publishing and its image.
        if publishing.there()? != There::Ours {
            self.may_replace(&publishing)?;
        }
        let state = self.recover(recovered)?;
        self.check_room(&state)?;
        publishing.announce()?;
        drop(announcing);
        let partial = layout::partial(self.plan.run_id()).map_err(Failure::usage)?;
        let (journal, problems) = (Mutex::new(journal), self.plan.accepted.clone());
        Ok(Begun { publishing, journal, journal_path, partial, state, written, problems })
    }

    /// Refuses to replace what this plan did not begin.
    fn may_replace(&self, publishing: &Publishing<'_>) -> Result<(), Failure> {
        let there = publishing.there()?;
        // Where nothing can be renamed, an interrupted run leaves one or both documents, and perhaps no journal.
        let begun = there != There::Other && !self.target.abilities().rename;
        match there == There::Nothing || begun || self.terms.overwrite {
            true => Ok(()),
            false => Err(publishing.exists()),
        }
    }

    /// Copies and proves the files of the plan.
    pub fn copy(&self, begun: &mut Begun<'_>) -> Result<(), Stopped> {
        let copying = Copying {
            terms: self.terms,
            plan: self.plan,
            source: self.source.as_ref(),
            target: self.target.as_ref(),
            partial: &begun.partial,
            journal: &begun.journal,
            run: self.run,
        };
        if let Err(failure) = copying.work(&mut begun.state, &mut begun.problems) {
            return Err(Stopped { failure, problems: std::mem::take(&mut begun.problems) });
        }
        self.stop_at_damage(&mut begun.state, &mut begun.problems)
    }

    /// Publishes the snapshot and writes the image. Returns the image's id, how the files got there, and the problems.
    pub fn finish(&self, begun: Begun<'_>) -> Result<(String, State, Problems), Stopped> {
        let Begun { publishing, journal, journal_path, partial, state, problems, .. } = begun;
        let publication = self.run.meter("publish", None, None);
        self.make_durable(&state, &journal)?;
        let image = image::write_list(self.plan, &state, self.target.as_ref())?;
        publishing.publish(&partial)?;
        let ended = image::EndedDelivery {
            source: self.source.as_ref(),
            target: self.target.as_ref(),
            manifest: publishing.manifest_digest(),
            at_ms: self.context.clock_ms(),
        };
        image::write_image(self.plan, &state, &image, &ended)?;
        drop(publication);
        drop(journal);
        self.clear_away(&journal_path, &partial);
        Ok((image.id, state, problems))
    }

    /// The image of an export that is there already, whole and unchanged; no file is read for it.
    pub fn already_there(&self) -> Result<Option<(String, Tally, Level)>, Failure> {
        let Some((tally, verified)) = image::unchanged(self.plan, self.target.as_ref())? else {
            return Ok(None);
        };
        // A run that was killed after it had written the image left these behind.
        let run_id = self.plan.run_id();
        let journal = layout::journal(run_id).map_err(Failure::usage)?;
        if self.exists(&journal)? {
            self.clear_away(&journal, &layout::partial(run_id).map_err(Failure::usage)?);
        }
        Ok(Some((image::id_of(self.plan), tally, verified)))
    }

    fn exists(&self, path: &StorePath) -> Result<bool, Failure> {
        let failed = |error| failed_store("looking at the target", self.target.as_ref(), error);
        store::exists(self.target.as_ref(), path).map_err(failed)
    }

    fn prepare(&self, journal_path: &StorePath, publishing: &Publishing<'_>) -> Result<(), Failure> {
        let seed = format!("{} {} {}", self.plan.digest, self.context.now_ms, std::process::id());
        Repository::open_or_create(self.target.as_ref(), &seed)
            .map_err(|error: catalog::CatalogError| error.failed("opening the repository"))?;
        if self.terms.resume {
            return Ok(());
        }
        let partial = layout::partial(self.plan.run_id()).map_err(Failure::usage)?;
        publishing.bring_back(&partial)?;
        for gone in [Journal::delete(self.target.as_ref(), journal_path), self.target.delete_tree(&partial)] {
            match gone {
                Err(error) if !error.is_not_found() => {
                    return Err(failed_store("forgetting an interrupted run", self.target.as_ref(), error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn recover(&self, recovered: Recovered<Record>) -> Result<State, Failure> {
        if !recovered.records.is_empty() {
            self.run.note(&format!(
                "resuming an interrupted run ({} entries in its journal)",
                recovered.records.len()
            ));
        }
        let target = self.target.as_ref();
        let mut state = State::recover(self.plan, recovered.records, target)?;
        image::reuse(self.plan, target, &mut state)?;
        Ok(state)
    }

    /// Checks for a full disk before anything is copied.
    fn check_room(&self, state: &State) -> Result<(), Failure> {
        let room = self
            .target
            .available()
            .map_err(|error| failed_store("looking for room", self.target.as_ref(), error))?;
        let copied: u64 = state.copied.values().map(|range| range.len).sum();
        let to_copy = self.plan.found.iter().zip(&state.files);
        let to_copy =
            to_copy.filter(|(_, state)| matches!(state, FileState::ToCopy { .. })).map(|(file, _)| file.len);
        let needed = to_copy.sum::<u64>().saturating_sub(copied);
        match room {
            Some(room) if room < needed => {
                let wrong = format!("{needed} bytes are to be copied, {room} are free");
                Err(Failure::failed("looking for room", self.target.uri(), wrong)
                    .hint("make room, or choose another target; nothing was copied"))
            }
            _ => Ok(()),
        }
    }

    fn stop_at_damage(&self, state: &mut State, problems: &mut Problems) -> Result<(), Stopped> {
        let failed = state.numbers(|state| matches!(state, FileState::Failed)).len();
        if failed == 0 && self.plan.aim.level >= Level::Cells {
            let verified = verify_files(
                self.files_to_verify()?,
                Level::Cells,
                self.terms.workers,
                Dictionaries::new(),
                self.run,
            )?;
            problems.append(verified.problems);
            if verified.damaged > 0 {
                return Err(self.damaged("cells are not what the files say about them", problems));
            }
            state.reached = verified.reached.unwrap_or(Level::Cells);
        } else if failed == 0 && self.plan.aim.level >= Level::Blocks {
            self.note_unfollowed(state, problems)?;
        }
        match failed {
            0 => Ok(()),
            failed => {
                let all = self.plan.found.len();
                if problems.kept().iter().all(|problem| problem.kind == ProblemKind::Unreadable) {
                    return Err(self.unread(&format!("{failed} of {all} files could not be read"), problems));
                }
                Err(self
                    .damaged(&format!("{failed} of {all} files are damaged or could not be read"), problems))
            }
        }
    }

    /// Files with blocks of a version that is not read were only copied and proved.
    fn note_unfollowed(&self, state: &mut State, problems: &mut Problems) -> Result<(), Failure> {
        for (number, file) in (0..).zip(&state.files) {
            let (FileState::Done(proof), Some((listed, found))) = (file, self.plan.file(number)) else {
                continue;
            };
            // Every cell of a file that a restore wrote was checked.
            if proof.contents.blocks.is_some() || proof.contents.entries.is_some() {
                continue;
            }
            state.reached = Level::Sums;
            let path = self.plan.target_path(listed, found).map_err(Failure::usage)?;
            let why = proof.contents.unread.as_deref().unwrap_or("a version that is not read");
            let problem = Problem::new(ProblemKind::Unsupported, path, why);
            problems.push(problem.meaning("its blocks were not followed: it is verified up to level sums"));
        }
        Ok(())
    }

    fn files_to_verify(&self) -> Result<Vec<FileToVerify>, Failure> {
        let file = |(file, found): (&ListedFile, &FoundFile)| {
            let dir = self.plan.listed.directories.get(file.directory as usize);
            Ok(FileToVerify {
                store: Arc::clone(self.target),
                path: self.plan.target_path(file, found).map_err(Failure::usage)?,
                len: Some(found.len),
                recorded: None,
                region: dir.map(|dir| dir.region.to_string()),
                table: dir.map(|dir| dir.table.full_form().to_owned()),
            })
        };
        self.plan.listed.files.iter().zip(&self.plan.found).map(file).collect()
    }

    /// Nothing is known to be wrong with the bytes.
    fn unread(&self, wrong: &str, problems: &mut Problems) -> Stopped {
        let subject = format!("snapshot {}", self.plan.snapshot);
        let failure = Failure::failed(&*self.plan.wording.doing, subject, wrong)
            .hint("nothing was published; fix what the problems say, and run the same command again");
        Stopped { failure, problems: std::mem::take(problems) }
    }

    fn damaged(&self, wrong: &str, problems: &mut Problems) -> Stopped {
        let failure = Failure::failed(&*self.plan.wording.doing, format!("snapshot {}", self.plan.snapshot), wrong).hint(
            "nothing was published; bring the files back from a copy and run the same command again, or give a lower \
             --verify level to export damage as it is",
        );
        Stopped { failure, problems: std::mem::take(problems) }
    }

    /// The files' names, and what the journal says about them.
    fn make_durable(&self, state: &State, journal: &Mutex<Journal>) -> Result<(), Failure> {
        let failed = |error| failed_store("making the files durable", self.target.as_ref(), error);
        let mut paths = match self.plan.in_place {
            true => Vec::new(),
            false => self.plan.target_paths().map_err(failed)?,
        };
        for file in &state.added {
            paths.push(file.path().map_err(failed)?);
        }
        self.target.sync_batch(&paths).map_err(failed)?;
        journal.lock().unwrap_or_else(PoisonError::into_inner).sync().map_err(failed)
    }

    /// Removes what only an interrupted run would need. Leftovers do no harm.
    fn clear_away(&self, journal_path: &StorePath, partial: &StorePath) {
        let gone = [self.target.delete_tree(partial), Journal::delete(self.target.as_ref(), journal_path)];
        for error in gone.into_iter().filter_map(Result::err).filter(|error| !error.is_not_found()) {
            self.run.note(&format!("left behind: {error}"));
        }
    }
}

/// What a restore's journal says beyond the files that are copied: new files, and the manifest that names them.
fn restored(records: &[Record]) -> (Vec<WrittenRecord>, Option<Blake3>) {
    let (mut written, mut manifest) = (Vec::new(), None);
    for record in records {
        match record {
            Record::Written(record) => written.push(record.clone()),
            Record::Manifest(digest) => manifest = Some(*digest),
            _ => {}
        }
    }
    (written, manifest)
}

fn busy(wording: &Wording, error: catalog::CatalogError) -> Failure {
    match error {
        catalog::CatalogError::Store(error) if error.kind == StoreErrorKind::Busy => {
            Failure::refused(&*wording.doing, &error.path, "another run is doing the same work")
                .hint("wait for it, or stop it")
        }
        error => error.failed("opening the journal"),
    }
}
