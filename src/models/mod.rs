//! One file or folder per model family: its options, its forward pass, its weights.
//!
//! [`ModelOptions`] names the families, [`Predictor`] is what every fitted model is. Fitting lives in `train`.

mod ensemble;
pub(crate) mod gbdt;
mod kind;
mod linear;
pub(crate) mod neural;
mod parts;
mod predictor;
mod stack;
mod weights;

pub use ensemble::Ensemble;
pub use gbdt::{Gbdt, GbdtOptions};
pub use kind::ModelOptions;
pub use linear::{Linear, LinearOptions};
pub use neural::{CnnOptions, GruOptions, LstmOptions, Neural, Schedule, TcnOptions, TransformerOptions};
pub use predictor::{Family, ModelError, Predictor};
pub use stack::{Stack, StackOptions};

pub use crate::features::InputKind;
