//! Verdicts.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PairedDifference, Score};

/// The result of comparing an interval with a limit.
///
/// A verdict is `Pass` only if the whole interval is on the good side of the limit, `Fail` only if the whole interval is on
/// the bad side, and `Undecided` if the limit is inside. With a two-sided interval at confidence c, a model exactly at the
/// limit passes with probability (1 − c) / 2 in the long run: 2.5 % at 0.95. With a limit of NaN the verdict is `Undecided`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The units show that the limit is kept.
    Pass,
    /// The units show that the limit is broken.
    Fail,
    /// The units show neither.
    Undecided,
}

/// Judges "at most `limit`": passes if the upper end is at most the limit, fails if the lower end is above it.
pub fn judge_upper_bound(score: &Score, limit: f64) -> Verdict {
    judge(score.upper <= limit, score.lower > limit)
}

/// Judges "at least `limit`": passes if the lower end is at least the limit, fails if the upper end is below it.
pub fn judge_lower_bound(score: &Score, limit: f64) -> Verdict {
    judge(score.lower >= limit, score.upper < limit)
}

/// Judges "from `low` to `high`": passes if the interval is inside, fails if it is completely outside.
pub fn judge_between(score: &Score, low: f64, high: f64) -> Verdict {
    judge(
        low <= score.lower && score.upper <= high,
        score.upper < low || score.lower > high,
    )
}

/// Judges "worse by at most `margin`": passes if the upper end of the difference is at most the margin, fails if the lower
/// end is above it.
///
/// The margin is in the metric's unit. Zero requires proof that the challenger is not worse, a negative margin proof that it
/// is better by this amount.
pub fn judge_non_inferior(difference: &PairedDifference, margin: f64) -> Verdict {
    judge(difference.upper <= margin, difference.lower > margin)
}

fn judge(kept: bool, broken: bool) -> Verdict {
    match (kept, broken) {
        (true, _) => Verdict::Pass,
        (_, true) => Verdict::Fail,
        _ => Verdict::Undecided,
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Undecided => "undecided",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Fail, Pass, Undecided};
    use super::*;
    use crate::scoring::Metric;

    const SCORE: Score = Score {
        metric: Metric::Rmse,
        value: 13.0,
        lower: 11.0,
        upper: 15.0,
    };

    #[test]
    fn a_limit_inside_the_interval_is_undecided() {
        assert_eq!(
            [16.0, 15.0, 14.9, 11.0, 10.9].map(|l| judge_upper_bound(&SCORE, l)),
            [Pass, Pass, Undecided, Undecided, Fail]
        );
        assert_eq!(
            [10.0, 11.0, 11.1, 15.0, 15.1].map(|l| judge_lower_bound(&SCORE, l)),
            [Pass, Pass, Undecided, Undecided, Fail]
        );
        let ranges = [
            (10.0, 16.0),
            (11.0, 15.0),
            (12.0, 16.0),
            (12.0, 13.0),
            (0.0, 10.0),
            (16.0, 20.0),
        ];
        assert_eq!(
            ranges.map(|(low, high)| judge_between(&SCORE, low, high)),
            [Pass, Pass, Undecided, Undecided, Fail, Fail]
        );
        assert_eq!(judge_upper_bound(&SCORE, f64::NAN), Undecided);
    }

    #[test]
    fn a_margin_moves_the_verdict_on_a_difference() {
        let difference = PairedDifference {
            metric: Metric::Rmse,
            challenger: 12.0,
            champion: 11.5,
            difference: 0.5,
            lower: -0.2,
            upper: 1.2,
            probability_better: 0.1,
            units: 100,
        };
        let margins = [1.5, 1.2, 0.0, -0.3, difference.relative_margin(0.11)];
        assert_eq!(
            margins.map(|m| judge_non_inferior(&difference, m)),
            [Pass, Pass, Undecided, Fail, Pass]
        );
    }
}
