//! Looking into single WALs.

use formats::wal::WalDecoderOptions;
use serde::Serialize;
use stage::{Failure, Problem, ProblemKind, Problems, Report};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use steps::{CatWal, SalvageStop, describe_wal, salvage_wal, source_problem};
use store::ReadRanges;

pub use crate::time::parse_ms;
pub use steps::{CatWalOptions, LostBytes, RegionDescription, Salvaged, WalDescription};

/// WALs, described.
#[derive(Debug, Clone, Serialize)]
pub struct WalsReport {
    /// In the order in which they were given.
    pub files: Vec<WalDescription>,
}

/// Describes WALs, each read through. One that cannot be read is a problem, and so is one that ends in damage.
pub fn info(files: &[String], memory: usize) -> Result<Report<WalsReport>, Failure> {
    let (described, problems) = describe(files, memory)?;
    Ok(Report::new("wal info", WalsReport { files: described }, problems))
}

/// What verifying WALs came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WalsVerified {
    /// WALs that were read.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of those, closed: nothing is missing at their end.
    pub closed: u64,
    /// Whole entries.
    pub entries: u64,
    /// Cells of edits.
    pub cells: u64,
    /// Markers.
    pub markers: u64,
}

/// Verifies WALs: structure, names, markers, and that the ids of each region ascend. (A WAL has no checksum: a flipped
/// bit in a value is not found.)
pub fn verify(files: &[String], memory: usize) -> Result<Report<WalsVerified>, Failure> {
    let (described, mut problems) = describe(files, memory)?;
    let mut verified = WalsVerified::default();
    for wal in described {
        if wal.layout == Some("encrypted") {
            let what = "the cells of this WAL are encrypted, and no key is given";
            problems.push(
                Problem::new(ProblemKind::Unsupported, &wal.path, what)
                    .meaning("its entries were counted; what is in them was not verified"),
            );
        }
        verified.files += 1;
        verified.bytes += wal.bytes;
        verified.closed += u64::from(wal.end == "closed");
        verified.entries += wal.entries;
        verified.cells += wal.cells;
        verified.markers += wal.markers;
    }
    Ok(Report::new("wal verify", verified, problems))
}

fn describe(files: &[String], memory: usize) -> Result<(Vec<WalDescription>, Problems), Failure> {
    let (mut described, mut problems) = (Vec::new(), Problems::default());
    for file in files {
        let read = open(file)?.and_then(|wal| describe_wal(wal, file, decoder_options(file, memory)));
        match read {
            Ok((description, found)) => {
                described.push(description);
                problems.append(found);
            }
            Err(problem) => problems.push(problem),
        }
    }
    Ok((described, problems))
}

/// What printing entries came to.
#[derive(Debug, Clone, Serialize)]
pub struct Printed {
    /// WALs that were printed.
    pub files: u64,
    /// Entries that were printed.
    pub entries: u64,
}

/// Prints entries as JSON Lines to `out`; damage ends one WAL and is a problem. Nobody listening any more is no failure.
pub fn cat(
    files: &[String],
    options: &CatWalOptions,
    limit: Option<u64>,
    memory: usize,
    out: &mut dyn Write,
) -> Result<Report<Printed>, Failure> {
    let mut problems = Problems::default();
    let mut cat = CatWal::new(options, limit, out);
    let mut printed = 0;
    for file in files {
        if cat.is_full() {
            break;
        }
        let result = match open(file)? {
            Err(problem) => Ok(Err(problem)),
            Ok(wal) => cat.cat(wal, file, decoder_options(file, memory)),
        };
        match result {
            Ok(Ok(())) => printed += 1,
            Ok(Err(problem)) => problems.push(problem),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(Failure::failed("printing entries", "standard output", error)),
        }
    }
    let entries = cat.printed();
    Ok(Report::new("wal cat", Printed { files: printed, entries }, problems))
}

/// What salvaging a WAL came to.
#[derive(Debug, Clone, Serialize)]
pub struct SalvageReport {
    /// What was found.
    #[serde(flatten)]
    pub salvaged: Salvaged,
    /// The WAL that was written, if one was asked for.
    pub written: Option<String>,
}

/// Gets out of a WAL what is whole, into a new file if one is asked for. What is lost is a problem each.
pub fn salvage(file: &str, to: Option<&str>, memory: usize) -> Result<Report<SalvageReport>, Failure> {
    let wal = open(file)?.map_err(|problem| Failure::failed("opening", problem.path, problem.what))?;
    let mut out = to.map(create).transpose()?;
    let writer = out.as_mut().map(|out| out as &mut dyn Write);
    let salvaged = match salvage_wal(wal.as_ref(), file, decoder_options(file, memory), writer) {
        Ok(salvaged) => salvaged,
        Err(SalvageStop::File(problem)) => {
            return Err(Failure::failed("salvaging", problem.path, problem.what));
        }
        Err(SalvageStop::Output(error)) => {
            return Err(Failure::failed("writing the salvaged WAL", to.unwrap_or_default(), error));
        }
    };
    if let Some(out) = out {
        let synced = out.into_inner().map_err(|error| error.into_error()).and_then(|file| file.sync_all());
        synced.map_err(|error| Failure::failed("writing the salvaged WAL", to.unwrap_or_default(), error))?;
    }
    let lost = |lost: &LostBytes| {
        let what = format!("{} bytes are lost: {}", lost.end - lost.offset, lost.why);
        Problem::new(ProblemKind::Structure, file, what)
            .at(lost.offset)
            .meaning(format!("at most {} entries were there", lost.entries_at_most))
    };
    let problems = salvaged.lost.iter().map(lost).collect();
    Ok(Report::new("wal salvage", SalvageReport { salvaged, written: to.map(str::to_owned) }, problems))
}

fn create(path: &str) -> Result<BufWriter<std::fs::File>, Failure> {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    made.map(|file| BufWriter::with_capacity(1 << 20, file)).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::refused("writing the salvaged WAL", path, "there is a file of this name already")
        }
        _ => Failure::failed("writing the salvaged WAL", path, error),
    })
}

fn open(file: &str) -> Result<Result<Arc<dyn ReadRanges>, Problem>, Failure> {
    let (store, path) = match store::open_containing(file) {
        Ok(opened) => opened,
        Err(error) if error.is_not_found() => return Ok(Err(source_problem(&error))),
        Err(error) => return Err(Failure::usage(error)),
    };
    Ok(match store.open(&path) {
        Ok(opened) => Ok(Arc::from(opened)),
        Err(error) => Err(source_problem(&error)),
    })
}

/// Recovered edits are known by their directory.
fn decoder_options(file: &str, memory: usize) -> WalDecoderOptions {
    let recovered_edits = file.split('/').any(|segment| segment == "recovered.edits");
    steps::wal_options(recovered_edits, memory)
}
