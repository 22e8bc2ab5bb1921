use super::ScanReport;
use catalog::StoredParquet;
use cuts::RegionFiles;
use cuts::TableEdits;
use formats::cell::CellRef;
use formats::compress::Dictionaries;
use formats::snapshot::RegionManifest;
use history::{Lineages, Relation, Replay, ReplayRegion};
use names::{EncodedRegionName, TableName};
use runtime::Cancel;
use stage::{Failure, Found, Problem, ProblemKind, Problems};
use steps::edits::{MergeEdits, RegionRouter, Wanted};
use steps::hfile::{ResolveMob, RowRange};
use steps::scan::{CellSource, MergeCells, PrintCells, Verdict, Visibility};
use store::Store;

/// Reads regions one after the other, and prints cell by cell. That is no flow, on purpose: a cell that is shown lies in
/// the block or among the edits that the merge stands on, so a source could hand it on only as a copy, and whoever asks
/// for few rows must not wait for blocks that were read ahead. What is printed is gathered and written by [`PrintCells`].
pub struct ScanRegion<'a> {
    pub store: &'a dyn Store,
    pub table: &'a TableName,
    pub edits: &'a TableEdits,
    pub replay: &'a Replay,
    pub lineages: &'a Lineages,
    pub router: &'a RegionRouter,
    pub dictionaries: &'a Dictionaries,
    pub family: Option<&'a [u8]>,
    /// Rows that are wanted, in all.
    pub limit: u64,
    pub cancel: &'a Cancel,
    pub visibility: Visibility,
    pub mob: ResolveMob<'a>,
    pub print: PrintCells<'a>,
    pub report: &'a mut ScanReport,
    pub problems: &'a mut Problems,
}

/// Whether more is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All that was asked for is shown.
    Whole,
    /// No more rows are wanted, or nobody listens.
    Enough,
}

