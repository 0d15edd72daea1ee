use crate::data::SplitError;
use crate::domain::{Problem, UnitId};
use crate::events::Interrupted;
use crate::features::FeatureError;

/// A fit did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A signal asked the work to stop.
    #[error("the work was stopped")]
    Interrupted(#[from] Interrupted),
    /// The features could not be learnt.
    #[error("features cannot be fitted")]
    Features(#[from] FeatureError),
    /// The units cannot be divided.
    #[error("units cannot be split")]
    Split(#[from] SplitError),
    /// An option is out of range.
    #[error("`{}` {}", .0.path, .0.message)]
    Options(Problem),
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
    /// What is judged on a unit has seen the unit.
    #[error("held-out units were learnt from: {}", names(.units))]
    Leak {
        /// The units.
        units: Vec<UnitId>,
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

fn names(units: &[UnitId]) -> String {
    units.iter().map(UnitId::as_str).collect::<Vec<_>>().join(", ")
}
