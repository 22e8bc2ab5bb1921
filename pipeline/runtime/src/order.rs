use crate::course::Unit;
use std::collections::BTreeMap;

/// Puts units back into the order of their source. Holds no more than the flow's window, since what waits here has
/// not left the flow.
pub(crate) struct InOrder<'f, T> {
    next: u64,
    early: BTreeMap<u64, Unit<'f, T>>,
}

impl<'f, T> InOrder<'f, T> {
    pub(crate) fn new() -> Self {
        Self { next: 0, early: BTreeMap::new() }
    }

    pub(crate) fn push(&mut self, unit: Unit<'f, T>) {
        self.early.insert(unit.number, unit);
    }

    /// The next unit in order, if it has come.
    pub(crate) fn pop(&mut self) -> Option<Unit<'f, T>> {
        let unit = self.early.remove(&self.next)?;
        self.next += 1;
        Some(unit)
    }
}
