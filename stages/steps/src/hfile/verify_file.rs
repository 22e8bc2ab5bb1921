//! Verifies one HFile up to a level.

use crate::bytes::Witnessed;
use crate::bytes::{BUFFER_LEN, Wanted, read_through};
use crate::bytes::{FileSum, join_ranges};
use crate::bytes::{RANGE_LEN, ReadFault};
use crate::bytes::{file_problem, source_problem};
use crate::hfile::Level;
use crate::hfile::open_hfile::{OpenedHFile, open_hfile};
use crate::hfile::verify_cells::verify_cells;
use formats::FormatError;
use formats::compress::{Decompressor, Dictionaries};
use formats::hfile::{ChecksumType, Walked};
use stage::{Bytes, Failure, Map, Problem, ProblemKind};
use std::sync::Arc;
use store::{ReadRanges, Store, StorePath, WriteShape};

/// A file to verify, and what is known of it from elsewhere.
#[derive(Clone)]
pub struct FileToVerify {
    /// Where it lies.
    pub store: Arc<dyn Store>,
    /// Its path there.
    pub path: StorePath,
    /// The length it should have.
    pub len: Option<u64>,
    /// The digests it should have.
    pub recorded: Option<FileSum>,
    /// The region it belongs to.
    pub region: Option<String>,
    /// The table it belongs to.
    pub table: Option<String>,
}

impl Bytes for FileToVerify {
    fn bytes(&self) -> usize {
        BUFFER_LEN
    }
}

/// What was found out about a file.
#[derive(Debug, Clone)]
pub struct VerifiedHFile {
    /// Its path, with the store's URI.
    pub path: String,
    /// Its length.
    pub len: u64,
    /// Whether its digests were recorded and have been compared.
    pub sums_compared: bool,
    /// How many blocks were followed.
    pub blocks: u64,
    /// Whether its blocks have no checksums.
    pub without_checksums: bool,
    /// How many cells were decoded.
    pub cells: Option<u64>,
    /// The level up to which it was verified: the one that was asked for, or a lower one where it could not be looked
    /// into.
    pub reached: Level,
    /// Why it could not be looked into further, though nothing is wrong: encrypted, say, or a codec that cannot be read.
    pub not_looked_into: Option<String>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

impl Bytes for VerifiedHFile {
    fn bytes(&self) -> usize {
        0
    }
}

/// The step.
pub struct VerifyFile {
    /// How much is verified.
    pub level: Level,
    /// Dictionaries that zstd frames may name.
    pub dictionaries: Dictionaries,
}

impl Map for VerifyFile {
    type In = FileToVerify;
    type Out = VerifiedHFile;

    fn map(&self, file: FileToVerify) -> Result<VerifiedHFile, Failure> {
        let path = file.path.shown(file.store.as_ref());
        let mut verified = VerifiedHFile {
            path,
            len: 0,
            sums_compared: false,
            blocks: 0,
            without_checksums: false,
            cells: None,
            reached: self.level,
            not_looked_into: None,
            problems: Vec::new(),
        };
        if let Err(problem) = self.verify(&file, &mut verified) {
            verified.problems.push(problem);
        }
        for problem in &mut verified.problems {
            problem.path.clone_from(&verified.path);
            problem.region.clone_from(&file.region);
            problem.table.clone_from(&file.table);
        }
        Ok(verified)
    }
}

impl VerifyFile {
    fn verify(&self, asked: &FileToVerify, verified: &mut VerifiedHFile) -> Result<(), Problem> {
        let store = asked.store.as_ref();
        let file = Witnessed::open(store, &asked.path).map_err(|error| source_problem(&error))?;
        verified.len = file.metadata().len;
        if let Some(len) = asked.len.filter(|len| *len != verified.len) {
            let what = format!("has {} bytes, should have {len}", verified.len);
            verified.problems.push(Problem::new(ProblemKind::Length, "", what));
        }
        let sums = self.level >= Level::Sums && asked.recorded.is_some();
        let blocks = self.level >= Level::Blocks;
        if sums || blocks || (self.level >= Level::Sums && file.is_watched()) {
            let shape = WriteShape { len: verified.len, part_len: RANGE_LEN };
            let through = read_through(&file, shape, Wanted { sums, blocks })
                .map_err(|(at, error)| source_problem(&error).at(at))?;
            if let Some(at) = through.cut_short {
                let what =
                    format!("the file became shorter while it was read, it had {} bytes", verified.len);
                return Err(Problem::new(ProblemKind::Length, "", what).at(at));
            }
            let sum = sums.then(|| join_ranges(&through.ranges)).flatten();
            if let (Some(sum), Some(recorded)) = (sum, asked.recorded) {
                verified.sums_compared = true;
                verified.problems.extend(differs(&sum, &recorded));
            }
            if let Some(walked) = through.walked {
                self.note_blocks(&walked, verified);
            }
            // Damage that was found already is reported in more detail.
            if verified.problems.is_empty() {
                verified.problems.extend(file.problem("", true));
            }
        }
        if blocks {
            self.look_inside(&file, verified)?;
        }
        Ok(())
    }

