//! One file or folder per model family: its options, its forward pass, its weights.
//!
//! [`ModelOptions`] lists the families, each of which implements `family::FamilyOptions` in its own file; every fitted model
//! is a [`Predictor`]. Fitting is in `train`.

mod ensemble;
mod family;
pub(crate) mod gbdt;
mod kind;
pub(crate) mod linear;
pub(crate) mod neural;
mod parts;
mod predictor;
mod settled;
mod stack;
mod weights;

pub use ensemble::Ensemble;
pub use family::{FamilyOptions, FitExtent};
pub use gbdt::{Gbdt, GbdtOptions};
pub(crate) use kind::Class;
pub use kind::{Family, ModelOptions};
pub use linear::{Linear, LinearOptions};
pub use neural::*;
pub use predictor::{ModelError, Predictor};
pub use stack::{Stack, StackOptions};

pub use crate::features::InputKind;
