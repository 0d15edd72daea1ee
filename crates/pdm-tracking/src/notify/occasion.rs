//! How a run ended.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// It failed: invalid data, an error, an unreachable server.
    Failure,
    /// A gate failed.
    Refused,
    /// A gate is undecided.
    Undecided,
    /// Its model is the new champion.
    Promoted,
    /// Its gates passed, but no alias moved.
    Passed,
    /// There was nothing to do.
    Unchanged,
    /// A prediction meets the condition of `predict --alarm`.
    Alarm,
}

impl Occasion {
    /// Returns the default occasions of a receiver: failures, changes and alarms.
    pub fn defaults() -> Vec<Self> {
        vec![
            Self::Failure,
            Self::Refused,
            Self::Undecided,
            Self::Promoted,
            Self::Alarm,
        ]
    }

    /// Returns the name, as in the TOML and the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Refused => "refused",
            Self::Undecided => "undecided",
            Self::Promoted => "promoted",
            Self::Passed => "passed",
            Self::Unchanged => "unchanged",
            Self::Alarm => "alarm",
        }
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
