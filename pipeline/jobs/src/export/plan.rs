//! What an export will do: a value, made without reading a byte of an HFile.

use super::ExportOptions;
use catalog::CatalogError;
use cuts::Debts;
use delivery::{DeliveryPlan, Documents, SnapshotFiles, Wording};
use formats::snapshot::{DescriptionRewrite, rewrite_description};
use names::SnapshotName;
use runtime::{Context, Run};
use stage::{Failure, FailureKind, Problem, ProblemKind, Problems, Stopped};
use std::borrow::Cow;
use steps::copy::read_cluster_id;
use store::Store;

const EXPORTING: Wording = Wording {
    doing: Cow::Borrowed("exporting"),
    other_name: Cow::Borrowed(
        "give --target for another name, or --overwrite to replace it once the new one is proved",
    ),
};

/// An export, worked out.
pub struct ExportPlan {
    /// What is copied and published.
    pub delivery: DeliveryPlan,
    /// How many regions of the snapshot hold rows.
    pub regions: usize,
    /// What is not wrong but should be known.
    pub warnings: Vec<String>,
}

impl ExportPlan {
    /// Makes the plan. A snapshot that is unfit to be exported stops here.
    pub fn make(
        options: &ExportOptions,
        source: &dyn Store,
        context: &Context,
        run: &Run,
    ) -> Result<Self, Stopped> {
        let name = |text: &str| SnapshotName::parse(text).map_err(Failure::usage);
        let snapshot = name(&options.snapshot)?;
        let target = name(options.target.as_deref().unwrap_or(&options.snapshot))?;
        let mut files = SnapshotFiles::read(source, &snapshot, run)?;
        refuse_expired(&files, options, context)?;
        let accepted = judge(&files, options.accept_holes, source)?;
        let rewrite = DescriptionRewrite {
            name: (target != snapshot).then(|| target.clone()),
            table: None,
            reset_ttl: options.reset_ttl,
        };
        let description = rewrite_description(&files.snapshot.description_bytes, &rewrite)
            .map_err(|error| Failure::failed("renaming the snapshot", &options.snapshot, error))?;
        let manifest = std::mem::take(&mut files.snapshot.manifest_bytes);
        let mut warnings = files.snapshot.schema.refused_by_hbase_2();
        let unread = |error: CatalogError| error.failed("reading the source's images");
        let images = catalog::list_images(source).map_err(unread)?;
        let cut = catalog::cut_of_snapshot(&images, snapshot.as_str(), &manifest).cloned();
        warnings.extend(unproved(&Debts::of(cut.as_ref())));
        let documents = Documents { target, description, manifest };
        let (cluster, regions) = (read_cluster_id(source)?, files.row_regions());
        let plan = DeliveryPlan::new(EXPORTING, files, documents, cluster, options.aim()).named(b"export");
        Ok(Self { delivery: DeliveryPlan { accepted, cut, ..plan }, regions, warnings })
    }
}

/// A restored snapshot takes with it what was not proved about its cut.
fn unproved(debts: &Debts) -> Option<String> {
    let Debts { accepted_gaps, unproved } = debts;
    let first = unproved.iter().chain(accepted_gaps).next()?;
    let all = unproved.len() + accepted_gaps.len();
    Some(format!(
        "the snapshot was restored at a cut of which {all} things were not proved or were accepted, the first: {first}; its image \
         keeps them, and cuts on top of it tell"
    ))
}

fn refuse_expired(files: &SnapshotFiles, options: &ExportOptions, context: &Context) -> Result<(), Failure> {
    let description = &files.snapshot.description;
    if !description.is_expired(context.now_ms) {
        return Ok(());
    }
    let at =
        description.expires_at().map_or_else(String::new, |ms| format!(" (at {})", catalog::time::shown(ms)));
    Err(Failure::refused("exporting", &options.snapshot, format!("the snapshot has expired{at}"))
        .hint("HBase refuses to clone it and may delete it at any moment; take a new snapshot"))
}

/// Stops at what makes a snapshot unfit; returns what is accepted.
pub(crate) fn judge(
    files: &SnapshotFiles,
    accept_holes: bool,
    source: &dyn Store,
) -> Result<Problems, Stopped> {
    let place = format!("snapshot {} of {}", files.snapshot.description.name, source.uri());
    let (tiling, broken): (Vec<Problem>, Vec<Problem>) =
        files.faults.iter().cloned().partition(|problem| problem.kind == ProblemKind::Tiling);
    let stop = |kind, wrong: String, hint: &str, problems: Problems| {
        let failure = Failure::new(kind, "looking at the snapshot", &place, wrong).hint(hint);
        Err(Stopped { failure, problems })
    };
    if !broken.is_empty() {
        let hint = "HBase could not clone it: take the snapshot again";
        let wrong = "the manifest contradicts itself".to_owned();
        return stop(FailureKind::Failed, wrong, hint, broken.into_iter().collect());
    }
    if !tiling.is_empty() && !accept_holes {
        let hint = "repair the table (hbck2) and take the snapshot again, or give --accept-holes to export it as it is";
        let wrong = "the regions leave holes or overlap: a clone would be broken".to_owned();
        return stop(FailureKind::Refused, wrong, hint, tiling.into_iter().collect());
    }
    if !files.missing.is_empty() {
        let wrong = format!(
            "{} of {} files are missing, unreadable or have another length",
            files.missing.count(),
            files.listed.files.len()
        );
        let unread = files.missing.kept().iter().all(|problem| problem.kind == ProblemKind::Unreadable);
        let hint = match unread {
            true => "nothing was written; fix what the problems say, and run the same command again",
            false => "nothing was written; bring the files back into `archive`, or take a new snapshot",
        };
        return stop(FailureKind::Failed, wrong, hint, files.missing.clone());
    }
    Ok(tiling.into_iter().collect())
}
