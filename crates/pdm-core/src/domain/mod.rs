//! The nouns of prognostics: units, cycles, subsets, predictions; a value that may be left to the data; and the name of a
//! secret, which is never the secret; [`redact()`] hides secrets in what leaves the program, [`visible()`] writes out what would
//! command a terminal.
//!
//! No room below this one; nothing here reads a file or draws a random number.

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
