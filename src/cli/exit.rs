use std::process::ExitCode;

use serde::Serialize;

use pdm_core::codes::Code;

/// How the command ended; a CI job reads the number.
///
/// Two is also what the argument parser answers to a wrong flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed while working; the message says what to do.
    Failed = 1,
    /// Wrong arguments, or a pipeline file with problems.
    Usage = 2,
    /// Something would run; only with `plan --exit-code`.
    ChangesPending = 3,
    /// The data did not meet its expectations.
    DataInvalid = 10,
    /// A model learnt from units it is judged on.
    Leak = 11,
    /// A gate said no.
    GateRefused = 20,
    /// A gate could not tell: the interval spans the limit.
    GateUndecided = 21,
    /// Somebody else must approve the promotion first.
    Unapproved = 22,
    /// The data differ from those the champion learnt from.
    Drift = 30,
    /// Too few new units to tell whether the data differ.
    TooLittleData = 31,
    /// A prediction meets the condition of `predict --alarm`.
    Alarm = 32,
    /// A digest is wrong: a bundle or the registry was changed.
    IntegrityBroken = 40,
    /// The promotion lost its race against another for good.
    PromotionLost = 41,
    /// Bytes of the data or of a result are not those of the lock.
    NotReproduced = 42,
    /// A stage would need, or needed, more than its memory or time budget.
    BudgetExceeded = 50,
    /// A server is not reachable; try again.
    Unavailable = 75,
    /// Interrupted by SIGINT.
    Interrupted = 130,
    /// Terminated by SIGTERM.
    Terminated = 143,
}

impl Exit {
    /// All exits with their meanings, for the help.
    pub(super) const TABLE: [(Self, &'static str); 19] = [
        (Self::Done, "done"),
        (Self::Failed, "failed; the message says what to do"),
        (
            Self::Usage,
            "wrong arguments, or a pipeline file with problems",
        ),
        (
            Self::ChangesPending,
            "something would run (only with `plan --exit-code`)",
        ),
        (Self::DataInvalid, "the data did not meet its expectations"),
        (Self::Leak, "a model learnt from units it is judged on"),
        (Self::GateRefused, "a gate said no"),
        (
            Self::GateUndecided,
            "a gate could not tell: the interval spans the limit",
        ),
        (
            Self::Unapproved,
            "somebody else must approve the promotion first",
        ),
        (
            Self::Drift,
            "the data differ from those the champion learnt from (only `drift`)",
        ),
        (
            Self::TooLittleData,
            "too few new units to say whether they differ (only `drift`)",
        ),
        (
            Self::Alarm,
            "a prediction meets the condition of an alarm (only `predict --alarm`)",
        ),
        (
            Self::IntegrityBroken,
            "a digest is wrong: a bundle or the registry was changed",
        ),
        (
            Self::PromotionLost,
            "the promotion lost its race against another for good",
        ),
        (
            Self::NotReproduced,
            "not reproduced: data or a result differ from the lock",
        ),
        (
            Self::BudgetExceeded,
            "a stage would need, or needed, more than its memory or time budget",
        ),
        (Self::Unavailable, "a server is not reachable; try again"),
        (Self::Interrupted, "interrupted (SIGINT)"),
        (Self::Terminated, "terminated (SIGTERM)"),
    ];
}

impl Exit {
    /// Returns the exit with a number of the table; any other is a failure.
    pub(super) fn of_number(number: u8) -> Self {
        let exit = Self::TABLE
            .into_iter()
            .find(|(exit, _)| *exit as u8 == number);
        exit.map_or(Self::Failed, |(exit, _)| exit)
    }
}

impl From<Code> for Exit {
    fn from(code: Code) -> Self {
        Self::of_number(code.exit())
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_ends_with_an_exit_code_of_the_table() {
        for code in Code::ALL {
            assert_eq!(Exit::from(*code) as u8, code.exit(), "{code}");
        }
    }
}
