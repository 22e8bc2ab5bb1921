//! Merges the cells of files and edits, hides what is deleted, and prints the rest: a table as a reader sees it.

mod merge_cells;
mod print_cells;
mod visibility;

pub use merge_cells::{CellSource, MergeCells};
pub use print_cells::{CellForm, PrintCells};
pub use visibility::{Shown, Verdict, Visibility};
