//! Errors of scoring.

use crate::codes::Code;
use crate::domain::{Cycle, UnitId};

/// Predictions cannot be scored, compared or calibrated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScoringError {
    /// There are no predictions.
    #[error("there are no predictions to score")]
    Empty,
    /// The truth of a prediction is unknown.
    #[error("unit {unit} at cycle {cycle} has no true remaining useful life to score against")]
    MissingTruth {
        /// The unit.
        unit: UnitId,
        /// The cycle of the prediction.
        cycle: Cycle,
    },
    /// A number cannot be scored.
    #[error("the {what} of unit {unit} at cycle {cycle} is {value}; expected {expected}")]
    BadValue {
        /// What the number is.
        what: &'static str,
        /// The unit.
        unit: UnitId,
        /// The cycle of the prediction.
        cycle: Cycle,
        /// The number.
        value: f64,
        /// The expected value, as a fragment.
        expected: &'static str,
    },
    /// The same cut is predicted twice.
    #[error("unit {unit} at cycle {cycle} is predicted more than once")]
    Duplicate {
        /// The unit.
        unit: UnitId,
        /// The cycle of the predictions.
        cycle: Cycle,
    },
    /// Some predictions have an interval and some do not.
    #[error("unit {unit} at cycle {cycle} has no interval, while other predictions have one")]
    MissingInterval {
        /// The unit.
        unit: UnitId,
        /// The cycle of the prediction.
        cycle: Cycle,
    },
    /// The model returned no interval, but the method calibrates the model's own.
    #[error(
        "the model returned no interval for unit {unit} at cycle {cycle}, but the method `quantile` calibrates the model's \
        own intervals: train a network with the loss `quantile`"
    )]
    NoQuantiles {
        /// The unit.
        unit: UnitId,
        /// The cycle of the prediction.
        cycle: Cycle,
    },
    /// Units were left out or added.
    #[error("the protocol scores all of {expected} units, but there are predictions for {found}")]
    UnitCount {
        /// Units of the protocol.
        expected: usize,
        /// Units predicted.
        found: usize,
    },
    /// A unit is predicted at more cycles than the protocol allows.
    #[error("unit {unit} is predicted at {found} cycles; the protocol allows {allowed}")]
    CutCount {
        /// The unit.
        unit: UnitId,
        /// Allowed cuts of a unit.
        allowed: usize,
        /// Cuts of the unit.
        found: usize,
    },
    /// The protocol itself is invalid.
    #[error("the evaluation protocol is invalid: {0}")]
    Protocol(String),
    /// The options are invalid.
    #[error("`{path}` cannot be used: {message}")]
    Options {
        /// Key path within the options.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The baseline is not finite.
    #[error("the baseline prediction is {0}; expected a finite number of cycles")]
    Baseline(f64),
    /// There are too few units for an interval.
    #[error("an interval over units needs at least {need} units, but there are {units}")]
    TooFewUnits {
        /// Available units.
        units: usize,
        /// Units needed.
        need: usize,
    },
    /// There are too few calibration units for the coverage.
    #[error(
        "intervals cannot be calibrated at {:.4} % coverage with {units} units: at least {need} are needed",
        coverage * 100.0
    )]
    Uncalibratable {
        /// Requested coverage, a share.
        coverage: f64,
        /// Available calibration units.
        units: usize,
        /// Calibration units needed.
        need: usize,
    },
    /// Two models were scored under different protocols.
    #[error("scores under different protocols cannot be compared: {left} against {right}")]
    UnlikeProtocols {
        /// One protocol, in a line that starts with its digest.
        left: String,
        /// The other protocol, likewise.
        right: String,
    },
    /// Two models predict different units or cycles.
    #[error(
        "unit {unit} at cycle {cycle} is predicted by one model only, so the models cannot be paired"
    )]
    Unpaired {
        /// The unit.
        unit: UnitId,
        /// The cycle.
        cycle: Cycle,
    },
    /// Two models were scored against different truths.
    #[error(
        "the true life of unit {unit} at cycle {cycle} is {challenger} for one model and {champion} for the other"
    )]
    UnlikeTruth {
        /// The unit.
        unit: UnitId,
        /// The cycle.
        cycle: Cycle,
        /// Truth the challenger was scored against.
        challenger: f64,
        /// Truth the champion was scored against.
        champion: f64,
    },
    /// A metric has no value for these predictions.
    #[error("{0} has no finite value for these predictions")]
    Undefined(super::Metric),
}

impl ScoringError {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::Empty => Code::NothingToScore,
            Self::MissingTruth { .. } => Code::MissingTruth,
            Self::BadValue { .. } | Self::Baseline(_) => Code::NotScorable,
            Self::Duplicate { .. } => Code::PredictedTwice,
            Self::MissingInterval { .. } => Code::MissingInterval,
            Self::NoQuantiles { .. } => Code::NoQuantiles,
            Self::UnitCount { .. } | Self::CutCount { .. } => Code::OtherUnits,
            Self::Protocol(_) => Code::Protocol,
            Self::Options { .. } => Code::BadValue,
            Self::TooFewUnits { .. } => Code::TooFewUnitsToScore,
            Self::Uncalibratable { .. } => Code::TooFewUnitsToCalibrate,
            Self::UnlikeProtocols { .. } => Code::UnlikeProtocols,
            Self::Unpaired { .. } | Self::UnlikeTruth { .. } => Code::NotPaired,
            Self::Undefined(_) => Code::NoFiniteScore,
        }
    }
}
