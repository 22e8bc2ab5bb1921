//! Reads a WAL whose cells do not fit into memory: several times, some regions each time.

use crate::bytes::failed_store;
use crate::wal::gather_cells::{GatherCells, RegionCells, Select};
use crate::wal::gather_wal::WalPlace;
use crate::wal::read_wal::ReadWal;
use columns::batch::CellArena;
use formats::wal::WalEnd;
use stage::{Bytes, Failure, Source};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store::ReadRanges;

/// A row group of a table, in its order.
pub struct TableGroup {
    /// The table, as `ns:name`.
    pub table: String,
    /// The row group.
    pub arena: CellArena,
}

impl Bytes for TableGroup {
    fn bytes(&self) -> usize {
        self.arena.bytes()
    }
}

/// Regions by table and name, that are read in one pass.
type Regions = BTreeSet<(String, String)>;

/// Yields the row groups of a WAL, tables and regions in order. In a WAL the ids of a region ascend, so only the
/// regions need sorting: each pass over the file gathers as many of them as fit, one that alone does not fit is
/// passed on as it is read. The result does not depend on how many passes it takes.
pub struct RegionPasses<'a> {
    wal: &'a WalPlace,
    path: String,
    file: Arc<dyn ReadRanges>,
    end: u64,
    memory: usize,
    passes: VecDeque<Regions>,
    /// The pass under way.
    pass: Option<Pass>,
    ready: VecDeque<TableGroup>,
    bytes_read: &'a AtomicU64,
}

struct Pass {
    reader: ReadWal,
    gather: GatherCells,
    /// Whether it is for one region only, whose row groups are passed on as they are complete.
    single: bool,
}

impl<'a> RegionPasses<'a> {
    /// Prepares the passes over a WAL that was read once, up to `end`; `regions` are those that are wanted, with their
    /// sizes; the bytes that the passes read are added to `bytes_read`.
    pub fn new(
        wal: &'a WalPlace,
        file: Arc<dyn ReadRanges>,
        end: u64,
        regions: &[RegionCells],
        memory: usize,
        bytes_read: &'a AtomicU64,
    ) -> Self {
        let passes = passes(regions, memory);
        let path = wal.shown();
        Self { wal, path, file, end, memory, passes, pass: None, ready: VecDeque::new(), bytes_read }
    }

    /// How many passes are left.
    pub fn passes(&self) -> usize {
        self.passes.len()
    }

    /// Continues the pass until a row group is ready or the pass is over.
    fn read_on(&mut self, mut pass: Pass) -> Result<(), Failure> {
        loop {
            let mut take = |entry: &formats::wal::WalEntry<'_>| pass.gather.take(entry);
            let ended = pass.reader.next_entry(&mut take);
            let ended = ended
                .map_err(|error| failed_store("reading the WAL again", self.wal.store.as_ref(), error))?;
            if let Some(end) = ended {
                return self.end_pass(pass, &end);
            }
            if pass.single
                && let Some((table, arena)) = pass.gather.complete_group()
            {
                self.ready.push_back(TableGroup { table: table.to_owned(), arena });
                self.pass = Some(pass);
                return Ok(());
            }
        }
    }

    fn end_pass(&mut self, pass: Pass, end: &WalEnd) -> Result<(), Failure> {
        self.bytes_read.fetch_add(pass.reader.bytes_read(), Ordering::Relaxed);
        if !matches!(end, WalEnd::Closed { .. } | WalEnd::Unclosed { .. }) {
            return Err(Failure::failed("reading the WAL again", &self.path, "its bytes have changed")
                .hint("run the same command again"));
        }
        for region in pass.gather.into_regions() {
            let table = region.table;
            self.ready
                .extend(region.groups.into_iter().map(|arena| TableGroup { table: table.clone(), arena }));
        }
        Ok(())
    }

    fn begin(&self, regions: Regions) -> Pass {
        let options = self.wal.decoder_options(self.memory);
        Pass {
            single: regions.len() == 1,
            reader: ReadWal::until(Arc::clone(&self.file), options, self.end),
            gather: GatherCells::new(&self.path, Select::Regions(regions)),
        }
    }
}

impl Source for RegionPasses<'_> {
    type Out = TableGroup;

    fn next(&mut self) -> Result<Option<TableGroup>, Failure> {
        while self.ready.is_empty() {
            let pass = match (self.pass.take(), self.passes.pop_front()) {
                (Some(pass), next) => {
                    next.into_iter().for_each(|next| self.passes.push_front(next));
                    pass
                }
                (None, Some(regions)) => self.begin(regions),
                (None, None) => return Ok(None),
            };
            self.read_on(pass)?;
        }
        Ok(self.ready.pop_front())
    }
}

/// Puts as many regions into a pass as fit, in their order.
fn passes(regions: &[RegionCells], memory: usize) -> VecDeque<Regions> {
    let mut passes: VecDeque<Regions> = VecDeque::new();
    let mut weight = u64::MAX;
    for region in regions {
        // Vectors grow by doubling.
        let own = region.weight.saturating_mul(2);
        weight = weight.saturating_add(own);
        if weight > memory as u64 || passes.is_empty() {
            passes.push_back(Regions::new());
            weight = own;
        }
        if let Some(pass) = passes.back_mut() {
            pass.insert((region.table.clone(), region.region.clone()));
        }
    }
    passes
}
