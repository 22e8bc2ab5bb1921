//! Gets what is whole out of a damaged WAL.

use crate::bytes::BUFFER_LEN;
use crate::bytes::ReadFault;
use crate::bytes::source_problem;
use crate::hfile::fault_problem;
use crate::wal::gather_wal::end_name;
use formats::wal::{Lost, SalvageStep, WalDecoderOptions, WalEnd, WalSalvager};
use serde::Serialize;
use stage::Problem;
use std::io::{self, Write};
use store::ReadRanges;

/// What was salvaged of a WAL.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Salvaged {
    /// The file.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// How it ended.
    pub end: &'static str,
    /// Whole entries.
    pub entries: u64,
    /// Their bytes.
    pub entry_bytes: u64,
    /// What is lost, in order; the first thousand.
    pub lost: Vec<LostBytes>,
    /// Bytes that are lost, in total.
    pub lost_bytes: u64,
    /// The most entries that can have been in them.
    pub lost_entries_at_most: u64,
}

/// Bytes that hold no entry that could be proved whole.
#[derive(Debug, Clone, Serialize)]
pub struct LostBytes {
    /// Where they start.
    pub offset: u64,
    /// Where they end.
    pub end: u64,
    /// The most entries that can have been there.
    pub entries_at_most: u64,
    /// What is wrong.
    pub why: String,
}

/// How many losses are reported one by one.
const TOLD: usize = 1000;

/// What stopped it.
#[derive(Debug)]
pub enum SalvageStop {
    /// The file.
    File(Problem),
    /// The output.
    Output(io::Error),
}

/// Goes through a WAL, damage or not; with `out`, writes a WAL of all entries that are whole, byte for byte. It gets
/// a trailer, as a closed WAL has, only if nothing is lost.
///
/// # Errors
/// It is no WAL, or cannot be read; or the output's.
pub fn salvage_wal<'a>(
    file: &'a dyn ReadRanges,
    path: &str,
    options: WalDecoderOptions,
    out: Option<&'a mut dyn Write>,
) -> Result<Salvaged, SalvageStop> {
    let stop = |fault: ReadFault| SalvageStop::File(fault_problem(path, &fault));
    let length = file.metadata().len;
    let mut salvaged = Salvaged { path: path.to_owned(), bytes: length, ..Salvaged::default() };
    let mut salvager = WalSalvager::new(options);
    let mut copy = Copy { file, out, from: 0, to: 0 };
    // The window starts at `offset` of the file; its bytes before `used` have been taken.
    let (mut window, mut offset, mut used) = (Vec::new(), 0, 0);
    loop {
        let there = offset + window.len() as u64;
        let (mut rest, mut wanted) = (window.get(used..).unwrap_or_default(), 0);
        let step = salvager.step(&mut rest, there >= length).map_err(|error| stop(error.into()))?;
        match step {
            SalvageStep::Header(_) => copy.to = there - rest.len() as u64,
            SalvageStep::Entry(entry) => {
                salvaged.entries += 1;
                salvaged.entry_bytes += entry.next - entry.offset;
                copy.entry(entry.offset, entry.next)?;
            }
            SalvageStep::Lost(lost) => note(&lost, &mut salvaged),
            SalvageStep::End(end) => {
                salvaged.end = end_name(&end);
                let closed = matches!(end, WalEnd::Closed { .. }) && salvaged.lost_bytes == 0;
                copy.finish(if closed { length } else { copy.to })?;
                return Ok(salvaged);
            }
            SalvageStep::NeedMore { at_least } => wanted = at_least,
        }
        used = window.len() - rest.len();
        if wanted > 0 {
            window.drain(..used);
            offset += used as u64;
            used = 0;
            read_on(file, &mut window, offset, wanted).map_err(|error| stop(error.into()))?;
        }
    }
}

/// Reads on past the window, so that it has at least this many bytes, or all there are.
fn read_on(
    file: &dyn ReadRanges,
    window: &mut Vec<u8>,
    offset: u64,
    wanted: usize,
) -> Result<(), store::StoreError> {
    let have = window.len();
    let left = file.metadata().len.saturating_sub(offset + have as u64);
    let more = wanted.saturating_sub(have).clamp(BUFFER_LEN, 16 * BUFFER_LEN);
    window.resize(have + more.min(usize::try_from(left).unwrap_or(usize::MAX)), 0);
    let read = file.read_at(offset + have as u64, window.get_mut(have..).unwrap_or_default())?;
    window.truncate(have + read);
    Ok(())
}

fn note(lost: &Lost, salvaged: &mut Salvaged) {
    salvaged.lost_bytes += lost.end - lost.offset;
    salvaged.lost_entries_at_most += lost.entries_at_most;
    if salvaged.lost.len() < TOLD {
        let (offset, end, entries_at_most) = (lost.offset, lost.end, lost.entries_at_most);
        salvaged.lost.push(LostBytes { offset, end, entries_at_most, why: lost.why.what.clone() });
    }
}

/// Copies what is whole, as it lies.
struct Copy<'a> {
    file: &'a dyn ReadRanges,
    out: Option<&'a mut dyn Write>,
    /// What is whole and not copied yet.
    from: u64,
    to: u64,
}

impl Copy<'_> {
    fn entry(&mut self, offset: u64, next: u64) -> Result<(), SalvageStop> {
        if offset != self.to {
            self.copy()?;
            self.from = offset;
        }
        self.to = next;
        Ok(())
    }

    fn finish(&mut self, end: u64) -> Result<(), SalvageStop> {
        self.to = end;
        self.copy()?;
        self.out.as_mut().map_or(Ok(()), |out| out.flush()).map_err(SalvageStop::Output)
    }

    fn copy(&mut self) -> Result<(), SalvageStop> {
        let Some(out) = &mut self.out else { return Ok(()) };
        let mut buffer = vec![0; BUFFER_LEN];
        while self.from < self.to {
            let length = usize::try_from(self.to - self.from).unwrap_or(usize::MAX).min(BUFFER_LEN);
            let piece = buffer.get_mut(..length).unwrap_or_default();
            let read = self.file.read_at(self.from, piece);
            let read = read.map_err(|error| SalvageStop::File(source_problem(&error)))?;
            let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else { break };
            out.write_all(piece).map_err(SalvageStop::Output)?;
            self.from += read as u64;
        }
        Ok(())
    }
}
