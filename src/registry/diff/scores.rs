use serde::Serialize;

use crate::content::Digest;
use crate::domain::Prediction;
use crate::scoring::{Evidence, Metric, PairedDifference, Score, Scorecard, paired};

/// How good two versions were found to be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Under the same protocol.
    Compared {
        /// Digest of the protocol.
        protocol: Digest,
        /// The protocol in words.
        judged: String,
        /// Every score of either, in the order of a scorecard.
        rows: Vec<ScoreChange>,
    },
    /// Under other protocols; the scores are not comparable, and so not told side by side.
    Unlike {
        /// Digest and words of the first version's protocol.
        a: (Digest, String),
        /// Digest and words of the second version's protocol.
        b: (Digest, String),
    },
}

/// One score of two versions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreChange {
    /// What was measured.
    pub metric: Metric,
    /// The first version's score, where it has one.
    pub a: Option<Score>,
    /// The second version's.
    pub b: Option<Score>,
    /// The second version's value less the first's.
    pub difference: Option<f64>,
    /// How much worse the second version is on the same units, with its interval; negative is better.
    pub worse: Option<PairedDifference>,
}

/// Compares two scorecards with the predictions they were computed from.
pub(super) fn compare(a: (&Scorecard, &[Prediction]), b: (&Scorecard, &[Prediction])) -> Scores {
    if a.0.protocol_digest != b.0.protocol_digest {
        let told = |card: &Scorecard| (card.protocol_digest, card.protocol.to_string());
        return Scores::Unlike { a: told(a.0), b: told(b.0) };
    }
    let [ours, theirs] = [b, a].map(|(card, predictions)| Evidence { predictions, protocol: &card.protocol });
    let row = |metric| {
        let scores = (a.0.score(metric).copied(), b.0.score(metric).copied());
        let difference = scores.0.zip(scores.1).map(|(a, b)| b.value - a.value);
        // A score that only one of them has, or without a finite value, has no difference.
        let worse = paired(metric, ours, theirs, &b.0.bootstrap, b.0.seed).ok().filter(|_| difference.is_some());
        ScoreChange { metric, a: scores.0, b: scores.1, difference, worse }
    };
    let rows = Metric::ALL.into_iter().map(row).filter(|row| row.a.is_some() || row.b.is_some());
    Scores::Compared { protocol: a.0.protocol_digest, judged: a.0.protocol.to_string(), rows: rows.collect() }
}
