use crate::{Failure, Problems};
use serde::Serialize;

/// How a run that reached its end came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything was done and is as it should be.
    Done,
    /// Everything was done, and damage was found.
    Damage,
}

/// What a job reports at its end: its own figures, and every problem that was found.
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

    /// The report of a run that came to its end, or what it had found when it stopped.
    pub fn ended(
        command: &'static str,
        result: Result<T, impl Into<Stopped>>,
        problems: Problems,
    ) -> Result<Self, Stopped> {
        match result {
            Ok(result) => Ok(Self::new(command, result, problems)),
            Err(stopped) => Err(Stopped::after(problems, stopped)),
        }
    }

    /// 0 if all is well, 3 if damage was found.
    pub fn exit_code(&self) -> u8 {
        match self.outcome {
            Outcome::Done => 0,
            Outcome::Damage => 3,
        }
    }
}

/// A run that could not continue, with the damage that it had found until then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Why it ended.
    pub failure: Failure,
    /// What was found.
    pub problems: Problems,
}

impl Stopped {
    /// The same end of a run that had found `earlier` before.
    #[must_use]
    pub fn after(mut earlier: Problems, stopped: impl Into<Self>) -> Self {
        let Self { failure, problems } = stopped.into();
        earlier.append(problems);
        Self { failure, problems: earlier }
    }
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Self { failure, problems: Problems::default() }
    }
}
