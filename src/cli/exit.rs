use std::process::ExitCode;

use serde::Serialize;

use pdm_core::codes::Code;

/// How the command ended; a CI job reads the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed; the message says what to do.
    Failed = 1,
    /// Invalid arguments or pipeline file.
    Usage = 2,
    /// Changes pending; only with `--exit-code`.
    ChangesPending = 3,
    /// The data do not meet their expectations.
    DataInvalid = 10,
    /// A model was trained on units that it is judged on.
    Leak = 11,
    /// A gate failed.
    GateRefused = 20,
    /// A gate is undecided: the interval contains the limit.
    GateUndecided = 21,
    /// Another person must approve the promotion first.
    Unapproved = 22,
    /// The data differ from those that the champion was trained on.
    Drift = 30,
    /// Too few new units to test for drift.
    TooLittleData = 31,
    /// A prediction meets an alarm condition of `predict --alarm`.
    Alarm = 32,
    /// A digest does not match: a bundle or the registry is damaged or was changed.
    IntegrityBroken = 40,
    /// Another process changed the registry first.
    PromotionLost = 41,
    /// The data or a result differ from the lock.
    NotReproduced = 42,
    /// A stage would exceed, or exceeded, its memory or time budget.
    BudgetExceeded = 50,
    /// A server or the project is unavailable; try again.
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
        (Self::Usage, "invalid arguments or pipeline file"),
        (
            Self::ChangesPending,
            "changes pending (only with `--exit-code`)",
        ),
        (Self::DataInvalid, "the data do not meet their expectations"),
        (
            Self::Leak,
            "a model was trained on units that it is judged on",
        ),
        (Self::GateRefused, "a gate failed"),
        (
            Self::GateUndecided,
            "a gate is undecided: the interval contains the limit",
        ),
        (
            Self::Unapproved,
            "another person must approve the promotion first",
        ),
        (
            Self::Drift,
            "the data differ from those the champion was trained on (only `drift`)",
        ),
        (
            Self::TooLittleData,
            "too few new units to test for drift (only `drift`)",
        ),
        (
            Self::Alarm,
            "a prediction meets an alarm condition (only `predict --alarm`)",
        ),
        (
            Self::IntegrityBroken,
            "a digest does not match: a bundle or the registry is damaged or was changed",
        ),
        (
            Self::PromotionLost,
            "another process changed the registry first",
        ),
        (
            Self::NotReproduced,
            "not reproduced: data or a result differ from the lock",
        ),
        (
            Self::BudgetExceeded,
            "a stage would exceed, or exceeded, its memory or time budget",
        ),
        (
            Self::Unavailable,
            "a server or the project is unavailable; try again",
        ),
        (Self::Interrupted, "interrupted (SIGINT)"),
        (Self::Terminated, "terminated (SIGTERM)"),
    ];
}

impl Exit {
    /// Returns the exit of the table with this number, or `Failed` if there is none.
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