    fn note_blocks(&self, walked: &Walked, verified: &mut VerifiedHFile) {
        if let Some(error) = walked.unread_version() {
            self.fell_short(Level::Sums, &error, verified);
            return;
        }
        verified.blocks = walked.blocks.total();
        verified.without_checksums = checksum_type(walked) == Some(ChecksumType::Null);
        verified.problems.extend(block_problems(walked));
        let differences = walked.differences().into_iter();
        verified.problems.extend(differences.map(|what| Problem::new(ProblemKind::Warning, "", what)));
    }

    /// Records that the file is verified only up to a level, and why. Where more was asked for, that is a problem.
    fn fell_short(&self, reached: Level, error: &FormatError, verified: &mut VerifiedHFile) {
        if verified.not_looked_into.is_some() {
            return;
        }
        verified.not_looked_into = Some(error.to_string());
        if self.level > reached {
            verified.reached = reached;
            let meaning = match reached {
                Level::Blocks => "its cells were not decoded: it is verified up to level blocks",
                _ => "its blocks were not followed: it is verified up to level sums",
            };
            verified.problems.push(file_problem("", error).meaning(meaning));
        }
    }

    fn look_inside(&self, file: &dyn ReadRanges, verified: &mut VerifiedHFile) -> Result<(), Problem> {
        let mut decompressor = Decompressor::new(self.dictionaries.clone());
        let opened = match open_hfile(file, &mut decompressor) {
            Ok(opened) => opened,
            Err(ReadFault::Format(error)) if error.is_unsupported() => {
                self.fell_short(Level::Blocks, &error, verified);
                return Ok(());
            }
            // What the walk over the blocks has reported need not be reported again.
            Err(ReadFault::Format(_)) if verified.problems.iter().any(Problem::is_damage) => return Ok(()),
            Err(fault) => return Err(fault_problem("", &fault)),
        };
        match opened.undecodable() {
            Some(error) => {
                self.fell_short(Level::Blocks, &error, verified);
                note_foreign(&opened, verified);
            }
            None if self.level >= Level::Cells => self.cells(file, &opened, &mut decompressor, verified)?,
            None => {}
        }
        Ok(())
    }

    fn cells(
        &self,
        file: &dyn ReadRanges,
        opened: &OpenedHFile,
        decompressor: &mut Decompressor,
        verified: &mut VerifiedHFile,
    ) -> Result<(), Problem> {
        let walked_well = !verified.problems.iter().any(Problem::is_damage);
        let seen = verify_cells(file, opened, decompressor).map_err(|error| source_problem(&error))?;
        verified.cells = Some(seen.cells);
        for error in seen.faults {
            match error.is_unsupported() {
                true => self.fell_short(Level::Blocks, &error, verified),
                false if walked_well || error.kind != formats::FormatErrorKind::Checksum => {
                    verified.problems.push(file_problem("", &error));
                }
                false => {}
            }
        }
        Ok(())
    }
}

pub(crate) fn differs(sum: &FileSum, recorded: &FileSum) -> Option<Problem> {
    let what = match (sum.crc32c == recorded.crc32c, sum.blake3 == recorded.blake3) {
        (true, true) => return None,
        (false, _) => format!("CRC32C is {:08x}, recorded is {:08x}", sum.crc32c, recorded.crc32c),
        (true, false) => "BLAKE3 is not the recorded one".to_owned(),
    };
    let problem = Problem::new(ProblemKind::Checksum, "", what);
    Some(problem.meaning("the file is not the one that was exported").hint("export the snapshot again"))
}

/// HBase's own files lack checksums because their cluster is set up that way; for other files it is worth knowing.
fn note_foreign(opened: &OpenedHFile, verified: &mut VerifiedHFile) {
    if verified.without_checksums && opened.trailer.comparator().is_err() {
        let what = "its blocks have no checksums: a changed byte in them cannot be seen";
        verified.problems.push(Problem::new(ProblemKind::Warning, "", what));
    }
}

/// What is wrong with the blocks of a file that was walked whole.
pub fn block_problems(walked: &Walked) -> impl Iterator<Item = Problem> {
    let faults = walked.conclude().into_iter().filter(|fault| !fault.error.is_unsupported());
    faults.map(|fault| file_problem("", &fault.error).at(fault.offset))
}

/// The type of checksums that all blocks of a file have: there is one, unless the file has none or is damaged.
pub fn checksum_type(walked: &Walked) -> Option<ChecksumType> {
    let mut types = walked.checksums.types();
    types.next().filter(|_| types.next().is_none())
}

/// Why a file could not be read further, as a problem.
pub fn fault_problem(path: &str, fault: &ReadFault) -> Problem {
    match fault {
        ReadFault::Store(error) => source_problem(error),
        ReadFault::Format(error) => file_problem(path, error),
    }
}
