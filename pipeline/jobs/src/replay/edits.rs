use super::report::{RegionReplayed, ReplayReport, TableReplayed};
use super::sink::{EditLines, Lines};
use catalog::StoredParquet;
use cuts::{OpenedBase, OpenedCut, TableEdits};
use history::ReplayRegion;
use names::EncodedRegionName;
use runtime::Cancel;
use stage::{Failure, Found, Problem, ProblemKind, Problems, Source};
use std::collections::VecDeque;
use std::iter::Zip;
use std::slice::Iter;
use steps::edits::MergeEdits;

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

/// A source region under way.
struct Region<'a> {
    merge: MergeEdits<'a, StoredParquet>,
    replayed: RegionReplayed,
    /// The entry that the last edit was of.
    last: Option<u64>,
}

impl<'a> ReplayEdits<'a> {
    /// `tables` are the edits of the cut's bases, in their order.
    pub fn new(
        opened: &'a OpenedCut,
        tables: &'a [TableEdits],
        lines: Option<Lines>,
        told: &'a mut Told,
        cancel: &'a Cancel,
    ) -> Self {
        let tables = opened.bases.iter().zip(tables);
        Self { opened, tables, table: None, lines, told, cancel, whole: true, over: false }
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
        while region.merge.advance()? {
            let Some(edit) = region.merge.edit() else { break };
            let is_first = region.last != Some(edit.cell.sequence);
            if is_first {
                region.last = Some(edit.cell.sequence);
                region.replayed.entries += 1;
                if region.replayed.entries.is_multiple_of(1024) && self.cancel.is_set() {
                    return Err(Failure::interrupted().into());
                }
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
            let Some(mut region) = table.region.take().or_else(|| table.begin_region()) else {
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
    fn begin_region(&mut self) -> Option<Region<'a>> {
        let (name, region) = self.regions.pop_front()?;
        let merge = self.edits.of_region(name, region);
        Some(Region { merge, replayed: RegionReplayed::new(name, region), last: None })
    }

    fn end_region(&mut self, region: Region<'a>) {
        self.replayed.add(RegionReplayed { duplicates: region.merge.duplicates(), ..region.replayed });
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
