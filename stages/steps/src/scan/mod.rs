//! A table as a reader sees it: merges the cells of files and edits, hides what is deleted, prints the rest.

mod merge_cells;
mod print_cells;
mod visibility;

pub use merge_cells::{CellSource, MergeCells};
pub use print_cells::{CellForm, PrintCells};
pub use visibility::{Shown, Verdict, Visibility};
