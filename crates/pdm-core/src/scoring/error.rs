use crate::codes::Code;
use crate::domain::{Cycle, UnitId};

/// Predictions cannot be scored, compared or calibrated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScoringError {
    /// There is nothing to score.
    #[error("there are no predictions to score")]
    Empty,
    /// The truth of a prediction is not known.
    #[error("unit {unit} at cycle {cycle} has no true remaining useful life to score against")]
    MissingTruth {
        /// The unit.
        unit: UnitId,
        /// The cycle of the prediction.
        cycle: Cycle,
    },
    /// A number is not one that can be scored.
    #[error("the {what} of unit {unit} at cycle {cycle} is {value}; {expected} is expected")]
    BadValue {
        /// What the number stands for.
        what: &'static str,
        /// The unit.
        unit: UnitId,
        /// The cycle of the prediction.
        cycle: Cycle,
        /// The number.
        value: f64,
        /// What it should be, as a fragment.
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
    /// Some predictions carry an interval and some do not.
    #[error("unit {unit} at cycle {cycle} has no interval, while other predictions have one")]
    MissingInterval {
        /// The unit.
        unit: UnitId,
        /// The cycle of the prediction.
        cycle: Cycle,
    },
    /// The model gave no interval, and the method calibrates the model's own.
    #[error(
        "the model gave no interval for unit {unit} at cycle {cycle}, and the method `quantile` calibrates the model's \
         own: train a network with the loss `quantile`"
    )]
    NoQuantiles {
        /// The unit.
        unit: UnitId,
        /// The cycle of the prediction.
        cycle: Cycle,
    },
    /// Units were left out or added.
    #[error(
        "the protocol scores every one of {expected} units, and predictions of {found} are given"
    )]
    UnitCount {
        /// Units the protocol names.
        expected: usize,
        /// Units predicted.
        found: usize,
    },
    /// A unit is predicted at more cycles than the protocol allows.
    #[error("unit {unit} is predicted at {found} cycles; the protocol allows {allowed}")]
    CutCount {
        /// The unit.
        unit: UnitId,
        /// Cuts a unit may have.
        allowed: usize,
        /// Cuts the unit has.
        found: usize,
    },
    /// The protocol itself makes no sense.
    #[error("the evaluation protocol is impossible: {0}")]
    Protocol(String),
    /// The options make no sense.
    #[error("`{path}` cannot be used: {message}")]
    Options {
        /// Key path within the options.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// A constant the caller gave is not finite.
    #[error("the baseline prediction is {0}; a finite number of cycles is expected")]
    Baseline(f64),
    /// A spread between units cannot be seen.
    #[error("an interval over units needs at least {need} units, and there are {units}")]
    TooFewUnits {
        /// Units at hand.
        units: usize,
        /// Units needed.
        need: usize,
    },
    /// The wanted coverage is out of reach of the calibration units.
    #[error(
        "intervals cannot be calibrated at {:.4} % coverage with {units} units: at least {need} are needed",
        coverage * 100.0
    )]
    Uncalibratable {
        /// Wanted coverage, a share.
        coverage: f64,
        /// Calibration units at hand.
        units: usize,
        /// Calibration units needed.
        need: usize,
    },
    /// Two sides were judged under different protocols.
    #[error("scores under different protocols cannot be compared: {left} against {right}")]
    UnlikeProtocols {
        /// One protocol, in a line that starts with its digest.
        left: String,
        /// The other protocol, likewise.
        right: String,
    },
    /// Two sides predict different units or cycles.
    #[error(
        "unit {unit} at cycle {cycle} is predicted by one model only, so the models cannot be paired"
    )]
    Unpaired {
        /// The unit.
        unit: UnitId,
        /// The cycle.
        cycle: Cycle,
    },
    /// Two sides disagree about the truth.
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
    /// Returns which kind of error this is.
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
