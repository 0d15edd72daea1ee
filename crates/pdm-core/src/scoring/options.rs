//! Options of `[evaluate]` and `[calibrate]`.

use serde::{Deserialize, Serialize};

use super::ScoringError;
use crate::domain::Problem;

/// How predictions are scored: the table `[evaluate]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct EvaluateOptions {
    /// The truth from which scores are computed: `capped` at the cap of `[target]`, as in most papers on C-MAPSS, or
    /// `uncapped`. Scores with different truths cannot be compared.
    pub truth: Truth,
    /// How the intervals of the scores are computed.
    pub bootstrap: BootstrapOptions,
}

/// The truth from which scores are computed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// `min(cap, rul)`, the target of a model with a cap.
    #[default]
    Capped,
    /// The true remaining useful life.
    Uncapped,
}

/// The number of resamples and the confidence of the intervals of scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct BootstrapOptions {
    /// Number of resamples of the units.
    pub resamples: usize,
    /// Share of resamples inside an interval, such as 0.95; half of the rest is on each side.
    pub confidence: f64,
}

/// How intervals are calibrated: the table `[calibrate]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct CalibrateOptions {
    /// The method.
    pub method: CalibrationMethod,
    /// Whether the width of `split_conformal` intervals follows the usual errors at that prediction (narrow near failure),
    /// instead of being the same everywhere.
    pub scaled: bool,
    /// Share of units whose true remaining useful life the interval should cover, such as 0.9.
    pub coverage: f64,
}

/// The method of calibrating intervals.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationMethod {
    /// Split conformal prediction on out-of-fold predictions, one cut per unit.
    #[default]
    SplitConformal,
    /// Conformalized quantile regression: the intervals of a network with the loss `quantile`, widened or narrowed by the same
    /// amount everywhere.
    Quantile,
}

/// Minimum number of resamples beyond each end of an interval, for a reliable end.
const RESAMPLES_PER_TAIL: f64 = 10.0;
const MOST_RESAMPLES: usize = 1_000_000;

impl Truth {
    /// Returns the cap on the truth for a target capped at `target_cap` cycles; goes into a protocol.
    pub fn cap(self, target_cap: f64) -> Option<f64> {
        match self {
            Self::Capped => Some(target_cap),
            Self::Uncapped => None,
        }
    }
}

impl Default for BootstrapOptions {
    fn default() -> Self {
        Self {
            resamples: 2000,
            confidence: 0.95,
        }
    }
}

impl Default for CalibrateOptions {
    fn default() -> Self {
        Self {
            method: CalibrationMethod::default(),
            scaled: true,
            coverage: 0.9,
        }
    }
}

impl EvaluateOptions {
    /// Returns what is wrong with the values.
    pub fn problems(&self) -> Vec<Problem> {
        self.bootstrap
            .problems()
            .into_iter()
            .map(|problem| problem.within("bootstrap"))
            .collect()
    }
}

impl BootstrapOptions {
    /// Returns what is wrong with the values.
    pub fn problems(&self) -> Vec<Problem> {
        let Self {
            resamples,
            confidence,
        } = *self;
        if !(0.5..1.0).contains(&confidence) {
            let problem = Problem::new(
                "confidence",
                format!("{confidence} is not a share from 0.5 to below 1"),
            );
            return vec![problem.hint("0.95 is usual")];
        }
        let needed = (2.0 * RESAMPLES_PER_TAIL / (1.0 - confidence)).round();
        if (resamples as f64) < needed {
            let message =
                format!("{resamples} resamples are too few for an interval at {confidence}");
            return vec![Problem::new("resamples", message).hint(format!("use at least {needed}"))];
        }
        if resamples > MOST_RESAMPLES {
            return vec![Problem::new(
                "resamples",
                format!("{resamples} is more than {MOST_RESAMPLES}"),
            )];
        }
        Vec::new()
    }
}

impl CalibrateOptions {
    /// Returns what is wrong with the values.
    pub fn problems(&self) -> Vec<Problem> {
        let coverage = self.coverage;
        if (0.5..1.0).contains(&coverage) {
            return Vec::new();
        }
        let problem = Problem::new(
            "coverage",
            format!("{coverage} is not a share from 0.5 to below 1"),
        );
        vec![if (50.0..100.0).contains(&coverage) {
            problem.hint(format!("{}", coverage / 100.0))
        } else {
            problem
        }]
    }
}

pub(super) fn refuse(problems: Vec<Problem>) -> Result<(), ScoringError> {
    match problems.into_iter().next() {
        Some(Problem { path, message, .. }) => Err(ScoringError::Options { path, message }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_have_no_problems_and_are_what_an_empty_table_gives() {
        let (evaluate, calibrate): (EvaluateOptions, CalibrateOptions) =
            (toml::from_str("").unwrap(), toml::from_str("").unwrap());
        assert_eq!(
            (&evaluate, &calibrate),
            (&EvaluateOptions::default(), &CalibrateOptions::default())
        );
        assert!(evaluate.problems().is_empty() && calibrate.problems().is_empty());
    }

    #[test]
    fn reads_what_a_user_writes() {
        let text = "truth = \"uncapped\"\nbootstrap = { resamples = 500, confidence = 0.9 }";
        let bootstrap = BootstrapOptions {
            resamples: 500,
            confidence: 0.9,
        };
        assert_eq!(
            toml::from_str(text),
            Ok(EvaluateOptions {
                truth: Truth::Uncapped,
                bootstrap
            })
        );
        assert!(toml::from_str::<CalibrateOptions>("method = \"jackknife\"").is_err());
    }

    #[test]
    fn impossible_values_are_reported_with_their_path() {
        let path = |resamples, confidence| {
            let options = EvaluateOptions {
                bootstrap: BootstrapOptions {
                    resamples,
                    confidence,
                },
                ..Default::default()
            };
            options
                .problems()
                .first()
                .map(|problem| problem.path.clone())
        };
        assert_eq!(path(2000, 95.0).as_deref(), Some("bootstrap.confidence"));
        assert_eq!(
            path(2000, f64::NAN).as_deref(),
            Some("bootstrap.confidence")
        );
        assert_eq!(path(2000, 1.0).as_deref(), Some("bootstrap.confidence"));
        assert_eq!(path(0, 0.95).as_deref(), Some("bootstrap.resamples"));
        assert_eq!(path(399, 0.95).as_deref(), Some("bootstrap.resamples"));
        assert_eq!(path(400, 0.95), None);
        assert_eq!(
            path(2_000_000, 0.95).as_deref(),
            Some("bootstrap.resamples")
        );
        let coverage = |coverage| {
            CalibrateOptions {
                coverage,
                ..Default::default()
            }
            .problems()
        };
        assert_eq!(coverage(90.0)[0].hint.as_deref(), Some("0.9"));
        assert_eq!(
            coverage(1.0).len() + coverage(f64::NAN).len() + coverage(0.5).len(),
            2
        );
    }
}
