use super::report::{RegionReplayed, ReplayReport, TableReplayed};
use super::sink::{EditLines, Lines};
use catalog::StoredParquet;
use columns::batch::BatchCell;
use cuts::{OpenedBase, OpenedCut, TableEdits};
use history::ReplayRegion;
use names::EncodedRegionName;
use runtime::Cancel;
use stage::{Failure, Found, Problem, ProblemKind, Problems, Source};
use std::collections::VecDeque;
use std::iter::Zip;
use std::slice::Iter;
use steps::edits::{LogOrder, MergeEdits, Wanted};

/// What a replay reports: its figures, and the problems that it found.
pub struct Told {
    pub report: ReplayReport,
    pub problems: Problems,
}

/// The edits of all tables as lines, a buffer of them at a time: table by table, region by region, parents before the
/// regions that came of them.
pub struct ReplayEdits<'a> {
    opened: &'a OpenedCut,
    tables: Zip<Iter<'a, OpenedBase>, Iter<'a, TableEdits>>,
    table: Option<Table<'a>>,
    /// Lines in the making; `None` if edits are only counted.
    lines: Option<Lines>,
    /// Bytes that edits may take while they are brought into order.
    memory: usize,
    told: &'a mut Told,
    cancel: &'a Cancel,
    /// Whether nothing of the stream was lost to damage.
    whole: bool,
    over: bool,
}

/// A table under way.
struct Table<'a> {
    edits: &'a TableEdits,
    regions: VecDeque<(&'a EncodedRegionName, &'a ReplayRegion)>,
    region: Option<Region<'a>>,
    replayed: TableReplayed,
}

/// The edits of a region: in the order of the log; or, where they are only counted, as they lie in batches.
enum Edits<'a> {
    Log(Box<LogOrder<'a, StoredParquet>>),
    Keys(Box<MergeEdits<'a, StoredParquet>>),
}

impl Edits<'_> {
    #[inline]
    fn advance(&mut self) -> Result<bool, Problem> {
        match self {
            Self::Log(edits) => edits.advance(),
            Self::Keys(edits) => edits.advance(),
        }
    }

    #[inline]
    fn edit(&self) -> Option<BatchCell<'_>> {
        match self {
            Self::Log(edits) => edits.edit(),
            Self::Keys(edits) => edits.edit(),
        }
    }

    fn duplicates(&self) -> u64 {
        match self {
            Self::Log(edits) => edits.duplicates(),
            Self::Keys(edits) => edits.duplicates(),
        }
    }
}

/// Counts different numbers, which come in any order.
#[derive(Default)]
struct Different {
    seen: Vec<u64>,
    /// So many of them, from the first, are sorted and different.
    sorted: usize,
}

impl Different {
    #[inline]
    fn add(&mut self, number: u64) {
        if self.seen.last() != Some(&number) {
            self.seen.push(number);
        }
        if self.seen.len() > 2 * self.sorted + (1 << 20) {
            self.count();
        }
    }

    fn count(&mut self) -> u64 {
        self.seen.sort_unstable();
        self.seen.dedup();
        self.sorted = self.seen.len();
        self.sorted as u64
    }
}

/// A source region under way.
struct Region<'a> {
    edits: Edits<'a>,
    replayed: RegionReplayed,
    /// The entry that the last edit was of.
    last: Option<u64>,
    /// The entries, where they do not come one after the other.
    entries: Different,
    seen: u64,
}

impl<'a> ReplayEdits<'a> {
    /// `tables` are the edits of the cut's bases, in their order.
    pub fn new(
        opened: &'a OpenedCut,
        tables: &'a [TableEdits],
        lines: Option<Lines>,
        memory: usize,
        told: &'a mut Told,
        cancel: &'a Cancel,
    ) -> Self {
        let tables = opened.bases.iter().zip(tables);
        Self { opened, tables, table: None, lines, memory, told, cancel, whole: true, over: false }
    }

