//! What the arguments mean: fills in defaults and turns text into values.

use crate::arguments::{
    CellFormat, Convert, CutArguments, EveryCommand, Export, Level, ProgressBars, Replay, Restore, Scan,
};
use crate::bars::{Bars, Timings};
use jobs::convert::ConvertOptions;
use jobs::export::ExportOptions;
use jobs::hfile::CatOptions;
use jobs::replay::ReplayOptions;
use jobs::restore::RestoreOptions;
use jobs::scan::{CellForm, ScanOptions, Shown};
use jobs::wal::CatWalOptions;
use jobs::{Attributes, Cancel, Context, Progress};
use jobs::{Base, CutOptions, Until};
use stage::Failure;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

impl From<Level> for jobs::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::List => Self::List,
            Level::Sums => Self::Sums,
            Level::Blocks => Self::Blocks,
            Level::Cells => Self::Cells,
        }
    }
}

/// What every job is given; from here on an interrupt cancels the job.
pub fn context(every: &EveryCommand) -> Result<Context, Failure> {
    let cancel = Cancel::new();
    let on_signal = cancel.clone();
    ctrlc::set_handler(move || {
        // The first signal ends the run in good order; a second one ends it at once.
        if on_signal.is_set() {
            std::process::exit(130);
        }
        on_signal.set();
    })
    .map_err(|error| Failure::failed("listening for interrupts", "", error))?;
    let memory = every.memory.map_or_else(default_memory, |size| size.0);
    let progress: Arc<dyn Progress> = match every.progress {
        ProgressBars::Auto => Arc::new(Bars::new()),
        ProgressBars::Never => Arc::new(()),
    };
    let progress: Arc<dyn Progress> = match every.verbose {
        0 => progress,
        _ => Arc::new(Timings::new(progress)),
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Context {
        cancel,
        progress,
        memory: usize::try_from(memory).unwrap_or(usize::MAX),
        cpu_workers: std::thread::available_parallelism().map_or(1, usize::from),
        now_ms: i64::try_from(now.as_millis()).unwrap_or(i64::MAX),
        started: Instant::now(),
    })
}

/// Enough for everything that is done: more makes nothing faster but the conversion of WALs larger than HBase writes them.
const MEMORY: u64 = 512 << 20;

/// That, or a quarter of the machine's memory where this is less.
fn default_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = total.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.map_or(MEMORY, |kilobytes| MEMORY.min(kilobytes * 1024 / 4))
}

/// The options of an export.
pub fn export(typed: Export) -> ExportOptions {
    ExportOptions {
        from: typed.from,
        snapshot: typed.snapshot,
        to: typed.to,
        target: typed.target,
        overwrite: typed.overwrite,
        level: typed.verify.into(),
        workers: usize::from(typed.workers),
        bandwidth: typed.bandwidth.and_then(|rate| NonZeroU64::new(rate.0)),
        attributes: Attributes {
            owner: typed.chuser,
            group: typed.chgroup,
            mode: typed.chmod,
            ..Attributes::default()
        },
        reset_ttl: typed.reset_ttl,
        accept_holes: typed.accept_holes,
        dry_run: typed.dry_run,
        resume: !typed.no_resume,
        range_len: typed.range_size.0,
    }
}

/// The options of printing cells.
pub fn cat(
    sequence: bool,
    hex: bool,
    row: Option<&str>,
    family: Option<&str>,
) -> Result<CatOptions, Failure> {
    let row = row.map(bytes_of).transpose()?;
    Ok(CatOptions { sequence, hex, row, family: family.map(bytes_of).transpose()? })
}

/// The options of a conversion.
pub fn convert(typed: Convert) -> ConvertOptions {
    ConvertOptions {
        from: typed.from,
        wal_root: typed.wal_root,
        to: typed.to,
        tables: typed.tables,
        workers: usize::from(typed.workers),
        allow_clear_text: typed.allow_clear_text,
        copied_at_ms: typed.copied_at.map(|copied| copied.0),
        dry_run: typed.dry_run,
    }
}

/// The options of a restore.
pub fn restore(typed: Restore) -> Result<RestoreOptions, Failure> {
    Ok(RestoreOptions {
        cut: CutOptions {
            leave_out_families: typed.leave_out_families,
            ..cut(typed.cut, typed.workers, Some(Until::Snapshot))?
        },
        to: typed.to,
        name: typed.name,
        map: typed.map,
        attributes: Attributes { owner: typed.chuser, group: typed.chgroup, ..Attributes::default() },
        dry_run: typed.dry_run,
    })
}

/// Which cut is meant; `left_out` is the cut without `--until`, where that may be left out.
pub fn cut(typed: CutArguments, workers: u16, left_out: Option<Until>) -> Result<CutOptions, Failure> {
    let until = typed.until.or(left_out).ok_or_else(|| {
        let wrong = "--until is needed: snapshot, marker:NAME, marker:FILE, time:TIME, sequences:FILE or end";
        Failure::usage(wrong)
    })?;
    let snapshots = typed.snapshots.into_iter().map(Base::Snapshot);
    Ok(CutOptions {
        from: typed.from,
        bases: snapshots.chain(typed.images.into_iter().map(Base::Image)).collect(),
        until,
        dependencies: typed.dependencies,
        clock_bound_ms: typed.clock_bound.map(|bound| bound.0),
        clocks: typed.clocks,
        accept_gaps: typed.accept_gaps,
        leave_out_families: false,
        workers: usize::from(workers),
    })
}

