//! What the arguments mean: defaults worked out, text turned into values.

use crate::arguments::{EveryCommand, Export, Level, ProgressBars};
use crate::bars::Bars;
use jobs::export::ExportOptions;
use jobs::hfile::CatOptions;
use jobs::{Attributes, Cancel, Context, Progress};
use stage::Failure;
use std::num::NonZeroU64;
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

/// What every job is given; from here on an interrupt cancels it.
pub fn context(every: &EveryCommand) -> Result<Context, Failure> {
    let cancel = Cancel::new();
    let on_signal = cancel.clone();
    ctrlc::set_handler(move || {
        // The first signal ends the run in order; a second one at once.
        if on_signal.is_set() {
            std::process::exit(130);
        }
        on_signal.set();
    })
    .map_err(|error| Failure::failed("listening for interrupts", "", error))?;
    let memory = every.memory.map_or_else(quarter_of_memory, |size| size.0);
    let progress: Arc<dyn Progress> = match every.progress {
        ProgressBars::Auto => Arc::new(Bars::new()),
        ProgressBars::Never => Arc::new(()),
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

/// A quarter of the machine's memory; 1 GiB where it does not say.
fn quarter_of_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kilobytes = total.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.map_or(1 << 30, |kilobytes| kilobytes * 1024 / 4)
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

/// Bytes from text in which `\xNN` is a byte, as the HBase shell takes and gives them.
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
    let read = |path: &PathBuf| {
        std::fs::read(path)
            .map_err(|error| Failure::failed("reading the zstd dictionary", path.display(), error))
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
}
