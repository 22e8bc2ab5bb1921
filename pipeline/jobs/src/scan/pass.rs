use stage::{Failure, Problem};
use steps::edits::{SortCells, SortedCells};
use steps::hfile::RowRange;

/// Edits of a range of rows, as many as memory holds. Where memory does not hold all, the range is shortened until the
/// edits of its rows fit; what follows is gone through again.
pub struct Pass {
    /// The rows of which all edits are here.
    pub range: RowRange,
    cells: SortCells,
    memory: usize,
}

impl Pass {
    pub fn new(range: RowRange, memory: usize) -> Self {
        Self { range, cells: SortCells::new(memory), memory }
    }

    /// Takes an edit, if its row is in the range.
    #[inline]
    pub fn push(&mut self, cell: &formats::cell::CellRef<'_>) -> Result<(), Failure> {
        if self.range.holds(cell.row) && self.cells.push(cell) {
            self.shorten()?;
        }
        Ok(())
    }

    /// Leaves the rows of the second half to a later pass.
    #[cold]
    fn shorten(&mut self) -> Result<(), Failure> {
        let cells = std::mem::replace(&mut self.cells, SortCells::new(self.memory)).sort();
        let row = |place: usize| cells.get(place).map(|cell| cell.row).unwrap_or_default();
        let middle = cells.seek(row(cells.len() / 2));
        // The middle may lie in the first row: then that row alone stays.
        let end = match middle {
            0 => cells.seek(&[row(0), &[0]].concat()),
            middle => middle,
        };
        if end >= cells.len() {
            let what = format!("the edits of row {} need more memory than is allowed", row(0).escape_ascii());
            return Err(Failure::failed("sorting edits", "", what).hint("give it more with --memory"));
        }
        self.range.end = Some(row(end).to_vec());
        for cell in cells.iter().take(end) {
            self.cells.push(&cell);
        }
        Ok(())
    }

    pub fn sort(self) -> (RowRange, SortedCells) {
        (self.range, self.cells.sort())
    }
}

/// Why rows are not shown.
pub fn rows_left_out(problem: Problem, range: &RowRange) -> Problem {
    let end = match &range.end {
        Some(end) => format!("\"{}\"", end.escape_ascii()),
        None => "the end".to_owned(),
    };
    let from = range.start.escape_ascii();
    problem.meaning(format!("rows from \"{from}\" to {end} are left out: what they hold is not known"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use formats::cell::{CellRef, CellType};

    fn cell<'a>(row: &'a [u8], value: &'a [u8]) -> CellRef<'a> {
        let (timestamp, cell_type) = (1, CellType::Put);
        CellRef { row, family: b"f", qualifier: b"q", timestamp, cell_type, value, tags: b"", sequence: 1 }
    }

    #[test]
    fn what_memory_does_not_hold_comes_in_a_later_pass() {
        let value = vec![7; 1 << 20];
        let rows: Vec<Vec<u8>> = (0..100u32).map(|n| vec![(n * 37 % 101) as u8]).collect();
        let (mut range, mut seen) = (RowRange::default(), Vec::new());
        let mut passes = 0;
        loop {
            let mut pass = Pass::new(range.clone(), 10 << 20);
            for row in &rows {
                pass.push(&cell(row, &value)).unwrap();
            }
            let (done, sorted) = pass.sort();
            seen.extend(sorted.iter().map(|cell| cell.row.to_vec()));
            passes += 1;
            match done.end {
                Some(end) => range.start = end,
                None => break,
            }
        }
        let mut expected = rows;
        expected.sort();
        assert_eq!(seen, expected);
        assert!(passes > 10, "{passes}");
    }

    #[test]
    fn a_row_that_does_not_fit_is_said() {
        let value = vec![7; 1 << 20];
        let mut pass = Pass::new(RowRange::default(), 4 << 20);
        let failed = (0..9).find_map(|_| pass.push(&cell(b"large", &value)).err()).unwrap();
        assert!(
            failed.to_string().contains("row large") && failed.to_string().contains("--memory"),
            "{failed}"
        );
    }
}