/// The options of a replay.
pub fn replay(typed: Replay) -> Result<ReplayOptions, Failure> {
    Ok(ReplayOptions { cut: cut(typed.cut, typed.workers, None)?, to: typed.to, hex: typed.hex })
}

/// The options of a scan.
pub fn scan(typed: Scan) -> Result<ScanOptions, Failure> {
    let shown = match (typed.raw, typed.all_versions) {
        (true, _) => Shown::Raw,
        (false, true) => Shown::AllVersions,
        (false, false) => Shown::Newest,
    };
    let table = typed.format == CellFormat::Table;
    Ok(ScanOptions {
        cut: cut(typed.cut, typed.workers, Some(Until::Snapshot))?,
        table: typed.table,
        shown,
        row: typed.row.as_deref().map(bytes_of).transpose()?,
        prefix: typed.prefix.as_deref().map(bytes_of).transpose()?,
        family: typed.family.as_deref().map(bytes_of).transpose()?,
        limit: typed.limit,
        now_ms: typed.now.map(|now| now.0),
        form: CellForm { table, sequence: typed.sequence, hex: typed.hex },
        dictionaries: dictionaries(&typed.zstd_dictionary)?,
    })
}

/// Which entries of WALs are to be printed, as typed.
pub struct EntriesTyped {
    pub table: Option<String>,
    pub region: Option<String>,
    pub row: Option<String>,
    pub family: Option<String>,
    pub sequence: Option<String>,
    pub time: Option<String>,
    pub hex: bool,
}

/// The options of printing entries.
pub fn entries(typed: EntriesTyped) -> Result<CatWalOptions, Failure> {
    let id = |text: &str| text.parse::<u64>().ok();
    let sequence = typed.sequence.map(|text| range(&text, id, (0, u64::MAX), "--sequence"));
    let time = typed.time.map(|text| range(&text, jobs::wal::parse_ms, (i64::MIN, i64::MAX), "--time"));
    Ok(CatWalOptions {
        hex: typed.hex,
        // In a WAL the default namespace is not written.
        table: typed.table.map(|table| table.strip_prefix("default:").map_or(table.clone(), str::to_owned)),
        region: typed.region,
        row: typed.row.as_deref().map(bytes_of).transpose()?,
        family: typed.family.as_deref().map(bytes_of).transpose()?,
        sequence: sequence.transpose()?,
        time: time.transpose()?,
    })
}

/// `FROM..TO`, both in, each of which may be left out; or one value.
fn range<T: Copy>(
    text: &str,
    parse: impl Fn(&str) -> Option<T>,
    (least, most): (T, T),
    option: &str,
) -> Result<RangeInclusive<T>, Failure> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let end = |text: &str, left_out: T| if text.is_empty() { Some(left_out) } else { parse(text) };
    match (text.is_empty(), end(from, least), end(to, most)) {
        (false, Some(from), Some(to)) => Ok(from..=to),
        _ => Err(Failure::usage(format!("{option} {text:?}: give one value, or FROM..TO"))),
    }
}

/// Bytes from text in which `\xNN` is a byte, as the HBase shell reads and prints them.
fn bytes_of(text: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\\x") {
        bytes.extend_from_slice(before.as_bytes());
        let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let wrong = || Failure::usage(format!("in {text:?}: \\x is followed by two hexadecimal digits"));
        bytes.push(byte.ok_or_else(wrong)?);
        rest = after.get(2..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

/// The bytes of dictionary files.
pub fn dictionaries(paths: &[PathBuf]) -> Result<Vec<Vec<u8>>, Failure> {
    let doing = "reading the zstd dictionary";
    let read = |path: &PathBuf| {
        jobs::refuse_other_kind(doing, &path.to_string_lossy(), "a zstd dictionary")?;
        std::fs::read(path).map_err(|error| Failure::failed(doing, path.display(), error))
    };
    paths.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_typed_as_in_the_hbase_shell() {
        assert_eq!(bytes_of("r\\x00\\xFF1").unwrap(), b"r\x00\xff1");
        assert_eq!(bytes_of("größe").unwrap(), "größe".as_bytes());
        assert!(bytes_of("a\\xg1").is_err());
        assert!(bytes_of("a\\x1").is_err());
    }

    #[test]
    fn ranges_have_both_ends_in_and_may_lack_one() {
        let ids = |text: &str| range(text, |text: &str| text.parse().ok(), (0, u64::MAX), "--sequence");
        assert_eq!(ids("7").unwrap(), 7..=7);
        assert_eq!(ids("7..20").unwrap(), 7..=20);
        assert_eq!(ids("..20").unwrap(), 0..=20);
        assert_eq!(ids("7..").unwrap(), 7..=u64::MAX);
        for bad in ["", "x", "7..x", "-1", "7...9"] {
            assert!(ids(bad).is_err(), "{bad:?}");
        }
        let time = jobs::wal::parse_ms("2026-11-20T10:00:00Z");
        assert_eq!((time, jobs::wal::parse_ms("-5")), (Some(1_795_168_800_000), Some(-5)));
        assert_eq!(jobs::wal::parse_ms("2026-11-20T10:00:00"), None, "an offset is needed");
    }
}
