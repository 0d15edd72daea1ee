//! Fitting, and nothing else: how each model family learns, and cross-validation by unit.

mod error;

pub use error::TrainError;
