//! Notes and warnings about a resolved pipeline.

use std::fmt;

use jiff::Timestamp;

use super::find::NO_FILE;
use pdm_core::events::size;

/// A message for the user that is not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsNote {
    /// The memory budget, in bytes, follows the system's limit of addresses.
    MemoryLimit(u64),
    /// There is no pipeline file, so the pipeline that is built in runs.
    BuiltInPipeline,
    /// The time is not the clock's.
    ActingTime(Timestamp),
    /// A value of an older file is read by another name.
    RenamedValue(String),
}

impl SettingsNote {
    /// Returns whether it is a warning.
    pub fn is_warning(&self) -> bool {
        matches!(self, Self::ActingTime(_))
    }
}

impl fmt::Display for SettingsNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MemoryLimit(bytes) => write!(
                f,
                "the address space is limited (`ulimit -v`): the memory budget is {}",
                size(*bytes)
            ),
            Self::BuiltInPipeline => {
                write!(
                    f,
                    "{NO_FILE}; running the built-in pipeline on a simulated fleet"
                )
            }
            Self::ActingTime(now) => write!(
                f,
                "PDM_ML_NOW sets the time to {now}; use it only for tests and simulations"
            ),
            Self::RenamedValue(sentence) => f.write_str(sentence),
        }
    }
}
