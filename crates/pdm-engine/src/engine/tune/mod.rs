//! Searches the options of a pipeline: tries values, judges each by cross-validation, chooses, and writes the winner.
//!
//! Trial 0 is the file as it is. Every trial is judged on the folds of the stage `train`, one fold after the other, and may be
//! stopped in between. What each unit adds to the metric is written to a journal in `.pdm-ml/studies`, so a search that was
//! killed continues where it stopped and has the same result as if it had not been killed. [`pdm_models::tune`] decides what to
//! try, when to stop a trial and which trial to choose.

mod error;
mod journal;
mod outcome;
mod search;
mod study;
mod winner;

pub use error::TuneError;
pub use outcome::{Confirmation, EdgeRow, Ended, TrialRow, Tuned};
pub use search::{TuneRequest, tune};
