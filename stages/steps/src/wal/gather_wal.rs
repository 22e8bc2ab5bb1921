//! Reads a WAL once and gathers its cells in arenas; what memory does not hold is written aside as sorted runs.

use crate::bytes::{file_problem, source_problem};
use crate::wal::gather_cells::{GatherCells, META, RegionCells, TableFilter};
use crate::wal::read_wal::{ReadWal, open_wal};
use crate::wal::spill_runs::{SpillRuns, SpilledRuns};
use columns::WalMarks;
use columns::lineage::LineageRow;
use columns::markers::{MarkerRow, WalSummary};
use formats::FormatErrorKind;
use formats::wal::{WalDecoderOptions, WalEnd, WalLimits};
use stage::{Bytes, Failure, Found, Map, Problem, ProblemKind, Problems};
use std::collections::BTreeSet;
use std::sync::Arc;
use store::{ReadRanges, Store, StorePath};

/// A WAL, wherever it lies.
#[derive(Clone)]
pub struct WalPlace {
    /// Where it lies.
    pub store: Arc<dyn Store>,
    /// The name of everything made from it: that of its file; for recovered edits `<encoded region>-<n>`.
    pub name: String,
    /// Where it was found, and where HBase may have moved it since.
    pub places: Vec<StorePath>,
    /// Its length when it was found.
    pub length: u64,
    /// Whether these are recovered edits, whose dictionaries are smaller.
    pub recovered_edits: bool,
    /// The server that wrote it, as `host,port,startcode`, if the name has it.
    pub server: Option<String>,
}

impl WalPlace {
    /// Where it was found, for messages.
    #[must_use]
    pub fn shown(&self) -> String {
        self.places.first().map_or_else(|| self.name.clone(), |place| place.shown(self.store.as_ref()))
    }

    /// Prepares its decoding when this many bytes of memory may be held.
    #[must_use]
    pub fn decoder_options(&self, memory: usize) -> WalDecoderOptions {
        wal_options(self.recovered_edits, memory)
    }
}

/// How a WAL is decoded when this many bytes of memory may be held.
#[must_use]
pub fn wal_options(recovered_edits: bool, memory: usize) -> WalDecoderOptions {
    let most = WalLimits::default();
    let limits = WalLimits {
        entry_bytes: most.entry_bytes.min(memory),
        dictionary_bytes: most.dictionary_bytes.min(memory),
    };
    WalDecoderOptions { recovered_edits, limits }
}

/// A WAL to decode.
#[derive(Clone)]
pub struct WalToGather {
    /// Which one.
    pub wal: WalPlace,
    /// Bytes of memory that its cells may take; beyond that they are written aside.
    pub memory: usize,
}

impl Bytes for WalToGather {
    /// What its cells may take, and half of that for what they are encoded as.
    fn bytes(&self) -> usize {
        self.memory.saturating_add(self.memory / 2)
    }
}

/// A WAL that has been decoded.
pub struct GatheredWal {
    /// Which one.
    pub asked: WalToGather,
    /// What it holds; `None` if it is not to be converted: a problem says why.
    pub content: Option<WalContent>,
    /// What is wrong.
    pub problems: Problems,
    /// Bytes that were read.
    pub bytes_read: u64,
}

/// What a WAL holds.
pub struct WalContent {
    /// What it holds and how it ended.
    pub summary: WalSummary,
    /// Its markers, in order.
    pub markers: Vec<MarkerRow>,
    /// What hbase:meta says about regions, in order.
    pub lineage: Vec<LineageRow>,
    /// Whether hbase:meta is in it, so that there is a lineage, though it may be empty.
    pub has_meta: bool,
    /// The cells that are held, by table, region and family.
    pub regions: Vec<RegionCells>,
    /// Tables and regions whose sequence ids go back.
    pub unordered: BTreeSet<(String, String)>,
    /// Runs of each table that were written aside; then no cells are held.
    pub spilled: SpilledRuns,
}

impl Bytes for GatheredWal {
    fn bytes(&self) -> usize {
        self.asked.bytes()
    }
}

/// The step.
pub struct GatherWal<'a> {
    /// Which tables' cells are wanted.
    pub tables: &'a TableFilter,
    /// Where runs are written aside.
    pub spill: &'a SpillRuns<'a>,
}

impl Map for GatherWal<'_> {
    type In = WalToGather;
    type Out = GatheredWal;

    fn map(&self, asked: WalToGather) -> Result<GatheredWal, Failure> {
        let mut decoded = GatheredWal { asked, content: None, problems: Problems::default(), bytes_read: 0 };
        let content = self.gather(&mut decoded);
        decoded.content = decoded.problems.keep(content)?.flatten();
        Ok(decoded)
    }
}

