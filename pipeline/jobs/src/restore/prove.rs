//! The last look at a manifest before it is published: a clone of a bad snapshot cannot be undone.

use super::plan::TablePlan;
use delivery::AddedFile;
use formats::snapshot::{SnapshotManifest, decode_manifest, decode_snapshot_description, resolve};
use names::root::SNAPSHOTS;
use stage::{Failure, Problem, ProblemKind, Problems, Stopped};
use std::collections::BTreeSet;
use steps::ListedFiles;

/// Stops unless the manifest is one that HBase can clone, its regions tile the key space, and it leads to all files
/// of the plan and all new files, and to no others.
pub fn prove_manifest(plan: &TablePlan, manifest: &[u8], added: &[AddedFile]) -> Result<(), Stopped> {
    let name = &plan.export.target;
    let unreadable = |error| Failure::failed("proving the manifest", name, error);
    let description = decode_snapshot_description(&plan.export.description).map_err(unreadable)?;
    let decoded = decode_manifest(manifest).map_err(unreadable)?;
    let mut wrong: Vec<String> = decoded.faults(&description).iter().map(ToString::to_string).collect();
    if description.name != *name || description.table != plan.names.table {
        wrong.push("the description is another snapshot's".into());
    }
    let mut wanted = planned(&plan.export.listed);
    wanted.extend(added.iter().map(|file| path_of([&file.table, &file.region, &file.family, &file.name])));
    let reached = reached(&decoded);
    wrong.extend(wanted.difference(&reached).take(5).map(|path| format!("it does not lead to {path}")));
    wrong.extend(reached.difference(&wanted).take(5).map(|path| format!("it leads to {path}")));
    if wrong.is_empty() {
        return Ok(());
    }
    let problem = |what| Problem::new(ProblemKind::Structure, format!("{SNAPSHOTS}/{name}"), what);
    let problems: Problems = wrong.into_iter().map(problem).collect();
    let failure = Failure::failed("proving the manifest", name, "it is not that of the restored table")
        .hint("nothing was published; this is a fault of Tidegate: please report it");
    Err(Stopped { failure, problems })
}

fn path_of(parts: [&str; 4]) -> String {
    parts.join("/")
}

fn planned(listed: &ListedFiles) -> BTreeSet<String> {
    let path = |file: &steps::ListedFile| {
        let dir = listed.directories.get(file.directory as usize)?;
        Some(path_of([dir.table.full_form(), dir.region.as_str(), dir.family.as_str(), file.name.as_str()]))
    };
    listed.files.iter().filter_map(path).collect()
}

fn reached(manifest: &SnapshotManifest) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for region in &manifest.regions {
        for (family, file) in region.files() {
            let to = resolve(&manifest.schema.table, region, family, file);
            paths.insert(path_of([
                to.directory.table.full_form(),
                to.directory.region.as_str(),
                to.directory.family.as_str(),
                to.file.as_str(),
            ]));
        }
    }
    paths
}
