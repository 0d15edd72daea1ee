//! The terms of prognostics: units, cycles, subsets, predictions; values that may follow from the data; and names of secrets
//! instead of the secrets themselves. [`redact()`] hides secrets in all output, [`visible()`] escapes terminal commands.
//!
//! This is the lowest room; nothing here reads a file or draws a random number.

mod alarm;
mod environment;
mod flag;
mod from_data;
mod prediction;
mod problem;
pub mod redact;
mod secret;
mod subset;
mod unit;
mod visible;

pub use alarm::{Alarm, ParseAlarmError};
pub use environment::EnvLookup;
pub use flag::{Flag, FlagCounts, FlagKind};
pub use from_data::{FromData, ResolvedValue};
pub use prediction::{Interval, Prediction, Predictions};
pub use problem::Problem;
pub use redact::{redact, redact_json};
pub use secret::WRITE_A_NAME;
pub use secret::{MissingSecret, Secret, SecretName};
pub use subset::{ParseSubsetError, Subset};
pub use unit::{Cycle, UnitId};
pub use visible::{visible, visible_coloured};