impl GatherWal<'_> {
    fn gather(&self, decoded: &mut GatheredWal) -> Found<Option<WalContent>> {
        let WalToGather { wal, memory } = &decoded.asked;
        let path = wal.shown();
        let file = open_wal(wal.store.as_ref(), &wal.places).map_err(|error| vanished(&error))?;
        let witnessed = Arc::clone(&file);
        let file: Arc<dyn ReadRanges> = file;
        let mut reader = ReadWal::new(Arc::clone(&file), wal.decoder_options(*memory));
        let mut gather = GatherCells::new(&path, self.tables.clone());
        let mut spilled = SpilledRuns::default();
        let end = loop {
            let mut take = |entry: &formats::wal::WalEntry<'_>| gather.take(entry);
            if let Some(end) = reader.next_entry(&mut take).map_err(|error| source_problem(&error))? {
                break end;
            }
            let (cells, rows) = gather.held();
            if cells.saturating_add(rows) > *memory {
                if rows > *memory / 2 {
                    return Err(too_many_markers(&path).into());
                }
                self.spill.write(&wal.name, gather.take_cells(), &mut spilled)?;
            }
        };
        decoded.bytes_read = reader.bytes_read();
        let (length, problem) = (reader.length(), end_problem(&path, &end));
        let unusable = problem.as_ref().is_some_and(|problem| problem.kind == ProblemKind::Unsupported);
        decoded.problems.append(std::mem::take(&mut gather.problems));
        decoded.problems.extend(problem);
        let side = witnessed.problem(&path, matches!(end, WalEnd::Closed { .. }));
        // A WAL has no checksums of its own: what differs before its end may be a cell.
        let unusable =
            unusable || witnessed.differs_at().is_some_and(|at| side.is_some() && at < end.offset());
        decoded.problems.extend(side.map(|problem| match unusable {
            true => problem.meaning(
                "a cell may have changed, or the .crc file beside it is older; the WAL was not converted",
            ),
            false => problem,
        }));
        if unusable {
            return Ok(None);
        }
        let has_meta = gather.regions.iter().any(|region| region.table == META);
        let summary = summary(wal, &gather, &end, length);
        let (markers, lineage) = (std::mem::take(&mut gather.markers), std::mem::take(&mut gather.lineage));
        let (unordered, mut regions) = (gather.unordered(), gather.take_cells());
        if !spilled.is_empty() {
            self.spill.write(&wal.name, std::mem::take(&mut regions), &mut spilled)?;
        }
        Ok(Some(WalContent { summary, markers, lineage, has_meta, regions, unordered, spilled }))
    }
}

fn summary(wal: &WalPlace, gather: &GatherCells, end: &WalEnd, length: u64) -> WalSummary {
    let closed = matches!(end, WalEnd::Closed { .. });
    let bytes = if closed { length } else { end.offset() };
    WalSummary {
        wal: WalMarks { name: wal.name.clone(), bytes, closed },
        length,
        end: end_name(end).to_owned(),
        server: wal.server.clone().unwrap_or_default(),
        entries: gather.entries,
        write_time: gather.write_time,
        tables: gather.totals(),
    }
}

fn vanished(error: &store::StoreError) -> Problem {
    let problem = source_problem(error);
    match error.is_not_found() {
        true => problem
            .meaning("the WAL vanished before it was read: its edits are not in any batch")
            .hint("run convert more often, or let HBase keep WALs longer (hbase.master.logcleaner.ttl)"),
        false => problem.meaning("the WAL was not converted"),
    }
}

fn too_many_markers(path: &str) -> Problem {
    Problem::new(ProblemKind::Unsupported, path, "the markers of the WAL do not fit into the memory allowed")
        .meaning("the WAL was not converted")
        .hint("give more --memory")
}

/// A word for how a WAL ended.
#[must_use]
pub fn end_name(end: &WalEnd) -> &'static str {
    match end {
        WalEnd::Closed { .. } => "closed",
        WalEnd::Unclosed { .. } => "unclosed",
        WalEnd::Empty { .. } => "empty",
        WalEnd::Torn { .. } => "torn",
        WalEnd::PartialTrailer { .. } => "partial-trailer",
        WalEnd::Damaged { .. } => "damaged",
        WalEnd::Unsupported { .. } => "unsupported",
    }
}

/// What is wrong with how a WAL ended. A WAL that is still open, or whose server died between two entries, is in order.
#[must_use]
pub fn end_problem(path: &str, end: &WalEnd) -> Option<Problem> {
    let structure = |what: &str, offset: u64| Problem::new(ProblemKind::Structure, path, what).at(offset);
    match end {
        WalEnd::Closed { .. } | WalEnd::Unclosed { .. } => None,
        WalEnd::Empty { length: 0 } => None,
        WalEnd::Empty { length } => Some(
            structure("the file ends within its header", *length)
                .meaning("it never held an entry; HBase skips such a file"),
        ),
        WalEnd::Torn { offset } => Some(
            structure("the WAL ends within an entry", *offset)
                .meaning("by this file the entry was never acknowledged; HBase drops it")
                .hint("if the server still writes it, the next run sees it whole; otherwise look for a copy of the file"),
        ),
        WalEnd::PartialTrailer { offset, .. } => Some(
            structure("the WAL ends within its trailer", *offset)
                .meaning("all entries are there; the server died while it closed the file"),
        ),
        WalEnd::Damaged { error, .. } if error.kind == FormatErrorKind::TooLarge => Some(
            Problem::new(ProblemKind::Unsupported, path, &error.what)
                .at(error.offset)
                .meaning("the WAL was not read further, and not converted")
                .hint("give more --memory; if that does not help, the length is damaged: tidegate wal salvage"),
        ),
        WalEnd::Damaged { offset, error } => Some(
            structure(&error.what, error.offset.unwrap_or(*offset))
                .meaning(format!("this run cannot read what follows offset {offset}"))
                .hint("see what can be recovered of the rest: tidegate wal salvage; bring the file back from a replica"),
        ),
        WalEnd::Unsupported { error, .. } => {
            let problem = file_problem(path, error);
            let problem = problem.meaning("the WAL was not converted: its edits are not in any batch");
            Some(match problem.hint.is_empty() {
                false => problem,
                true => problem.hint(
                    "what HBase's own codecs and Phoenix's IndexedWALEditCodec write can be read; flush the tables, so that \
                     a snapshot has these edits",
                ),
            })
        }
    }
}
