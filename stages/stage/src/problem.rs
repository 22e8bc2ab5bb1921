use serde::{Deserialize, Serialize};
use std::fmt;

/// What sort of damage was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// A file that should exist does not.
    Missing,
    /// A file has another length than recorded.
    Length,
    /// A checksum or digest does not agree with the bytes.
    Checksum,
    /// Bytes do not have the structure they should have.
    Structure,
    /// Cells are out of order, or their count or last key is not what the file says.
    Cells,
    /// Regions leave a hole in the key space, or overlap.
    Tiling,
    /// A name that HBase would not accept.
    Name,
    /// It could not be read.
    Unreadable,
    /// It is there and seems whole, but this version cannot look inside.
    Unsupported,
    /// It is a file of another kind than the command reads.
    OtherKind,
    /// Something that is not as it should be, but needs no repair now.
    Warning,
}

/// Damage that was found: what, where, what it means and what to do.
///
/// A problem never ends a run by itself; it is part of the report and makes the exit code 3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What sort of damage.
    pub kind: ProblemKind,
    /// The file.
    pub path: String,
    /// Where in the file, in bytes from its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// The encoded name of the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The table, as `ns:name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What is wrong.
    pub what: String,
    /// What it means for the data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub meaning: String,
    /// What the operator can do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
}

impl Problem {
    /// A problem with a file.
    pub fn new(kind: ProblemKind, path: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self {
            kind,
            path: path.to_string(),
            offset: None,
            region: None,
            table: None,
            what: what.to_string(),
            meaning: String::new(),
            hint: String::new(),
        }
    }

    /// Whether something is damaged or missing; otherwise it could not be read, or is only worth knowing.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        !matches!(self.kind, ProblemKind::Unsupported | ProblemKind::OtherKind | ProblemKind::Warning)
    }

    /// The same problem at an offset in the file.
    #[must_use]
    pub fn at(mut self, offset: impl Into<Option<u64>>) -> Self {
        self.offset = offset.into();
        self
    }

    /// The same problem in a region.
    #[must_use]
    pub fn in_region(mut self, region: impl fmt::Display) -> Self {
        self.region = Some(region.to_string());
        self
    }

    /// The same problem in a table.
    #[must_use]
    pub fn in_table(mut self, table: impl fmt::Display) -> Self {
        self.table = Some(table.to_string());
        self
    }

    /// The same problem with what it means for the data.
    #[must_use]
    pub fn meaning(mut self, meaning: impl Into<String>) -> Self {
        self.meaning = meaning.into();
        self
    }

    /// The same problem with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(offset) = self.offset {
            write!(f, " at offset {offset}")?;
        }
        if let Some(region) = &self.region {
            write!(f, " (region {region})")?;
        }
        write!(f, ": {}", self.what)?;
        if !self.meaning.is_empty() {
            write!(f, "; {}", self.meaning)?;
        }
        if !self.hint.is_empty() {
            write!(f, "\n  hint: {}", self.hint)?;
        }
        Ok(())
    }
}

/// Problems in the order they were found: all are counted, the first [`Problems::KEPT`] are kept whole, so that a
/// root with a million missing files still fits in memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problems {
    /// How many there are.
    #[serde(rename = "problem_count")]
    count: u64,
    /// The first of them.
    #[serde(rename = "problems")]
    kept: Vec<Problem>,
}

impl Problems {
    /// How many are kept whole.
    pub const KEPT: usize = 10_000;

    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        self.count += 1;
        if self.kept.len() < Self::KEPT {
            self.kept.push(problem);
        }
    }

    /// How many there are, kept or not.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Those that were kept.
    pub fn kept(&self) -> &[Problem] {
        &self.kept
    }

    /// Adds all of another's.
    pub fn append(&mut self, other: Problems) {
        let unkept = other.count - other.kept.len() as u64;
        for problem in other.kept {
            self.push(problem);
        }
        self.count += unkept;
    }
}

impl Extend<Problem> for Problems {
    fn extend<T: IntoIterator<Item = Problem>>(&mut self, iter: T) {
        iter.into_iter().for_each(|problem| self.push(problem));
    }
}

impl FromIterator<Problem> for Problems {
    fn from_iter<T: IntoIterator<Item = Problem>>(iter: T) -> Self {
        let mut problems = Self::default();
        problems.extend(iter);
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_counted_though_not_every_one_is_kept() {
        let one = Problem::new(ProblemKind::Missing, "/f", "gone");
        let mut problems: Problems = std::iter::repeat_n(one.clone(), Problems::KEPT + 5).collect();
        problems.append(problems.clone());
        assert_eq!(problems.count(), 2 * (Problems::KEPT as u64 + 5));
        assert_eq!(problems.kept().len(), Problems::KEPT);
    }

    #[test]
    fn a_problem_shows_its_place_and_what_to_do() {
        let problem = Problem::new(ProblemKind::Checksum, "/f", "checksum of chunk 2 differs")
            .at(33)
            .in_region("abc")
            .meaning("the block cannot be trusted")
            .hint("copy the file again");
        assert_eq!(
            problem.to_string(),
            "/f at offset 33 (region abc): checksum of chunk 2 differs; the block cannot be trusted\n  hint: copy the file again"
        );
    }
}
