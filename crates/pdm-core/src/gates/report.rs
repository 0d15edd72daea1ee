//! The report of the gates.

use serde::{Deserialize, Serialize};

use super::options::GateOptions;
use crate::content::{Digest, digest_of};
use crate::scoring::{PairedDifference, Score, Verdict};

/// The verdicts of the gates on a challenger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    /// Bundle of the challenger.
    pub challenger: Digest,
    /// Scorecard of the challenger.
    pub scorecard: Digest,
    /// Version it was compared with; `None` if the alias pointed to no version.
    pub champion: Option<Champion>,
    /// Protocol of the challenger's scores.
    pub protocol: Digest,
    /// Overall verdict: `fail` if a gate fails, else `undecided` if one is undecided, else `pass`.
    pub verdict: Verdict,
    /// The gates, in order.
    pub rows: Vec<GateRow>,
}

/// The version a challenger was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Champion {
    /// Number of the version.
    pub version: u32,
    /// Its bundle.
    pub bundle: Digest,
}

/// One gate and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateRow {
    /// The gate.
    pub gate: GateOptions,
    /// Its verdict.
    pub verdict: Verdict,
    /// What was judged; `None` if there was nothing to judge.
    pub observed: Option<Observed>,
    /// Number of units of the interval.
    pub units: usize,
    /// The verdict in one sentence, without a period.
    pub explanation: String,
}

/// What a gate judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// The challenger's own score.
    Score(Score),
    /// The difference from the champion on the same units.
    Difference(PairedDifference),
}

impl Observed {
    /// Returns the value between the ends of its interval: a score, or a difference of which negative is better.
    pub fn numbers(&self) -> [f64; 3] {
        match self {
            Self::Score(score) => [score.lower, score.value, score.upper],
            Self::Difference(worse) => [worse.lower, worse.difference, worse.upper],
        }
    }
}

impl GateReport {
    /// Returns the digest of the canonical form.
    ///
    /// # Panics
    /// Never: a struct of numbers and names has a JSON form.
    pub fn digest(&self) -> Digest {
        digest_of(self).expect("a struct of numbers and names has a JSON form")
    }

    /// Returns the gates that were judged.
    pub fn gates(&self) -> Vec<GateOptions> {
        self.rows.iter().map(|row| row.gate.clone()).collect()
    }

    /// Returns the sentences of the gates with this verdict.
    pub fn reasons(&self, verdict: Verdict) -> String {
        let rows = self.rows.iter().filter(|row| row.verdict == verdict);
        rows.map(|row| row.explanation.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// Returns the verdict over all rows.
pub fn overall(rows: &[GateRow]) -> Verdict {
    let any = |verdict| rows.iter().any(|row| row.verdict == verdict);
    if any(Verdict::Fail) {
        Verdict::Fail
    } else if any(Verdict::Undecided) {
        Verdict::Undecided
    } else {
        Verdict::Pass
    }
}
