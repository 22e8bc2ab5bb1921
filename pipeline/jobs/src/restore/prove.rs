//! The last check of a manifest before it is published: a clone of a bad snapshot cannot be undone.

use super::plan::TablePlan;
use delivery::AddedFile;
use names::root::SNAPSHOTS;
use stage::{Failure, Problem, ProblemKind, Problems, Stopped};
use std::collections::BTreeSet;
use steps::copy::{ListedFiles, MadeSnapshot, manifest_faults, path_in_manifest};

/// Stops unless the manifest is one that HBase can clone, its regions tile the key space, and it leads to all files
/// of the plan and all new files, and to no others.
pub fn prove_manifest(plan: &TablePlan, manifest: &[u8], added: &[AddedFile]) -> Result<(), Stopped> {
    let name = &plan.export.target;
    let unreadable = |error| Failure::failed("proving the manifest", name, error);
    let mut wanted = planned(&plan.export.listed);
    wanted.extend(
        added.iter().map(|file| path_in_manifest([&file.table, &file.region, &file.family, &file.name])),
    );
    let (table, description) = (&plan.names.table, &plan.export.description);
    let wrong =
        manifest_faults(&MadeSnapshot { name, table, description, manifest }, &wanted).map_err(unreadable)?;
    if wrong.is_empty() {
        return Ok(());
    }
    let problem = |what| Problem::new(ProblemKind::Structure, format!("{SNAPSHOTS}/{name}"), what);
    let problems: Problems = wrong.into_iter().map(problem).collect();
    let failure = Failure::failed("proving the manifest", name, "it is not that of the restored table")
        .hint("nothing was published; this is a fault of Tidegate: please report it");
    Err(Stopped { failure, problems })
}

fn planned(listed: &ListedFiles) -> BTreeSet<String> {
    let path = |file: &steps::copy::ListedFile| {
        let dir = listed.directories.get(file.directory as usize)?;
        Some(path_in_manifest([
            dir.table.full_form(),
            dir.region.as_str(),
            dir.family.as_str(),
            file.name.as_str(),
        ]))
    };
    listed.files.iter().filter_map(path).collect()
}
