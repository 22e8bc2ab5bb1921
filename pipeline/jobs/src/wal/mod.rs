//! Looking into single WALs.

use formats::wal::WalDecoderOptions;
use names::root::RECOVERED_EDITS;
use serde::Serialize;
use stage::{Failure, Found, Obstacle, Problem, ProblemKind, Problems, Report};
use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use steps::bytes::{Witnessed, other_kind, sniff_file, source_problem};
use steps::wal::{CatWal, SalvageStop, describe_wal, salvage_wal};
use store::{ReadRanges, StoreErrorKind};

pub use catalog::time::{parse_ms, parse_typed};
pub use steps::wal::{CatWalOptions, LostBytes, RegionDescription, Salvaged, WalDescription};

/// WALs, described.
#[derive(Debug, Clone, Serialize)]
pub struct WalsReport {
    /// In the order in which they were given.
    pub files: Vec<WalDescription>,
}

/// Describes WALs, reading each to its end. One that cannot be read is a problem, and so is one that ends in damage.
pub fn info(files: &[String], memory: usize) -> Result<Report<WalsReport>, Failure> {
    let (described, problems) = describe(files, memory)?;
    Ok(Report::new("wal info", WalsReport { files: described }, problems))
}

/// The outcome of verifying WALs.
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
                    .meaning("its entries were counted; their content was not verified"),
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
        let as_ranges = |wal: &Arc<Witnessed>| Arc::clone(wal) as Arc<dyn ReadRanges>;
        let read = open(file).and_then(|wal| {
            let described = describe_wal(as_ranges(&wal), file, decoder_options(file, memory))?;
            Ok((described, wal))
        });
        if let Some(((description, found), wal)) = problems.keep(read)? {
            problems.append(found);
            problems.extend(wal.problem(file, description.end == "closed"));
            described.push(description);
        }
    }
    Ok((described, problems))
}

/// The outcome of printing entries.
#[derive(Debug, Clone, Serialize)]
pub struct Printed {
    /// WALs that were printed.
    pub files: u64,
    /// Entries that were printed.
    pub entries: u64,
}

/// Prints entries as JSON Lines to `out`; damage ends one WAL and is a problem. It is no failure if nobody listens any
/// more.
pub fn cat(
    files: &[String],
    options: &CatWalOptions,
    limit: Option<u64>,
    memory: usize,
    out: &mut dyn Write,
) -> Result<Report<Printed>, Failure> {
    let mut problems = Problems::default();
    let mut cat = CatWal::new(options, limit, out);
    for file in files {
        if cat.is_full() {
            break;
        }
        if let Some(wal) = problems.keep(open(file))? {
            let ranges: Arc<dyn ReadRanges> = Arc::<Witnessed>::clone(&wal);
            let printed = cat.cat(ranges, file, decoder_options(file, memory));
            // Only what was read of it counts: printing may have stopped anywhere.
            problems.extend(wal.problem(file, false));
            problems.keep(printed)?;
        }
    }
    Ok(Report::new("wal cat", Printed { files: cat.files(), entries: cat.printed() }, problems))
}

/// The outcome of salvaging a WAL.
#[derive(Debug, Clone, Serialize)]
pub struct SalvageReport {
    /// What was found.
    #[serde(flatten)]
    pub salvaged: Salvaged,
    /// The WAL that was written, if one was asked for.
    pub written: Option<String>,
}

/// Gets what is whole out of a WAL, into a new file if one is asked for. Each loss is a problem.
pub fn salvage(file: &str, to: Option<&str>, memory: usize) -> Result<Report<SalvageReport>, Failure> {
    let wal = open(file).map_err(|obstacle| match obstacle {
        Obstacle::Damage(problem) => unopened(&problem),
        Obstacle::Failure(failure) => failure,
    })?;
    let mut out = to.map(create).transpose()?;
    let writer = out.as_mut().map(|out| out as &mut dyn Write);
    let salvaged = match salvage_wal(&*wal, file, decoder_options(file, memory), writer) {
        Ok(salvaged) => salvaged,
        Err(SalvageStop::File(problem)) => {
            drop(out.take());
            to.map_or(Ok(()), forget_if_empty)?;
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
    let mut problems: Problems = salvaged.lost.iter().map(lost).collect();
    problems.extend(wal.problem(file, salvaged.end == "closed"));
    Ok(Report::new("wal salvage", SalvageReport { salvaged, written: to.map(str::to_owned) }, problems))
}

/// Frees the name of a new file that stayed empty. What was saved before the WAL could not be read any further stays.
fn forget_if_empty(path: &str) -> Result<(), Failure> {
    let forgotten = match std::fs::metadata(path) {
        Ok(there) if there.len() == 0 => std::fs::remove_file(path),
        there => there.map(drop),
    };
    forgotten.map_err(|error| Failure::failed("writing the salvaged WAL", path, error))
}

fn create(path: &str) -> Result<BufWriter<std::fs::File>, Failure> {
    // Stale checksums of an earlier file of this name would make the new one unreadable to Hadoop.
    if let Ok((store, below)) = store::connect_around(path)
        && store.metadata(&below).is_err_and(|error| error.is_not_found())
    {
        steps::bytes::drop_side(store.as_ref(), &below)
            .map_err(|error| steps::bytes::failed_storage("writing the salvaged WAL", &error))?;
    }
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    made.map(|file| BufWriter::with_capacity(1 << 20, file)).map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            Failure::refused("writing the salvaged WAL", path, "there is a file of this name already")
        }
        _ => Failure::failed("writing the salvaged WAL", path, error),
    })
}

fn open(file: &str) -> Found<Arc<Witnessed>> {
    let (store, path) = match store::connect_around(file) {
        Ok(opened) => opened,
        Err(error) if matches!(error.kind, StoreErrorKind::NotFound | StoreErrorKind::PermissionDenied) => {
            return Err(source_problem(&error).into());
        }
        Err(error) => return Err(Failure::usage(error).into()),
    };
    let kind = sniff_file(store.as_ref(), &path)?;
    if !kind.is_for_wal() {
        return Err(other_kind(file, kind, "a WAL").into());
    }
    let opened = Witnessed::open(store.as_ref(), &path).map_err(|error| source_problem(&error))?;
    Ok(Arc::new(opened))
}

fn unopened(problem: &Problem) -> Failure {
    let failure = Failure::failed("opening", &problem.path, &problem.what);
    match problem.hint.as_str() {
        "" => failure,
        hint => failure.hint(hint),
    }
}

/// Recovered edits are recognised by their directory.
fn decoder_options(file: &str, memory: usize) -> WalDecoderOptions {
    let recovered_edits = file.split('/').any(|segment| segment == RECOVERED_EDITS);
    steps::wal::wal_options(recovered_edits, memory)
}
