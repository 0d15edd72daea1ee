//! Searches the options of a pipeline: tries values, judges each by cross-validation, chooses, and writes the winner.
//!
//! Trial 0 is the file as it stands. Every trial is judged on the folds of the stage `train`, one fold after the other,
//! and may be stopped in between; what each unit adds to the metric goes into a journal below `.pdm-ml/studies`, so a
//! search that was killed goes on where it stopped and ends as if it had not been. What to try, when to stop and which
//! to choose is the room [`pdm_models::tune`]'s to say.

mod error;
mod journal;
mod outcome;
mod search;
mod study;
mod winner;

pub use error::TuneError;
pub use outcome::{Confirmation, EdgeRow, Ended, TrialRow, Tuned};
pub use search::{TuneRequest, tune};
