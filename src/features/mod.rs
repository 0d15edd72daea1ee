//! From trajectories to model inputs, by the same code in training, evaluation and serving.
//!
//! [`fit`] learns regimes, scalers and the health index from training units only; [`FittedFeatures`] applies them to
//! any history. Everything is causal: the features of a history cut at `t` are the first `t` rows of the features of
//! the whole history.

mod error;
mod matrix;
mod target;

pub use error::FeatureError;
pub use matrix::Matrix;
pub use target::TargetOptions;
