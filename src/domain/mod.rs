//! The nouns of prognostics: units, cycles, subsets, predictions.
//!
//! No room below this one; nothing here reads a file or draws a random number.

mod prediction;
mod problem;
mod subset;
mod unit;

pub use prediction::{Interval, Prediction, Predictions};
pub use problem::Problem;
pub use subset::{ParseSubsetError, Subset};
pub use unit::{Cycle, UnitId};
