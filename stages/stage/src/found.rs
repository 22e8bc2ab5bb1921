use crate::{Failure, Problem, Problems};

/// A value; or why there is none, which is damage or the end of the run.
pub type Found<T> = Result<T, Obstacle>;

/// Why a value was not found. `?` makes it of damage and of a failure alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// It is damaged: the run goes on without it and reports that.
    Damage(Problem),
    /// The run is over.
    Failure(Failure),
}

impl Obstacle {
    /// The same, with what else is known of the damage.
    #[must_use]
    pub fn placed(self, place: impl FnOnce(Problem) -> Problem) -> Self {
        match self {
            Self::Damage(problem) => Self::Damage(place(problem)),
            failure => failure,
        }
    }
}

impl From<Problem> for Obstacle {
    fn from(problem: Problem) -> Self {
        Self::Damage(problem)
    }
}

impl From<Failure> for Obstacle {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl Problems {
    /// Keeps what is damaged, so that the run goes on without it: `None` then.
    ///
    /// # Errors
    /// The run is over.
    pub fn keep<T>(&mut self, found: Found<T>) -> Result<Option<T>, Failure> {
        match found {
            Ok(value) => Ok(Some(value)),
            Err(Obstacle::Damage(problem)) => {
                self.push(problem);
                Ok(None)
            }
            Err(Obstacle::Failure(failure)) => Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProblemKind;

    fn found(at: u32) -> Found<u32> {
        match at {
            0 => Ok(7),
            1 => Err(Problem::new(ProblemKind::Missing, "/f", "gone"))?,
            _ => Err(Failure::interrupted())?,
        }
    }

    #[test]
    fn a_run_goes_on_behind_damage_and_no_further_than_a_failure() {
        let mut problems = Problems::default();
        assert_eq!(problems.keep(found(0)), Ok(Some(7)));
        let in_table = |problem: Problem| problem.in_table("t");
        assert_eq!(problems.keep(found(1).map_err(|obstacle| obstacle.placed(in_table))), Ok(None));
        assert_eq!(problems.kept()[0].table.as_deref(), Some("t"));
        assert_eq!(
            problems.keep(found(2).map_err(|obstacle| obstacle.placed(in_table))),
            Err(Failure::interrupted())
        );
        assert_eq!(problems.count(), 1);
    }
}