    fn begin_table(&mut self) -> Option<Table<'a>> {
        let (base, edits) = self.tables.next()?;
        let table = &base.stores.table;
        let regions = self.opened.replay.in_order().into_iter().filter(|(_, region)| region.table == *table);
        let replayed = TableReplayed { table: table.full_form().to_owned(), ..TableReplayed::default() };
        Some(Table { edits, regions: regions.collect(), region: None, replayed })
    }

    /// Takes edits of a region; true at its end, false if there are enough lines before.
    fn take(&mut self, table: &mut Table<'a>, region: &mut Region<'a>) -> Found<bool> {
        while region.edits.advance()? {
            let Some(edit) = region.edits.edit() else { break };
            region.seen += 1;
            if region.seen.is_multiple_of(4096) && self.cancel.is_set() {
                return Err(Failure::interrupted().into());
            }
            let is_first = region.last != Some(edit.cell.sequence);
            region.last = Some(edit.cell.sequence);
            match self.lines {
                None => region.entries.add(edit.cell.sequence),
                Some(_) => region.replayed.entries += u64::from(is_first),
            }
            if !table.edits.has_family(edit.cell.family) {
                let family = edit.cell.family.escape_ascii().to_string();
                *table.replayed.unknown_families.entry(family).or_default() += 1;
            }
            region.replayed.cells += 1;
            let Some(lines) = &mut self.lines else { continue };
            lines.push(&table.replayed.table, &edit, is_first)?;
            if lines.is_full() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn lines(&mut self) -> EditLines {
        EditLines { lines: self.lines.as_mut().map(Lines::take).unwrap_or_default(), whole: self.whole }
    }
}

impl Source for ReplayEdits<'_> {
    type Out = EditLines;

    fn next(&mut self) -> Result<Option<EditLines>, Failure> {
        while let Some(mut table) = self.table.take().or_else(|| self.begin_table()) {
            let memory = self.lines.as_ref().map(|_| self.memory);
            let Some(mut region) = table.region.take().or_else(|| table.begin_region(memory)) else {
                self.told.add(table.replayed);
                continue;
            };
            let taken = self.take(&mut table, &mut region);
            let in_table = |problem: Problem| problem.in_table(&table.replayed.table);
            match self.told.problems.keep(taken.map_err(|obstacle| obstacle.placed(in_table)))? {
                Some(false) => {
                    table.region = Some(region);
                    self.table = Some(table);
                    return Ok(Some(self.lines()));
                }
                ended => {
                    self.whole &= ended.is_some();
                    table.end_region(region);
                    self.table = Some(table);
                }
            }
        }
        if std::mem::replace(&mut self.over, true) {
            return Ok(None);
        }
        self.lines.iter_mut().for_each(Lines::end);
        Ok(Some(self.lines()))
    }
}

impl<'a> Table<'a> {
    /// Without memory edits come as they lie in batches.
    fn begin_region(&mut self, memory: Option<usize>) -> Option<Region<'a>> {
        let (name, region) = self.regions.pop_front()?;
        let edits = match memory {
            Some(memory) => Edits::Log(Box::new(self.edits.of_region(name, region, memory))),
            None => {
                let mut merge = MergeEdits::new();
                let wanted = Wanted { replaced: true, ..Wanted::default() };
                self.edits.add_to(&mut merge, name, region, &wanted);
                Edits::Keys(Box::new(merge))
            }
        };
        let (replayed, entries) = (RegionReplayed::new(name, region), Different::default());
        Some(Region { edits, replayed, last: None, entries, seen: 0 })
    }

    fn end_region(&mut self, mut region: Region<'a>) {
        region.replayed.entries += region.entries.count();
        self.replayed.add(RegionReplayed { duplicates: region.edits.duplicates(), ..region.replayed });
    }
}

impl Told {
    /// Bulk-loaded files hold cells that are in no WAL, so they are not in the stream.
    fn add(&mut self, replayed: TableReplayed) {
        let files: u64 = replayed.regions.iter().map(|region| region.bulk_files.len() as u64).sum();
        if files > 0 {
            let what = format!(
                "{files} bulk-loaded files are in the cut; their cells are in no WAL, so not in the stream"
            );
            self.problems.push(
                Problem::new(ProblemKind::Warning, &self.report.to, what)
                    .in_table(&replayed.table)
                    .meaning("what is replayed lacks their cells")
                    .hint("the report names them; they lie in .tidegate/bulk of the repository: load them, too, or use restore"),
            );
        }
        self.report.add(replayed);
    }
}
