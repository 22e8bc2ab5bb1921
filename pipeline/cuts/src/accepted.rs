//! Gaps in which the operator knows that nothing was lost, by name.

use crate::until::{read_file, unusable};
use history::{Beyond, Cut, Gap, GapClass};
use names::EncodedRegionName;
use stage::{Failure, Problem, ProblemKind};
use std::str::FromStr;

/// What `--accept-gaps` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AcceptGaps {
    /// `REGION:FROM-TO[,...]`.
    Named(Vec<NamedGap>),
    /// A file: the report of `tidegate cut` as JSON, whose ambiguous gaps are meant.
    File(String),
}

/// Sequence ids of a region, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedGap {
    /// The region.
    pub region: EncodedRegionName,
    /// The first id.
    pub first: u64,
    /// The last id.
    pub last: u64,
}

impl NamedGap {
    /// The name of ids that a cut asks for and that are not known.
    pub fn beyond(beyond: &Beyond) -> Self {
        Self { region: beyond.region, first: beyond.known + 1, last: beyond.asked }
    }

    fn touches(&self, other: &Self) -> bool {
        self.region == other.region && self.first <= other.last && other.first <= self.last
    }
}

impl From<&Gap> for NamedGap {
    fn from(gap: &Gap) -> Self {
        Self { region: gap.region, first: gap.ids.first, last: gap.ids.last }
    }
}

impl FromStr for AcceptGaps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains('/') || text.ends_with(".json") {
            return Ok(Self::File(text.to_owned()));
        }
        let named = text.split(',').map(str::parse).collect::<Result<_, String>>()?;
        Ok(Self::Named(named))
    }
}

impl FromStr for NamedGap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} does not name a gap: give REGION:FROM-TO (the region's encoded name and the ids as `tidegate cut` prints \
                 them), several with commas between, or a file (a path with a /, or a name that ends in .json)"
            )
        };
        let (region, ids) = text.trim().split_once(':').ok_or_else(wrong)?;
        let (first, last) = ids.split_once('-').unwrap_or((ids, ids));
        let region = EncodedRegionName::parse(region).map_err(|_| wrong())?;
        let (first, last) = (first.parse().map_err(|_| wrong())?, last.parse().map_err(|_| wrong())?);
        if first == 0 || first > last { Err(wrong()) } else { Ok(Self { region, first, last }) }
    }
}

impl std::fmt::Display for NamedGap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}-{}", self.region, self.first, self.last)
    }
}

/// The gaps that are accepted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    named: Vec<NamedGap>,
    /// Those that were accepted when the bases were restored: they may be named, though the cut does not have them.
    of_bases: Vec<NamedGap>,
}

impl Accepted {
    /// Takes what was typed. `until` is the requested cut: the report of another one is refused.
    pub fn read(typed: Option<&AcceptGaps>, until: &str, bases: &[String]) -> Result<Self, Failure> {
        match typed {
            None => Ok(Self::default()),
            Some(AcceptGaps::Named(named)) => Ok(Self { named: named.clone(), of_bases: Vec::new() }),
            Some(AcceptGaps::File(file)) => {
                Ok(Self { named: of_report(file, until, bases)?, of_bases: Vec::new() })
            }
        }
    }

    /// The same, knowing what was accepted when the bases were restored.
    pub fn on(self, of_bases: Vec<NamedGap>) -> Self {
        Self { of_bases, ..self }
    }

    /// Whether a whole gap was named.
    pub fn has(&self, gap: &Gap) -> bool {
        gap.class == GapClass::Ambiguous && self.covers(&gap.into())
    }

    /// Whether ids that were asked for and are not known were named.
    pub fn has_beyond(&self, beyond: &Beyond) -> bool {
        self.covers(&NamedGap::beyond(beyond))
    }

    /// Whether exactly this gap was named: a wider range might include what is lost later.
    pub fn covers(&self, gap: &NamedGap) -> bool {
        self.named.contains(gap)
    }

    /// Named gaps that the cut does not have, or in which entries are known to be missing: each is a problem, since
    /// whoever accepts what is not there may mean another cut.
    pub fn not_there<'a>(&'a self, gaps: &'a [Gap], cut: &'a Cut) -> impl Iterator<Item = Problem> + 'a {
        let is_used = |named: &NamedGap| {
            let gap = |gap: &Gap| gap.class != GapClass::Missing && *named == gap.into();
            let beyond = |of: &Beyond| *named == NamedGap::beyond(of);
            gaps.iter().any(gap) || cut.beyond.iter().any(beyond) || self.of_bases.contains(named)
        };
        self.named.iter().filter(move |named| !is_used(named)).map(move |named| not_there(named, gaps))
    }
}

fn not_there(named: &NamedGap, gaps: &[Gap]) -> Problem {
    let missing = gaps.iter().any(|gap| gap.class == GapClass::Missing && named.touches(&gap.into()));
    let (what, hint) = match missing {
        true => (
            "is known to have lost entries: that cannot be accepted",
            "bring the missing WAL back, and convert again",
        ),
        false => (
            "is not a gap of this cut",
            "`tidegate cut` lists the gaps; name them as it prints them, and leave this one out",
        ),
    };
    Problem::new(ProblemKind::Warning, "--accept-gaps", format!("{named} {what}"))
        .in_region(named.region)
        .meaning("it was not accepted")
        .hint(hint)
}

fn of_report(file: &str, until: &str, bases: &[String]) -> Result<Vec<NamedGap>, Failure> {
    let bytes = read_file("reading the accepted gaps", file)?;
    let report = catalog::decode_gaps(file, &bytes).map_err(|error| unusable("accepted gaps", error))?;
    if report.until != until || report.snapshots() != bases {
        let wrong = format!(
            "it is the report of another cut: of {} at {}, and this is of {} at {until}",
            report.snapshots().join(", "),
            report.until,
            bases.join(", ")
        );
        return Err(Failure::refused("reading the accepted gaps", file, wrong)
            .hint("run `tidegate cut --output json` for this cut, and look at its gaps"));
    }
    let gap = |gap: &catalog::GapDocument| {
        let region = EncodedRegionName::parse(&gap.region)
            .map_err(|error| Failure::failed("reading the accepted gaps", file, error.what))?;
        Ok(NamedGap { region, first: gap.first, last: gap.last })
    };
    let ambiguous = report.completeness.gaps.iter().filter(|gap| gap.class == "ambiguous");
    let named = ambiguous.map(gap).collect::<Result<Vec<_>, Failure>>()?;
    match named.is_empty() {
        false => Ok(named),
        true => Err(Failure::refused("reading the accepted gaps", file, "it has no ambiguous gap")
            .hint("leave --accept-gaps out: there is nothing to accept")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_named_by_region_and_ids() {
        let region = "0123456789abcdef0123456789abcdef";
        let named: AcceptGaps = format!("{region}:4-5,{region}:9").parse().unwrap();
        let AcceptGaps::Named(named) = named else { panic!("{named:?}") };
        assert_eq!(named.iter().map(|gap| (gap.first, gap.last)).collect::<Vec<_>>(), [(4, 5), (9, 9)]);
        assert_eq!("cut.json".parse(), Ok(AcceptGaps::File("cut.json".to_owned())));
        for bad in
            ["", "4-5", "x:4-5", &format!("{region}:"), &format!("{region}:5-4"), &format!("{region}:0-4")]
        {
            assert!(bad.parse::<AcceptGaps>().is_err(), "{bad:?}");
        }
    }
}
