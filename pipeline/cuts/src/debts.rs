//! What the cut at which a snapshot was restored left open: gaps that were accepted, and what was not proved. It stays
//! with the table, whatever is restored on top of the snapshot, or exported from it.

use crate::accepted::{Accepted, NamedGap};
use catalog::ImageCut;
use history::{Certificate, Gap, GapClass};
use stage::{Problem, ProblemKind};

/// The most lines that are kept.
const MOST: usize = 100;

/// What is not proved about snapshots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Debts {
    /// Gaps that were accepted, as they were named.
    pub accepted_gaps: Vec<String>,
    /// What else may be missing.
    pub unproved: Vec<String>,
}

impl Debts {
    /// Those of a snapshot, by the cut that its image records.
    #[must_use]
    pub fn of(cut: Option<&ImageCut>) -> Self {
        let Some(cut) = cut else { return Self::default() };
        let mut unproved = cut.unproved.clone();
        if !cut.proved && unproved.is_empty() && cut.accepted_gaps.is_empty() {
            unproved.push(format!("the cut {} was not proved complete", cut.until));
        }
        Self { accepted_gaps: cut.accepted_gaps.clone(), unproved }
    }

    /// What a cut itself leaves unproved.
    pub(crate) fn of_certificate(certificate: &Certificate, accepted: &Accepted) -> Self {
        let found = &certificate.completeness;
        let bad =
            found.gaps.iter().filter(|gap| matches!(gap.class, GapClass::Ambiguous | GapClass::Missing));
        let (named, open): (Vec<&Gap>, Vec<&Gap>) = bad.partition(|gap| accepted.has(gap));
        let mut unproved: Vec<String> =
            open.iter().map(|gap| format!("{} is {}", NamedGap::from(*gap), gap.class)).collect();
        unproved.extend(found.findings.iter().map(ToString::to_string));
        let accepted_gaps = named.into_iter().map(|gap| NamedGap::from(gap).to_string()).collect();
        Self { accepted_gaps, unproved }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accepted_gaps.is_empty() && self.unproved.is_empty()
    }

    /// Adds those of another one.
    pub fn add(&mut self, other: &Self) {
        for (all, more) in
            [(&mut self.accepted_gaps, &other.accepted_gaps), (&mut self.unproved, &other.unproved)]
        {
            let fresh: Vec<String> = more.iter().filter(|one| !all.contains(one)).cloned().collect();
            all.extend(fresh);
        }
        let left = self.unproved.len().saturating_sub(MOST);
        if left > 0 {
            self.unproved.truncate(MOST);
            self.unproved.push(format!("{left} more"));
        }
    }

    /// A problem for each, in a cut on top of the snapshot: what was lost before is lost to this cut, too. Whoever
    /// names an accepted gap again knows that.
    #[must_use]
    pub fn problems(&self, snapshot: &str, table: &str, accepted: &Accepted) -> Vec<Problem> {
        let again = |gap: &&String| gap.parse().is_ok_and(|gap: NamedGap| accepted.covers(&gap));
        let problem = |what: String| {
            Problem::new(ProblemKind::Missing, snapshot, what)
                .in_table(table)
                .meaning("if entries were lost there, they are lost to this cut, too")
        };
        let gaps = self.accepted_gaps.iter().filter(|gap| !again(gap)).map(|gap| {
            problem(format!("the snapshot was restored with the gap {gap} accepted"))
                .hint("start from the snapshot before, or name the gap with --accept-gaps again")
        });
        let others = self.unproved.iter().map(|what| {
            problem(format!("the snapshot was restored at a cut that was not proved complete: {what}")).hint(
                "start from the snapshot before; or bring the missing WALs back, convert, and restore again",
            )
        });
        gaps.chain(others).collect()
    }
}
