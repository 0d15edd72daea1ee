//! Turns trajectories into model inputs, by the same code in training, evaluation and serving.
//!
//! [`fit`] learns regimes, scalers and the health index from training units only; [`FittedFeatures`] applies them to
//! any history. Everything is causal: the features of a history cut at `t` are the first `t` rows of the features of
//! the whole history.
//!
//! ```text
//! settings ─ regimes (kmeans) ─┐
//! sensors ── select ───────────┴─ scaler ─▶ z per sensor ─┬─ health_index ─┐
//!                                                         ├────────────────┴─ table     ─▶ trees, linear models
//!                                                         ├─ sequences ─────────────────▶ recurrent networks
//!                                                         └─ rank ──────────────────────▶ reports
//! ```
//!
//! `rolling` implements the running statistics that all of them use, `scale` a mean with its standard deviation.

mod check;
mod error;
mod fitted;
mod health_index;
mod input;
mod kmeans;
mod matrix;
mod options;
mod rank;
mod regimes;
mod rolling;
mod scale;
mod scaler;
mod select;
mod sequences;
mod table;
mod target;
#[cfg(test)]
mod tests;

pub use error::FeatureError;
pub use fitted::{FittedFeatures, fit};
pub use input::InputKind;
pub use matrix::Matrix;
pub use options::FeatureOptions;
pub use rank::{SensorRank, rank};
pub use scaler::Clipped;
pub use select::{LeftOut, WhyLeftOut};
pub use target::TargetOptions;