impl ScanRegion<'_> {
    /// Reads rows of a region. What cannot be read is a problem that says which rows are left out.
    pub fn region(&mut self, region: &RegionManifest, mut range: RowRange) -> Result<Ended, Failure> {
        self.report.regions += 1;
        let shown = self.rows(region, &mut range).map_err(|obstacle| {
            obstacle.placed(|problem| {
                let table = self.table.full_form();
                rows_left_out(problem, &range).in_region(region.encoded).in_table(table)
            })
        });
        Ok(self.problems.keep(shown)?.unwrap_or(Ended::Whole))
    }

    /// Shows the rows of a range; `range` is what is not shown yet.
    fn rows(&mut self, region: &RegionManifest, range: &mut RowRange) -> Found<Ended> {
        let sources = self.sources(&region.encoded);
        let mut files = RegionFiles::open(self.store, self.table, region, self.family)?;
        for (name, source) in &sources {
            let wanted = |family: &[u8]| self.family.is_none_or(|wanted| wanted == family);
            for loaded in source.bulk.iter().filter(|loaded| wanted(loaded.family.as_bytes())) {
                files.add_bulk(self.store, self.table, name, loaded)?;
            }
        }
        let cursors = files.cursors(range, self.dictionaries)?;
        let mut merged: Vec<CellSource<'_, StoredParquet>> =
            cursors.into_iter().map(|cursor| CellSource::File(Box::new(cursor))).collect();
        let (edits, wanted) =
            (self.edits, Wanted { family: self.family, rows: range.clone(), replaced: false });
        let mut merge = MergeEdits::new();
        for (name, source) in &sources {
            edits.add_to(&mut merge, name, source, &wanted);
        }
        merged.push(CellSource::Edits(Box::new(merge)));
        let mut merged = MergeCells::new(merged);
        let shown = self.show_rows(&mut merged, range);
        self.report.edits += merged.edits();
        shown
    }

    /// The source regions whose edits can belong to a region of the snapshot: itself, and those that came of it.
    fn sources(&self, target: &EncodedRegionName) -> Vec<(EncodedRegionName, ReplayRegion)> {
        let of_target = |name: &EncodedRegionName, region: &ReplayRegion| {
            region.table == *self.table
                && (name == target
                    || self.lineages.ancestors(name).contains(target)
                    || self.is_stray(name, region))
        };
        let regions = self.replay.in_order().into_iter();
        let regions = regions.filter(|(name, region)| of_target(name, region));
        regions.map(|(name, region)| (*name, region.clone())).collect()
    }

    /// A region of unknown origin: its edits are looked at for every region of the snapshot.
    fn is_stray(&self, name: &EncodedRegionName, region: &ReplayRegion) -> bool {
        let ancestors = self.lineages.ancestors(name);
        let known = (0..self.router.len()).filter_map(|number| self.router.name(number));
        region.relation == Relation::Descendant && !known.into_iter().any(|known| ancestors.contains(known))
    }

    /// Shows what is merged. `left` begins after the rows that were shown whole.
    fn show_rows(&mut self, merge: &mut MergeCells<'_, StoredParquet>, left: &mut RowRange) -> Found<Ended> {
        let mut row_shown = None;
        while merge.advance()? {
            let (Some(cell), Some(stored)) = (merge.cell(), merge.stored()) else { break };
            if self.report.read.is_multiple_of(4096) && self.cancel.is_set() {
                return Err(Failure::interrupted().into());
            }
            self.report.read += 1;
            self.report.version_deletes += u64::from(cell.cell_type.deletes_one_version());
            if left.start != cell.row {
                left.start.clear();
                left.start.extend_from_slice(cell.row);
                row_shown = None;
            }
            if self.family.is_some_and(|family| family != cell.family) {
                continue;
            }
            match self.visibility.judge(&cell) {
                Verdict::Hidden => continue,
                Verdict::UnknownFamily => {
                    let family = cell.family.escape_ascii().to_string();
                    *self.report.unknown_families.entry(family).or_default() += 1;
                    continue;
                }
                Verdict::Shown => {}
            }
            if row_shown.is_none() {
                if self.report.rows >= self.limit {
                    return Ok(Ended::Enough);
                }
                self.report.rows += 1;
                row_shown = Some(());
            }
            self.show(&cell, &stored)?;
            if self.print.is_closed() {
                return Ok(Ended::Enough);
            }
        }
        Ok(Ended::Whole)
    }

    fn show(&mut self, cell: &CellRef<'_>, stored: &CellRef<'_>) -> Result<(), Failure> {
        let resolved;
        let mut stored = *stored;
        if ResolveMob::is_reference(cell) {
            match self.mob.resolve(cell) {
                Ok(value) => resolved = value,
                Err(problem) => {
                    self.problems.push(problem.in_table(self.table.full_form()));
                    return Ok(());
                }
            }
            (stored.value, stored.tags) = (&resolved.value, &resolved.tags);
        }
        self.print.print(&stored, cell.sequence)
    }

    /// Reports edits of rows that no region of the snapshot covers. `regions` are in the order of their start keys.
    pub fn uncovered(&mut self, regions: &[RegionManifest], rows: &RowRange) -> Result<(), Failure> {
        let holes: Vec<RowRange> =
            holes(regions).iter().map(|hole| hole.within(rows)).filter(|hole| !hole.is_empty()).collect();
        let of_table = self.replay.in_order().into_iter().filter(|(_, region)| region.table == *self.table);
        for (name, source) in of_table {
            let mut edits = 0;
            for hole in &holes {
                let counted = self.count(name, source, hole);
                edits += self.problems.keep(counted.map_err(Into::into))?.unwrap_or(0);
            }
            if edits > 0 {
                let what = format!("{edits} edits are of rows that no region of the snapshot covers");
                let problem = Problem::new(ProblemKind::Tiling, name, what).in_region(name);
                self.problems.push(
                    problem
                        .in_table(self.table.full_form())
                        .meaning("they are left out")
                        .hint("take a snapshot whose regions cover every row"),
                );
            }
        }
        Ok(())
    }

    fn count(
        &self,
        name: &EncodedRegionName,
        source: &ReplayRegion,
        rows: &RowRange,
    ) -> Result<u64, Problem> {
        let mut merge = MergeEdits::new();
        let wanted = Wanted { family: self.family, rows: rows.clone(), replaced: false };
        self.edits.add_to(&mut merge, name, source, &wanted);
        while merge.advance()? {}
        Ok(merge.given())
    }

    /// Hands over what was printed last.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.report.cells = self.print.printed();
        self.report.mob_values = self.mob.resolved();
        self.print.flush()
    }
}

/// The rows between regions, which are in the order of their start keys.
fn holes(regions: &[RegionManifest]) -> Vec<RowRange> {
    let (mut holes, mut covered) = (Vec::new(), Some(Vec::new()));
    for region in regions {
        let Some(end) = &covered else { break };
        let keys = &region.region;
        if keys.start_key > *end {
            holes.push(RowRange { start: end.clone(), end: Some(keys.start_key.clone()) });
        }
        covered = match keys.end_key.as_slice() {
            [] => None,
            key => Some(end.as_slice().max(key).to_vec()),
        };
    }
    holes.extend(covered.map(|start| RowRange { start, end: None }));
    holes
}

/// Why rows are not shown.
fn rows_left_out(problem: Problem, range: &RowRange) -> Problem {
    let end = match &range.end {
        Some(end) => format!("\"{}\"", end.escape_ascii()),
        None => "the end".to_owned(),
    };
    let from = range.start.escape_ascii();
    problem.meaning(format!("rows from \"{from}\" to {end} are left out: what they hold cannot be told"))
}
