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
    /// Causal: the value at a row depends on that row and the rows before it only. Values are raw: clipping belongs
    /// to the evaluation protocol and the bundle.
    fn predict(&self, history: &Matrix) -> Vec<f64>;

    /// Returns the prediction at the last row, in cycles; for an empty history `NaN`.
    fn predict_last(&self, history: &Matrix) -> f64 {
        self.predict(history).last().copied().unwrap_or(f64::NAN)
    }

    /// Returns the range the model itself gives at every row, in cycles; `None` where the model gives none, whatever
    /// the history.
    ///
    /// Raw as the prediction, which lies within: how much it covers is for the calibration to find out.
    fn intervals(&self, history: &Matrix) -> Option<Vec<Interval>> {
        let _ = history;
        None
    }

    /// Returns the range at the last row; `None` also for an empty history.
    fn last_interval(&self, history: &Matrix) -> Option<Interval> {
        self.intervals(history)?.pop()
    }

    /// Returns the weights as safetensors: the same bytes for the same fit.
    fn weights(&self) -> Vec<u8>;

    /// Returns the model by its family, for what must know how it computes; `None` where that is nobody's business.
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
        /// What is wrong with it, as a fragment.
        problem: String,
    },
}
