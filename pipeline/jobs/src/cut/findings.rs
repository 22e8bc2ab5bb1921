//! What a certificate finds wrong, as problems; and a cut that cannot be made, as a refusal that says what would do.

use crate::time;
use history::{Certificate, Cut, Finding, Gap, GapClass, Refusal};
use stage::{Failure, Problem, ProblemKind};
use std::collections::BTreeSet;
use store::Store;

/// The problems of a cut. Files of which something was told already are left out; `lines` are those of the declared
/// dependencies.
pub fn problems_of(
    certificate: &Certificate,
    accept_gaps: bool,
    told: &BTreeSet<String>,
    lines: &[usize],
) -> Vec<Problem> {
    let found = &certificate.completeness;
    let gaps = found.gaps.iter().filter_map(|gap| gap_problem(gap, accept_gaps));
    let findings = found.findings.iter().filter(|finding| !is_told(finding, told)).map(finding_problem);
    let cut = &certificate.cut;
    let beyond = cut.beyond.iter().filter(|_| !accept_gaps).map(|beyond| {
        let what = format!("sequence id {} is asked for; the last that is known is {}", beyond.asked, beyond.known);
        Problem::new(ProblemKind::Missing, "cut", what)
            .in_region(beyond.region)
            .meaning("SKIP_WAL writes or the flush of an empty memstore took the ids between, or entries are missing")
            .hint("run convert, if the WALs are still there; --accept-gaps takes it as it is")
    });
    let in_files = certificate.declared.in_files.iter().map(|number| {
        let what = format!(
            "line {}: the effect is in the snapshot's files, and its cause is not in the cut",
            lines.get(*number).copied().unwrap_or_default()
        );
        Problem::new(ProblemKind::Cells, "dependencies", what)
            .meaning("files cannot be rolled back: this effect is there without its cause")
            .hint("take a later cut, or an older snapshot")
    });
    gaps.chain(findings).chain(unplaced(cut)).chain(beyond).chain(in_files).collect()
}

/// WALs that a marker does not place.
pub fn unplaced(cut: &Cut) -> impl Iterator<Item = Problem> {
    cut.unplaced.iter().map(|unplaced| {
        Problem::new(ProblemKind::Missing, "marker", unplaced)
            .meaning("these WALs are out of the cut, though they may belong into it")
            .hint("take the marker again while every server is up, or cut by time")
    })
}

fn gap_problem(gap: &Gap, accept_gaps: bool) -> Option<Problem> {
    let (meaning, hint) = match gap.class {
        GapClass::Explained | GapClass::Unlogged => return None,
        GapClass::Ambiguous if accept_gaps => return None,
        GapClass::Ambiguous => (
            "nothing was lost if SKIP_WAL writes or the flush of an empty memstore took the ids; nothing proves it",
            "run convert, if older WALs are still there; --accept-gaps takes it as it is",
        ),
        GapClass::Missing => (
            "entries were written that are in no WAL here",
            "run convert, if the WALs are still there; else take a snapshot that is newer than they are",
        ),
    };
    let problem = Problem::new(ProblemKind::Missing, "cut", gap).in_region(gap.region);
    Some(problem.meaning(meaning).hint(hint))
}

fn is_told(finding: &Finding, told: &BTreeSet<String>) -> bool {
    matches!(finding, Finding::DamagedFile { path } if told.contains(path))
}

fn finding_problem(finding: &Finding) -> Problem {
    let (kind, path) = match finding {
        Finding::TornBeforeSuccessor { path } | Finding::DamagedFile { path } => {
            (ProblemKind::Structure, path.as_str())
        }
        Finding::UnsealedBeforeSuccessor { path } => (ProblemKind::Missing, path.as_str()),
        Finding::ForeignServer { path, .. } => (ProblemKind::Name, path.as_str()),
        Finding::MissingBulkFile { file, .. } => (ProblemKind::Missing, file.as_str()),
        Finding::UnseenChild { .. } => (ProblemKind::Missing, "cut"),
        Finding::StoreList(_) | Finding::Contradiction { .. } => (ProblemKind::Structure, "cut"),
        Finding::Conflict { paths: [one, _], .. } => (ProblemKind::Cells, one.as_str()),
    };
    let problem = Problem::new(kind, path, finding);
    match finding {
        Finding::TornBeforeSuccessor { .. } | Finding::UnsealedBeforeSuccessor { .. } => {
            problem.hint("run convert again, if the WAL is still there")
        }
        Finding::DamagedFile { .. } => problem.hint("tidegate wal salvage says what can be had of it"),
        Finding::MissingBulkFile { region, .. } | Finding::UnseenChild { region, .. } => {
            problem.in_region(region).hint("take a snapshot that is newer")
        }
        _ => problem,
    }
}

/// Why a cut cannot be made, and what to ask for instead.
pub fn refused(refusal: &Refusal, store: &dyn Store) -> Failure {
    let failure = Failure::refused("making the cut", store.uri(), refusal);
    let at = |ms: i64| format!("--until time:{ms} ({})", time::shown(ms));
    match refusal {
        Refusal::BelowStart { earliest, .. } => match earliest.time_ms {
            Some(ms) => failure
                .hint(format!("the earliest cut that would do is {}; or take an older snapshot", at(ms))),
            None => failure.hint("take an older snapshot"),
        },
        Refusal::BeyondFrontier { reachable_ms, group, .. } => match group {
            Some(_) => failure.hint(format!(
                "it can go as far as {}, or to --until end; run convert again to get further",
                at(*reachable_ms)
            )),
            None => failure.hint("run convert first"),
        },
        Refusal::Replaced(_) => {
            failure.hint("take a cut in front of that, or a snapshot that was taken behind it")
        }
    }
}
