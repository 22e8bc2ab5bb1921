//! Reports for people.

mod convert;
mod cut;
mod export;
mod hfile;
mod image;
mod replay;
mod restore;
mod snapshot;
mod wal;

pub use convert::convert;
pub use cut::cut;
pub use export::export;
pub use hfile::{hfiles, hfiles_verified};
pub use image::{image, images};
pub use replay::replay;
pub use restore::restore;
pub use snapshot::{snapshot, snapshot_verified, snapshots};
pub use wal::{salvaged, wals, wals_verified};

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table};

/// The width for people: the terminal's; a file or pipe takes more.
fn width() -> u16 {
    console::Term::stdout().size_checked().map_or(160, |(_, columns)| columns.max(40))
}

/// A table that fits the terminal. Columns whose heading starts with `#` hold numbers.
fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width());
    table.set_header(headings.iter().map(|heading| heading.trim_start_matches('#')));
    // The first column is the name, which people copy, so it is never broken.
    if let Some(name) = table.column_mut(0) {
        name.set_constraint(ColumnConstraint::ContentWidth);
    }
    for (number, heading) in headings.iter().enumerate() {
        if let (true, Some(column)) = (heading.starts_with('#'), table.column_mut(number)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        table.add_row(row);
    }
    let text: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    text.join("\n") + "\n"
}

/// A line for each pair: a name and what it is. Pairs with nothing to say are left out.
fn facts(pairs: &[(&str, String)]) -> String {
    let longest = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let shown = pairs.iter().filter(|(_, value)| !value.is_empty());
    shown.map(|(name, value)| format!("{name:<longest$}  {value}\n")).collect()
}

/// Bytes with a unit: `1.5 GiB`.
fn bytes(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

/// A number with separators.
fn count(count: u64) -> String {
    indicatif::HumanCount(count).to_string()
}

/// `3 files, 1.5 MiB`; empty for none.
fn files(files: u64, of_bytes: u64) -> String {
    match files {
        0 => String::new(),
        files => {
            format!("{} {}, {}", count(files), if files == 1 { "file" } else { "files" }, bytes(of_bytes))
        }
    }
}

/// What is not wrong but should be known, a line each.
fn warnings(all: &[String]) -> String {
    all.iter().map(|warning| format!("warning: {warning}\n")).collect()
}

/// A number unless it is 0.
fn some(number: u64) -> String {
    if number == 0 { String::new() } else { count(number) }
}
