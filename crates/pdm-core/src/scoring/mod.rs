//! Scores of predictions, intervals, calibration, and the protocol under which they are computed.
//!
//! Everywhere `d = predicted − true` remaining useful life in cycles: positive is late. The independent sample is a unit, not
//! a row: scores are summed by unit, the bootstrap resamples units, and calibration takes one cut of each unit.
//!
//! - [`Protocol`] defines which units are scored, at which cycles, against which truth. [`score`] turns predictions into a
//!   [`Scorecard`] under it, and all comparisons of models refuse different protocols.
//! - [`rmse`], [`mae`], [`bias`], [`nasa_score`] and the rates of [`Timing`] are plain functions of errors; [`Metric`]
//!   names them, and [`Measure`] formats their numbers.
//! - [`Conformal`] turns predictions into intervals with a stated coverage.
//! - [`UnitLoss`] is the contribution of one unit to a metric, for searches that score units incrementally.
//! - [`paired`] compares two models unit by unit; [`Verdict`] is the result of a gate for an interval.

mod bands;
mod bootstrap;
mod comparison;
mod conformal;
mod error;
mod errors;
mod measure;
mod metric;
mod nasa;
mod options;
mod paired;
mod proof;
mod protocol;
mod quantiles;
mod rows;
mod scale;
mod scorecard;
mod timing;
mod totals;
mod unit_loss;
mod verdict;
mod warnings;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod samples;

pub use bands::Band;
pub use bootstrap::Score;
pub use comparison::{ScoreChange, Scored, SideBySide, side_by_side};
pub use conformal::{Conformal, highest_reachable, is_reachable, units_needed};
pub use error::ScoringError;
pub use errors::{bias, mae, rmse};
pub use measure::Measure;
pub use metric::{Goal, Metric};
pub use nasa::nasa_score;
pub use options::{BootstrapOptions, CalibrateOptions, CalibrationMethod, EvaluateOptions, Truth};
pub use paired::{ComparedPredictions, PairedDifference, paired};
pub use proof::{FEWEST_FOR_PENALTIES, fewest_units, proven_difference, proven_score};
pub use protocol::{Cuts, Part, Protocol, ShortUnits};
pub use scorecard::{Baseline, GroupScores, Scorecard, score};
pub use timing::Timing;
pub use unit_loss::{UnitLoss, loss_of, standard_error_of_difference, unit_losses, value_of};
pub use verdict::{
    Verdict, judge_between, judge_lower_bound, judge_non_inferior, judge_upper_bound,
};
pub use warnings::{Caution, cautions};
