//! What a certificate finds wrong, as problems; and a cut that cannot be made, as a refusal that says which cut can.

use crate::OpenedBase;
use crate::accepted::{Accepted, NamedGap};
use catalog::time;
use history::{Certificate, Cut, Finding, Gap, GapClass, Refusal};
use names::EncodedRegionName;
use stage::{Failure, Problem, ProblemKind};
use std::collections::BTreeSet;
use store::Store;

/// The problems of a cut. Files about which something was reported already are left out; `lines` are those of the
/// declared dependencies.
pub fn problems_of(
    certificate: &Certificate,
    accepted: &Accepted,
    told: &BTreeSet<String>,
    lines: &[usize],
) -> Vec<Problem> {
    let found = &certificate.completeness;
    let gaps = found.gaps.iter().filter_map(|gap| gap_problem(gap, accepted));
    let findings = found.findings.iter().filter(|finding| !is_told(finding, told)).map(finding_problem);
    let cut = &certificate.cut;
    let beyond = cut.beyond.iter().filter(|beyond| !accepted.has_beyond(beyond)).map(|beyond| {
        let what = format!("sequence id {} was asked for; the last known one is {}", beyond.asked, beyond.known);
        Problem::new(ProblemKind::Missing, "cut", what)
            .in_region(beyond.region)
            .meaning("SKIP_WAL writes or the flush of an empty memstore took the ids between, or entries are missing")
            .hint(format!(
                "run convert, if the WALs are still there; if you know that nothing was lost there: --accept-gaps {}",
                NamedGap::beyond(beyond)
            ))
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
    let not_there = accepted.not_there(&found.gaps, cut);
    gaps.chain(findings).chain(unplaced(cut)).chain(beyond).chain(in_files).chain(not_there).collect()
}

/// WALs that a marker does not place.
pub fn unplaced(cut: &Cut) -> impl Iterator<Item = Problem> {
    cut.unplaced.iter().map(|unplaced| {
        Problem::new(ProblemKind::Missing, "marker", unplaced)
            .meaning("these WALs are out of the cut, though they may belong to it")
            .hint("take the marker again while every server is up, or cut by time")
    })
}

fn gap_problem(gap: &Gap, accepted: &Accepted) -> Option<Problem> {
    let (meaning, hint) = match gap.class {
        GapClass::Explained | GapClass::Unlogged => return None,
        GapClass::Ambiguous if accepted.has(gap) => return None,
        GapClass::Ambiguous => (
            "nothing was lost if SKIP_WAL writes or the flush of an empty memstore took the ids; nothing proves it",
            format!(
                "run convert, if older WALs are still there; if you know that nothing was lost there: --accept-gaps {}",
                NamedGap::from(gap)
            ),
        ),
        GapClass::Missing => (
            "entries were written that are in no WAL here",
            "run convert, if the WALs are still there; otherwise use a snapshot that is newer than they are"
                .to_owned(),
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
        Finding::TornBeforeSuccessor { path }
        | Finding::DamagedFile { path }
        | Finding::CutShort { path, .. }
        | Finding::TornTail { path } => (ProblemKind::Structure, path.as_str()),
        Finding::UnsealedBeforeSuccessor { path }
        | Finding::NewestGone { path }
        | Finding::NeighbourGone { path, .. } => (ProblemKind::Missing, path.as_str()),
        Finding::ForeignServer { path, .. } => (ProblemKind::Name, path.as_str()),
        Finding::MissingBulkFile { file, .. } => (ProblemKind::Missing, file.as_str()),
        Finding::StoreList(_) | Finding::Contradiction { .. } => (ProblemKind::Structure, "cut"),
        Finding::Conflict { paths: [one, _], .. } => (ProblemKind::Cells, one.as_str()),
        Finding::UnknownStart { .. } => (ProblemKind::Unsupported, "cut"),
        Finding::UnseenChild { .. }
        | Finding::UnknownSpan { .. }
        | Finding::UnknownServer { .. }
        | Finding::UnseenOpening { .. }
        | Finding::Nowhere { .. }
        | Finding::ParentUnfinished { .. } => (ProblemKind::Missing, "cut"),
    };
    let mut problem = Problem::new(kind, path, told_with_times(finding));
    if let Some(region) = region_of(finding) {
        problem = problem.in_region(region);
    }
    let (meaning, hint) = advice(finding);
    problem.meaning(meaning).hint(hint)
}

/// What a finding says, with its times for people.
fn told_with_times(finding: &Finding) -> String {
    let text = finding.to_string();
    let mut shown = text.clone();
    let times = match finding {
        Finding::UnknownSpan { from_ms, to_ms, .. } => [*from_ms, Some(*to_ms)],
        Finding::Nowhere { since_ms, .. } => [*since_ms, None],
        Finding::NeighbourGone { closed_ms, .. } => [Some(*closed_ms), None],
        _ => [None, None],
    };
    for ms in times.into_iter().flatten() {
        shown = shown.replace(&format!("{ms} ms"), &format!("{} ({ms} ms)", time::shown(ms)));
    }
    shown
}

fn region_of(finding: &Finding) -> Option<&EncodedRegionName> {
    match finding {
        Finding::MissingBulkFile { region, .. }
        | Finding::UnseenChild { region, .. }
        | Finding::UnknownServer { region, .. }
        | Finding::UnseenOpening { region, .. }
        | Finding::Nowhere { region, .. }
        | Finding::UnknownStart { region, .. }
        | Finding::CutShort { region, .. }
        | Finding::ParentUnfinished { region, .. } => Some(region),
        _ => None,
    }
}

/// What a finding means for the data, and what to do.
fn advice(finding: &Finding) -> (&'static str, &'static str) {
    const MAY_LACK: &str = "edits of that time may be missing";
    const CLEANED: &str = "run convert if the WALs are still there; HBase's log cleaner deletes them after \
                           hbase.master.logcleaner.ttl (10 minutes): convert more often than that, or raise it; else take a \
                           newer snapshot";
    const BRING_BACK: &str = "bring the missing WAL back and run convert again, or take a newer snapshot";
    match finding {
        Finding::TornBeforeSuccessor { .. } | Finding::UnsealedBeforeSuccessor { .. } => {
            ("", "run convert again, if the WAL is still there")
        }
        Finding::DamagedFile { .. } => ("", "tidegate wal salvage says what can be recovered of it"),
        Finding::TornTail { .. } => {
            ("entries after it may be missing", "run convert again on the root where HBase writes")
        }
        Finding::NewestGone { .. } => (MAY_LACK, "run convert again: it reads what the roll opened"),
        Finding::MissingBulkFile { .. } | Finding::UnseenChild { .. } => ("", "take a newer snapshot"),
        Finding::UnknownSpan { .. } | Finding::Nowhere { .. } => (MAY_LACK, CLEANED),
        Finding::UnknownServer { .. } | Finding::UnseenOpening { .. } | Finding::NeighbourGone { .. } => {
            (MAY_LACK, BRING_BACK)
        }
        Finding::CutShort { .. } | Finding::ParentUnfinished { .. } => {
            ("entries were written that are in no WAL here", BRING_BACK)
        }
        Finding::UnknownStart { .. } => (
            "edits that the files already have may be replayed again, and missing ones are not noticed",
            "take a snapshot whose files can be read",
        ),
        Finding::ForeignServer { .. }
        | Finding::StoreList(_)
        | Finding::Conflict { .. }
        | Finding::Contradiction { .. } => ("", ""),
    }
}

/// The most that HBase takes from the beginning of a snapshot to its manifest; a later manifest has been copied.
const COPIED_AFTER_MS: i64 = 3_600_000;

/// Removes an earliest time that is only the time at which a run, or another tool, copied a manifest: it does not say
/// when the snapshot was complete.
pub fn without_clocks_of_runs(mut refusal: Refusal, bases: &[OpenedBase]) -> Refusal {
    let copied = |base: &&OpenedBase| {
        let created = base.files.snapshot.description.creation_time.unwrap_or(i64::MIN);
        let late = base.stores.taken_ms.is_some_and(|taken| taken.saturating_sub(created) > COPIED_AFTER_MS);
        late || base.image.is_some()
    };
    let clocks: BTreeSet<i64> = bases.iter().filter(copied).filter_map(|base| base.stores.taken_ms).collect();
    if let Refusal::BelowStart { earliest, .. } = &mut refusal {
        earliest.time_ms = earliest.time_ms.filter(|ms| !clocks.contains(ms));
    }
    refusal
}

/// Why a cut cannot be made, and what to ask for instead.
pub fn refused(refusal: &Refusal, bases: &[OpenedBase], store: &dyn Store) -> Failure {
    let failure = Failure::refused("making the cut", store.uri(), refusal);
    let at = |ms: i64| format!("--until time:{ms} ({})", time::shown(ms));
    match refusal {
        Refusal::BelowStart { earliest, .. } => match earliest.time_ms {
            Some(ms) => failure
                .hint(format!("the earliest possible cut is {}; or take an older snapshot", at(ms))),
            None => failure.hint(
                "it is not known from which time on a cut is possible: no available WAL has what the files hold, and the time of the \
                 manifest is that of a copy; ask for snapshot or end, or take an older snapshot",
            ),
        },
        Refusal::UnknownStart { taken_ms, .. } => match taken_ms {
            Some(ms) => failure
                .hint(format!("take a cut after the snapshot, from {} on; or an older snapshot", at(*ms))),
            None => failure.hint("take --until end, or an older snapshot"),
        },
        Refusal::BeyondFrontier { reachable_ms, group, .. } => match group {
            Some(_) => failure.hint(format!(
                "the latest cut possible is {}, or --until end; run convert again to get further",
                at(*reachable_ms)
            )),
            None => failure.hint("run convert first"),
        },
        // A restore puts what came of a region back into that region, so what HBase did with it later does not fit the
        // base.
        Refusal::Replaced(_) if bases.iter().any(|base| base.is_restored) => failure.hint(
            "the base was restored by Tidegate: where a region was split or merged before the cut that it was restored at, it cannot \
             be the base of another; start from the snapshot that it was made of",
        ),
        Refusal::Replaced(_) => {
            failure.hint("take a cut before that, or a snapshot that was taken after it")
        }
    }
}
