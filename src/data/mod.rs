//! From files to trusted trajectories.
//!
//! A reader turns files into raw trajectories, expectations turn those into a quality report, and only a report
//! without errors yields a [`ValidDataset`]. A [`Folds`] assigns every training unit to exactly one fold, and only it
//! hands out [`TrainingUnits`]: what features and models may learn from.

mod schema;
mod split;
mod trajectory;
mod valid;

pub use schema::Schema;
pub use split::{Folds, SplitError, SplitOptions, TrainingUnits};
pub use trajectory::Trajectory;
pub use valid::{TestPart, ValidDataset};
