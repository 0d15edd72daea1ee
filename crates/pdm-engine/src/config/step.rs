//! The name of a step: a named stage or a program.

use std::cmp::Ordering;
use std::fmt;

use serde::{Serialize, Serializer};

use super::Stage;

/// The name of a step of a run: a named stage, or a program of `[[stage]]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum StepName {
    /// A named stage.
    Named(Stage),
    /// A program, by the name of its `[[stage]]`.
    Exec(String),
}

impl StepName {
    /// Returns the name in tables, caches and messages.
    pub fn name(&self) -> &str {
        match self {
            Self::Named(stage) => stage.name(),
            Self::Exec(name) => name,
        }
    }

    /// Returns the named stage, where it is one.
    pub fn named(&self) -> Option<Stage> {
        match self {
            Self::Named(stage) => Some(*stage),
            Self::Exec(_) => None,
        }
    }
}

impl From<Stage> for StepName {
    fn from(stage: Stage) -> Self {
        Self::Named(stage)
    }
}

impl PartialEq<Stage> for StepName {
    fn eq(&self, stage: &Stage) -> bool {
        self.named() == Some(*stage)
    }
}

/// A program is neither before nor after a named stage by its name alone.
impl PartialOrd<Stage> for StepName {
    fn partial_cmp(&self, stage: &Stage) -> Option<Ordering> {
        self.named().map(|own| own.cmp(stage))
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Serialize for StepName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
