//! One file or folder per model family: its options, its forward pass, its weights.
//!
//! [`ModelOptions`] names the families, [`Predictor`] is what every fitted model is. Fitting lives in `train`.

pub(crate) mod gbdt;
pub(crate) mod gru;
mod kind;
mod linear;
mod predictor;
mod weights;

pub use gbdt::{Gbdt, GbdtOptions};
pub use gru::{Gru, GruOptions};
pub use kind::ModelOptions;
pub use linear::{Linear, LinearOptions};
pub use predictor::{InputKind, ModelError, Predictor};
