use crate::data::SplitError;
use crate::events::Interrupted;
use crate::features::FeatureError;

/// A fit did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A signal asked the work to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The features could not be learnt.
    #[error("features cannot be fitted")]
    Features(#[from] FeatureError),
    /// The units cannot be divided.
    #[error("units cannot be split")]
    Split(#[from] SplitError),
    /// Fewer rows or units than the model needs.
    #[error("{what}: {have} at hand, at least {need} needed")]
    TooLittleData {
        /// What is scarce.
        what: &'static str,
        /// How much there is.
        have: usize,
        /// How much is needed.
        need: usize,
    },
    /// The loss became infinite or NaN.
    #[error("the loss of {model} is not finite at step {step}; lower the learning rate")]
    Diverged {
        /// Model family.
        model: &'static str,
        /// Step at which it was seen.
        step: u64,
    },
}
