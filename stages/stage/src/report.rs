use crate::{Failure, Problems};
use serde::Serialize;

/// How a run ended that came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything was done and is as it should be.
    Done,
    /// Everything was done, and damage was found.
    Damage,
}

/// What a job says at its end: its own figures, and every problem that was found.
#[derive(Debug, Clone, Serialize)]
pub struct Report<T> {
    /// The command, as typed: `export`, `hfile verify`.
    pub command: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// The job's own figures.
    #[serde(flatten)]
    pub result: T,
    /// What was found.
    #[serde(flatten)]
    pub problems: Problems,
}

impl<T> Report<T> {
    /// A report; its outcome follows from the problems.
    pub fn new(command: &'static str, result: T, problems: Problems) -> Self {
        let outcome = if problems.is_empty() { Outcome::Done } else { Outcome::Damage };
        Self { command, outcome, result, problems }
    }

    /// 0 if all is well, 3 if damage was found.
    pub fn exit_code(&self) -> u8 {
        match self.outcome {
            Outcome::Done => 0,
            Outcome::Damage => 3,
        }
    }
}

/// A run that could not go on, with the damage it had found until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Why it ended.
    pub failure: Failure,
    /// What was found.
    pub problems: Problems,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self { failure, problems: Problems::default() }
    }
}
