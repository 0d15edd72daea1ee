//! Why a schedule cannot be exported or counted.

use thiserror::Error;

use super::definition::SchedulerKind;
use pdm_core::codes::Code;

/// Why a schedule cannot be exported or counted.
#[derive(Debug, Error)]
pub enum ScheduleError {
    /// The scheduler needs an option that is not set.
    #[error("{kind} needs `{key}` in [schedule]")]
    Missing {
        /// The scheduler.
        kind: SchedulerKind,
        /// The option.
        key: &'static str,
        /// Why, and an example.
        hint: &'static str,
    },
    /// The scheduler cannot express something.
    #[error("{kind} cannot express {what}")]
    Unspeakable {
        /// The scheduler.
        kind: SchedulerKind,
        /// What it cannot express.
        what: String,
        /// What to do instead.
        hint: String,
    },
    /// A value became out of range after it was read.
    #[error("`{key}` in [schedule]: {message}")]
    Invalid {
        /// The option.
        key: &'static str,
        /// What is wrong.
        message: String,
    },
    /// No further time was found.
    #[error("`cron` in [schedule]: no further time: {0}")]
    NeverComes(String),
    /// A definition could not be written as YAML.
    #[error("cannot write YAML")]
    Yaml(#[source] yaml_serde::Error),
}

impl ScheduleError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::SchedulerLacks,
            Self::Unspeakable { .. } | Self::Yaml(_) => Code::SchedulerCannot,
            Self::Invalid { .. } => Code::BadValue,
            Self::NeverComes(_) => Code::Cron,
        }
    }

    /// Returns what to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { hint, .. } => Some((*hint).to_owned()),
            Self::Unspeakable { hint, .. } => Some(hint.clone()),
            Self::Invalid { .. } | Self::NeverComes(_) | Self::Yaml(_) => None,
        }
    }
}
