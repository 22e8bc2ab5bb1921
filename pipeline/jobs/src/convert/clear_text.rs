//! Batches are written in clear text: what a cluster keeps encrypted becomes a batch only on request.

use super::ConvertOptions;
use super::plan::{self, ConvertPlan};
use stage::{Failure, Problem, ProblemKind, Problems};
use steps::copy::read_descriptors;
use steps::wal::WalPlace;

const DOING: &str = "converting";
const ALLOW: &str =
    "give --allow-clear-text if the repository is as safe as the cluster; nothing was written";

/// Refuses encrypted WALs unless they are allowed; even then no key can be given yet.
pub fn refuse_encrypted(
    todo: &mut Vec<WalPlace>,
    options: &ConvertOptions,
    problems: &mut Problems,
) -> Result<(), Failure> {
    let encrypted = plan::encrypted(todo, problems);
    let Some(first) = encrypted.first() else { return Ok(()) };
    if !options.allow_clear_text {
        let wrong = format!(
            "{} WALs are encrypted, and batches would hold their cells in clear text",
            encrypted.len()
        );
        return Err(Failure::refused(DOING, first, wrong).hint(ALLOW));
    }
    problems.extend(encrypted.iter().map(|path| {
        Problem::new(
            ProblemKind::Unsupported,
            path,
            "the WAL is encrypted, and this version cannot be given a key yet",
        )
        .meaning("the WAL was not converted: its edits are not in any batch")
    }));
    Ok(())
}

/// The families of the wanted tables whose HFiles are encrypted (`ENCRYPTION`), though the WALs that are to be converted
/// are not; refused unless they are allowed. As `ns:table family`.
pub fn encrypted_families(
    plan: &ConvertPlan,
    todo: &[WalPlace],
    options: &ConvertOptions,
    problems: &mut Problems,
) -> Result<Vec<String>, Failure> {
    if todo.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let wanted = |table: &names::TableName| plan.tables.wants(table.full_form());
    for (table, schema) in read_descriptors(plan.source.as_ref(), wanted, problems) {
        let encrypted = |family: &&formats::schema::ColumnFamilySchema| {
            family.attributes.get("ENCRYPTION").is_some_and(|cipher| !cipher.is_empty())
        };
        for family in schema.families.iter().filter(encrypted) {
            found.push(format!("{} {}", table.full_form(), family.name));
        }
    }
    let Some(first) = found.first().filter(|_| !options.allow_clear_text) else { return Ok(found) };
    let others = match found.len() - 1 {
        0 => String::new(),
        more => format!(" (and of {more} more)"),
    };
    let wrong = format!(
        "the HFiles of this family{others} are encrypted, its WALs are not, and batches would hold its cells in clear text"
    );
    Err(Failure::refused(DOING, first, wrong).hint(format!("{ALLOW}. --table leaves out other tables")))
}
