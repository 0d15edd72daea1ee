//! The rule of a gate.

use serde::Serialize;

use pdm_core::scoring::{Measure, Metric};

/// The rule that a score must meet.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Bound {
    /// The whole interval is at most this.
    AtMost {
        /// The limit.
        value: f64,
    },
    /// The whole interval is at least this.
    AtLeast {
        /// The limit.
        value: f64,
    },
    /// The whole interval is within the limits.
    Between {
        /// The lower limit.
        low: f64,
        /// The upper limit.
        high: f64,
    },
    /// At most this margin worse than the champion.
    NonInferior {
        /// The margin, in the metric's unit or as a share of the champion's value.
        margin: f64,
        /// Whether it is a share.
        relative: bool,
    },
    /// More than this margin better than the champion.
    Better {
        /// The margin, in the metric's unit or as a share of the champion's value.
        margin: f64,
        /// Whether it is a share.
        relative: bool,
    },
}

impl Bound {
    /// Returns the bound in words, such as `at most 25 cycles`.
    pub fn words(self, metric: Metric) -> String {
        let number = |value| metric.measure().exact(value);
        match self {
            Self::AtMost { value } => format!("at most {}", number(value)),
            Self::AtLeast { value } => format!("at least {}", number(value)),
            Self::Between { low, high } => {
                format!("from {} to {}", metric.measure().bare(low), number(high))
            }
            Self::NonInferior { margin: 0.0, .. } => "not worse than the champion".to_owned(),
            Self::NonInferior { margin, relative } => {
                format!(
                    "at most {} worse than the champion",
                    margin_words(metric, margin, relative)
                )
            }
            Self::Better { margin: 0.0, .. } => "better than the champion".to_owned(),
            Self::Better { margin, relative } => {
                format!(
                    "more than {} better than the champion",
                    margin_words(metric, margin, relative)
                )
            }
        }
    }

    /// Returns the allowed range; for a comparison it is the range of the difference, and needs the champion's
    /// value if the margin is a share of it.
    pub(super) fn allowed(self, champion: Option<f64>) -> Option<[f64; 2]> {
        let absolute = |margin: f64, relative: bool| {
            if relative {
                Some(margin * champion?)
            } else {
                Some(margin)
            }
        };
        Some(match self {
            Self::AtMost { value } => [f64::NEG_INFINITY, value],
            Self::AtLeast { value } => [value, f64::INFINITY],
            Self::Between { low, high } => [low, high],
            Self::NonInferior { margin, relative } => {
                [f64::NEG_INFINITY, absolute(margin, relative)?]
            }
            Self::Better { margin, relative } => [f64::NEG_INFINITY, -absolute(margin, relative)?],
        })
    }
}

fn margin_words(metric: Metric, margin: f64, relative: bool) -> String {
    let measure = if relative {
        Measure::Share
    } else {
        metric.measure()
    };
    measure.exact(margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_speak_in_the_metric_s_unit() {
        let expected = [
            (
                Metric::Rmse,
                Bound::AtMost { value: 25.0 },
                "at most 25 cycles",
            ),
            (
                Metric::Coverage,
                Bound::Between {
                    low: 0.855,
                    high: 0.97,
                },
                "from 85.5 to 97 %",
            ),
            (
                Metric::NasaMean,
                Bound::NonInferior {
                    margin: 0.07,
                    relative: true,
                },
                "at most 7 % worse than the champion",
            ),
            (
                Metric::Rmse,
                Bound::Better {
                    margin: 0.5,
                    relative: false,
                },
                "more than 0.5 cycles better than the champion",
            ),
            (
                Metric::Rmse,
                Bound::Better {
                    margin: 0.0,
                    relative: false,
                },
                "better than the champion",
            ),
        ];
        for (metric, bound, words) in expected {
            assert_eq!(bound.words(metric), words);
        }
    }

    #[test]
    fn a_share_of_the_champion_s_value_needs_that_value() {
        let bound = Bound::Better {
            margin: 0.1,
            relative: true,
        };
        assert_eq!(bound.allowed(None), None);
        assert_eq!(bound.allowed(Some(20.0)), Some([f64::NEG_INFINITY, -2.0]));
    }
}
