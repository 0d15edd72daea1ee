//! Errors of training.

use std::io;
use std::path::PathBuf;

use crate::data::SplitError;
use crate::features::FeatureError;
use pdm_core::codes::Code;
use pdm_core::domain::{Cycle, Problem, UnitId};
use pdm_core::events::Interrupted;

/// A training that did not complete.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// A signal or a budget stopped the work.
    #[error("the work was stopped")]
    Interrupted(#[from] Interrupted),
    /// The features could not be learnt.
    #[error("features cannot be fitted")]
    Features(#[from] FeatureError),
    /// The units cannot be split.
    #[error("units cannot be split")]
    Split(#[from] SplitError),
    /// An option is out of range.
    #[error("`{}` {}", .0.path, .0.message)]
    Options(Problem),
    /// Fewer rows or units than the model needs.
    #[error("{what}: {have} available, at least {need} needed")]
    TooLittleData {
        /// What is scarce.
        what: &'static str,
        /// How much there is.
        have: usize,
        /// How much is needed.
        need: usize,
    },
    /// No unit has more rows than the first row to learn from, so every label would be 0.
    #[error(
        "`first_row` in [train] is {first_row}, but the longest training life has {longest} rows"
    )]
    FirstRowBeyondLives {
        /// The requested row, from 1.
        first_row: usize,
        /// Rows of the longest training life.
        longest: usize,
    },
    /// A model would be scored on units that it learnt from.
    #[error("held-out units were used for training: {}", names(.units))]
    Leak {
        /// The units.
        units: Vec<UnitId>,
    },
    /// A number became infinite or NaN while a model was fitted.
    #[error("the fit of {model} diverged: not finite at step {step}{}{}", first_in(.place), kept_in(.kept))]
    Diverged {
        /// Model family.
        model: &'static str,
        /// Step, or boosting round, at which it was detected.
        step: u64,
        /// The first layer or parameter that is not finite, such as `recurrent.weight`, if known.
        place: Option<String>,
        /// The file with the weights of the last good step, if kept.
        kept: Option<PathBuf>,
        /// What to try; depends on the family.
        hint: &'static str,
    },
    /// A fitted model predicts a value that is not finite.
    #[error("the model predicts {value} for unit {unit} at cycle {cycle}")]
    NotFinite {
        /// A held-out unit.
        unit: UnitId,
        /// The cycle of the prediction.
        cycle: Cycle,
        /// The prediction.
        value: f64,
    },
    /// A checkpoint cannot be written.
    #[error("cannot write `{}`", path.display())]
    Keep {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

impl TrainError {
    /// Returns the error of a model whose numbers stopped being finite at a step.
    pub const fn diverged(model: &'static str, step: u64, hint: &'static str) -> Self {
        Self::Diverged {
            model,
            step,
            place: None,
            kept: None,
            hint,
        }
    }

    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::Interrupted(interrupted) => interrupted.code(),
            Self::Features(error) => error.code(),
            Self::Split(error) => error.code(),
            Self::Options(problem) => problem.code,
            Self::TooLittleData { .. } => Code::TooLittleData,
            Self::FirstRowBeyondLives { .. } => Code::FirstRowBeyondLives,
            Self::Leak { .. } => Code::Leak,
            Self::Diverged { .. } => Code::Diverged,
            Self::NotFinite { .. } => Code::NotFinite,
            Self::Keep { .. } => Code::FileAccess,
        }
    }

    /// Returns what to try, if something is known to help.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::TooLittleData {
                what: "training rows",
                ..
            } => {
                "add units, lower `min_leaf_rows` in [model], lower `first_row` or `row_stride` in [train] if set, or \
                 choose a simpler model: `--set model.kind=linear`"
            }
            Self::TooLittleData { .. } => {
                "add units, or choose a simpler model: `--set model.kind=linear`"
            }
            Self::FirstRowBeyondLives { .. } => {
                "leave it out, or write first_row = \"auto\", which depends on the lives"
            }
            Self::Split(_) => "set split.folds to at most the number of units",
            Self::Diverged { hint, .. } => hint,
            Self::NotFinite { .. } => {
                "look for features or labels that are far too large: `pdm-ml features --output table.csv`"
            }
            _ => return None,
        })
    }
}

fn first_in(place: &Option<String>) -> String {
    place
        .as_ref()
        .map(|place| format!(", first in `{place}`"))
        .unwrap_or_default()
}

fn kept_in(path: &Option<PathBuf>) -> String {
    path.as_ref()
        .map(|path| format!("; the last good weights are kept in `{}`", path.display()))
        .unwrap_or_default()
}

fn names(units: &[UnitId]) -> String {
    units
        .iter()
        .map(UnitId::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{gbdt, linear, neural};

    #[test]
    fn a_divergence_reports_the_location_and_the_kept_weights_if_known() {
        let bare = TrainError::diverged("gru", 12, "");
        assert_eq!(
            bare.to_string(),
            "the fit of gru diverged: not finite at step 12"
        );
        let place = Some("recurrent.weight".to_owned());
        let whole = TrainError::Diverged {
            model: "gru",
            step: 12,
            place,
            kept: Some("a/last.safetensors".into()),
            hint: "",
        };
        assert_eq!(
            whole.to_string(),
            "the fit of gru diverged: not finite at step 12, first in `recurrent.weight`; \
             the last good weights are kept in `a/last.safetensors`"
        );
    }

    #[test]
    fn what_to_try_suits_the_family() {
        let words = |model, hint| TrainError::diverged(model, 1, hint).hint().unwrap();
        let [gru, gbdt, linear] = [
            words("gru", neural::WHEN_DIVERGED),
            words("gbdt", gbdt::WHEN_DIVERGED),
            words("linear", linear::WHEN_DIVERGED),
        ];
        assert!(gru.contains("gradient_clip") && gru.contains("learning_rate"));
        assert!(!gbdt.contains("learning_rate") && gbdt.contains("cap"));
        assert!(!linear.contains("learning_rate"));
    }
}
