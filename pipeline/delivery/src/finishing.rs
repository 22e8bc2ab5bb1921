//! Finishes long files before they are proved, where a file cannot be read sooner.

use stage::{Failure, Problem};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use steps::bytes::failed_store;
use steps::copy::{CopiedRange, CopiedUnit};
use store::{PartReceipt, Store, StoreError};

pub const FINISHING: &str = "finishing the copy";

type Copied = (u32, Result<CopiedRange, Problem>);

/// Holds the ranges of a long file until all of them are copied, finishes the file, and passes them on together. Where
/// unfinished files can be read ([`store::Abilities::read_unfinished`]) everything passes as it comes.
pub struct Finishing<'a> {
    target: &'a dyn Store,
    held: Mutex<BTreeMap<u32, Vec<CopiedRange>>>,
}

impl<'a> Finishing<'a> {
    pub fn new(target: &'a dyn Store) -> Self {
        Self { target, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u32, Vec<CopiedRange>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All ranges of the file once this is the last of them.
    fn whole(&self, range: CopiedRange) -> Result<Vec<CopiedRange>, Failure> {
        let (file, parts) = (range.asked.file, range.asked.shape.parts());
        let mut held = self.held();
        let ranges = held.entry(file).or_default();
        ranges.push(range);
        if (ranges.len() as u64) < parts {
            return Ok(Vec::new());
        }
        let mut ranges = held.remove(&file).unwrap_or_default();
        // Finishing one file need not hold up the others.
        drop(held);
        ranges.sort_by_key(|range| range.asked.range);
        let unfinished = |error| failed_store(FINISHING, self.target, error);
        finish(&ranges.iter().collect::<Vec<_>>()).map_err(unfinished)?;
        ranges.iter_mut().for_each(|range| range.asked.parts = None);
        Ok(ranges)
    }

    /// The ranges that can be proved now.
    pub fn take(&self, unit: CopiedUnit) -> Result<CopiedUnit, Failure> {
        if self.target.abilities().read_unfinished {
            return Ok(unit);
        }
        let mut ready: Vec<Copied> = Vec::new();
        for (file, range) in unit.ranges {
            match range {
                Ok(range) if range.asked.shape.parts() > 1 => {
                    ready.extend(self.whole(range)?.into_iter().map(|range| (file, Ok(range))));
                }
                range => ready.push((file, range)),
            }
        }
        Ok(CopiedUnit { ranges: ready })
    }
}

/// Finishes the file of these ranges, which are all of it, in order; one that is finished stays as it is.
pub fn finish(ranges: &[&CopiedRange]) -> Result<(), StoreError> {
    let receipts: Vec<PartReceipt> = ranges.iter().map(|range| range.receipt.clone()).collect();
    let parts = ranges.iter().find_map(|range| range.asked.parts.as_ref());
    parts.map_or(Ok(()), |parts| parts.finish(&receipts))
}
