use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// It failed: invalid data, an error, a server that is not there.
    Failure,
    /// A gate said no.
    Refused,
    /// A gate could not tell.
    Undecided,
    /// Its model is the new champion.
    Promoted,
    /// Its gates passed, and no alias moved.
    Passed,
    /// There was nothing to do.
    Unchanged,
    /// A prediction meets the condition of `predict --alarm`.
    Alarm,
}

impl Occasion {
    /// Returns the occasions told of where a table names none: what went wrong, what changed, and alarms.
    pub fn usual() -> Vec<Self> {
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
