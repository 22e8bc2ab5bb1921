use serde::Serialize;
use std::fmt;

/// How a run that could not continue ended; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Something did not work (exit code 1).
    Failed,
    /// The request makes no sense (exit code 2).
    Usage,
    /// It would overwrite or endanger something (exit code 4).
    Refused,
    /// It was stopped from outside and can be resumed (exit code 130).
    Interrupted,
}

/// Why a run ended: what was being done, to what, what is wrong, and what to do about it.
///
/// Shown as `doing: subject: wrong`, and the hint on a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: FailureKind,
    /// What was being done: "reading the snapshot's manifest".
    pub doing: String,
    /// What it was done to: a path or URI, with the offset or region where there is one.
    pub subject: String,
    /// What is wrong.
    pub wrong: String,
    /// What the operator can do.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of the given kind.
    pub fn new(
        kind: FailureKind,
        doing: impl Into<String>,
        subject: impl fmt::Display,
        wrong: impl fmt::Display,
    ) -> Self {
        Self { kind, doing: doing.into(), subject: subject.to_string(), wrong: wrong.to_string(), hint: None }
    }

    /// Something did not work.
    pub fn failed(doing: impl Into<String>, subject: impl fmt::Display, wrong: impl fmt::Display) -> Self {
        Self::new(FailureKind::Failed, doing, subject, wrong)
    }

    /// It would overwrite or endanger something.
    pub fn refused(doing: impl Into<String>, subject: impl fmt::Display, wrong: impl fmt::Display) -> Self {
        Self::new(FailureKind::Refused, doing, subject, wrong)
    }

    /// The request makes no sense.
    pub fn usage(wrong: impl fmt::Display) -> Self {
        Self::new(FailureKind::Usage, "", "", wrong)
    }

    /// It was stopped from outside.
    pub fn interrupted() -> Self {
        Self::new(FailureKind::Interrupted, "", "", "interrupted")
            .hint("run the same command again: it resumes where it stopped")
    }

    /// The same failure with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The exit code of a run that ended like this.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            FailureKind::Failed => 1,
            FailureKind::Usage => 2,
            FailureKind::Refused => 4,
            FailureKind::Interrupted => 130,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.doing, &self.subject] {
            if !part.is_empty() {
                write!(f, "{part}: ")?;
            }
        }
        write!(f, "{}", self.wrong)?;
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_to_what_and_what_to_do() {
        let failure =
            Failure::failed("reading the manifest", "/r/data.manifest", "cut short").hint("export it again");
        assert_eq!(
            failure.to_string(),
            "reading the manifest: /r/data.manifest: cut short\nhint: export it again"
        );
        assert_eq!(failure.exit_code(), 1);
        assert_eq!(Failure::usage("no --from").to_string(), "no --from");
    }
}
