//! The interface of fitted models.

use std::fmt::Debug;

use super::Family;
use crate::features::{InputKind, Matrix};
use pdm_core::domain::Interval;

/// A fitted model.
pub trait Predictor: Send + Sync + Debug {
    /// Returns which input the model reads.
    fn input(&self) -> InputKind;

    /// Returns the predicted remaining useful life at every row of one unit's history `[rows, width]`, in cycles.
    ///
    /// Causal: the value at a row depends only on that row and the rows before it. Values are raw: clipping belongs to the
    /// evaluation protocol and the bundle.
    fn predict(&self, history: &Matrix) -> Vec<f64>;

    /// Returns the prediction at the last row, in cycles; for an empty history `NaN`.
    fn predict_last(&self, history: &Matrix) -> f64 {
        self.predict(history).last().copied().unwrap_or(f64::NAN)
    }

    /// Returns the model's own interval at every row, in cycles; always `None` if the model has no intervals.
    ///
    /// Raw, like the prediction, which is inside it; the calibration determines its coverage.
    fn intervals(&self, history: &Matrix) -> Option<Vec<Interval>> {
        let _ = history;
        None
    }

    /// Returns the interval at the last row; `None` also for an empty history.
    fn last_interval(&self, history: &Matrix) -> Option<Interval> {
        self.intervals(history)?.pop()
    }

    /// Returns the weights as safetensors: the same bytes for the same fit.
    fn weights(&self) -> Vec<u8>;

    /// Returns the model by its family, for code that depends on how it computes; `None` for other models.
    fn family(&self) -> Option<Family<'_>> {
        None
    }
}

/// The weights cannot be read as this model.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not a safetensors file.
    #[error("the weights are not a safetensors file")]
    Format(#[from] safetensors::SafeTensorError),
    /// A tensor is missing or has the wrong type or shape.
    #[error("tensor `{name}` {problem}")]
    Tensor {
        /// Name of the tensor.
        name: String,
        /// The problem, as a fragment.
        problem: String,
    },
}
