//! One file per model family: its options, its forward pass, its weights.
//!
//! [`ModelOptions`] names the families, [`Predictor`] is what every fitted model is. Fitting lives in `train`.

mod predictor;

pub use predictor::{InputKind, ModelError, Predictor};
