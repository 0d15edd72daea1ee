//! Compares two scorecards, with the paired interval of the difference of every score.

use serde::Serialize;

use super::{
    ComparedPredictions, Metric, PairedDifference, Protocol, Score, Scorecard, ScoringError, paired,
};
use crate::content::Digest;
use crate::domain::Prediction;

/// A comparison of two models.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SideBySide {
    /// Under the same protocol.
    Compared {
        /// Digest of the protocol.
        protocol: Digest,
        /// The protocol in words.
        judged: String,
        /// Number of units both models predict.
        units: usize,
        /// Every score of either, in the order of a scorecard.
        rows: Vec<ScoreChange>,
        /// Why the predictions cannot be paired, if so; then no row has an interval.
        #[serde(skip_serializing_if = "Option::is_none")]
        unpaired: Option<String>,
    },
    /// Under different protocols; the scores are not comparable, and therefore omitted.
    Unlike {
        /// Digest and words of the first model's protocol.
        a: (Digest, String),
        /// Digest and words of the second model's protocol.
        b: (Digest, String),
        /// The differences of the protocols, one fragment each.
        differ: Vec<String>,
    },
}

/// One score of two models.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreChange {
    /// What was measured.
    pub metric: Metric,
    /// The first model's score, if it has one.
    pub a: Option<Score>,
    /// The second model's score.
    pub b: Option<Score>,
    /// The second model's value minus the first's.
    pub difference: Option<f64>,
    /// How much worse the second model is on the same units, with its interval; negative is better.
    pub worse: Option<PairedDifference>,
}

/// A scorecard with the predictions it was computed from.
#[derive(Debug, Clone, Copy)]
pub struct Scored<'a> {
    /// The scorecard.
    pub card: &'a Scorecard,
    /// The predictions.
    pub predictions: &'a [Prediction],
}

impl<'a> Scored<'a> {
    fn evidence(self) -> ComparedPredictions<'a> {
        ComparedPredictions {
            predictions: self.predictions,
            protocol: &self.card.protocol,
        }
    }
}

/// Compares two models score by score; units are resampled with the options of the second one's scorecard.
pub fn side_by_side(a: Scored<'_>, b: Scored<'_>) -> SideBySide {
    if a.card.protocol_digest != b.card.protocol_digest {
        let describe = |card: &Scorecard| (card.protocol_digest, card.protocol.to_string());
        let differ = differences(&a.card.protocol, &b.card.protocol);
        return SideBySide::Unlike {
            a: describe(a.card),
            b: describe(b.card),
            differ,
        };
    }
    let mut unpaired = None;
    let mut rows = Vec::new();
    for metric in Metric::ALL {
        let score_a = a.card.score(metric).copied();
        let score_b = b.card.score(metric).copied();
        if score_a.is_none() && score_b.is_none() {
            continue;
        }
        let difference = score_a.zip(score_b).map(|(a, b)| b.value - a.value);
        let worse = match paired(
            metric,
            b.evidence(),
            a.evidence(),
            &b.card.bootstrap,
            b.card.seed,
        ) {
            // A score that only one of them has, or without a finite value, has no difference.
            Ok(worse) => difference.map(|_| worse),
            Err(ScoringError::Undefined(_)) => None,
            Err(error) => {
                unpaired.get_or_insert(error.to_string());
                None
            }
        };
        rows.push(ScoreChange {
            metric,
            a: score_a,
            b: score_b,
            difference,
            worse,
        });
    }
    let protocol = a.card.protocol_digest;
    let judged = a.card.protocol.to_string();
    SideBySide::Compared {
        protocol,
        judged,
        units: a.card.units,
        rows,
        unpaired,
    }
}

/// Returns the differences of two protocols, one fragment each.
fn differences(a: &Protocol, b: &Protocol) -> Vec<String> {
    // Destructured, so that a new field of the protocol is not forgotten here.
    let Protocol {
        part,
        data,
        units,
        cuts,
        truth_cap,
        clip,
        short_units,
    } = a;
    let mut differ = Vec::new();
    let mut compare_field = |what: &str, a: String, b: String| {
        if a != b {
            differ.push(format!("{what}: {a} against {b}"));
        }
    };
    let cap =
        |cap: Option<f64>| cap.map_or("uncapped".to_owned(), |cap| format!("capped at {cap}"));
    compare_field("part", part.to_string(), b.part.to_string());
    compare_field("data", data.short(), b.data.short());
    compare_field("units", units.to_string(), b.units.to_string());
    compare_field("cuts", cuts.to_string(), b.cuts.to_string());
    compare_field("truth", cap(*truth_cap), cap(b.truth_cap));
    let range = |lower: f64, upper: f64| format!("[{lower}, {upper}]");
    compare_field(
        "predictions clipped to",
        range(clip.lower, clip.upper),
        range(b.clip.lower, b.clip.upper),
    );
    compare_field(
        "short units",
        short_units.to_string(),
        b.short_units.to_string(),
    );
    differ
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::samples::{prediction, test_protocol, wavy_errors};
    use crate::scoring::{BootstrapOptions, score};

    fn predictions(scale: f64) -> Vec<Prediction> {
        (1..)
            .zip(wavy_errors(60))
            .map(|(unit, d)| prediction(unit, 50, 60.0 + scale * d, 60.0))
            .collect()
    }

    fn card(predictions: &[Prediction], protocol: Protocol) -> Scorecard {
        score(predictions, protocol, 60.0, &BootstrapOptions::default(), 7).unwrap()
    }

    #[test]
    fn every_score_has_its_paired_interval() {
        let (a, b) = (predictions(1.0), predictions(0.8));
        let (card_a, card_b) = (card(&a, test_protocol(60)), card(&b, test_protocol(60)));
        let found = side_by_side(
            Scored {
                card: &card_a,
                predictions: &a,
            },
            Scored {
                card: &card_b,
                predictions: &b,
            },
        );
        let SideBySide::Compared {
            units,
            rows,
            unpaired,
            ..
        } = found
        else {
            panic!("{found:?}")
        };
        assert_eq!((units, unpaired), (60, None));
        let metrics: Vec<_> = rows.iter().map(|row| row.metric).collect();
        assert_eq!(
            metrics,
            card_a
                .scores
                .iter()
                .map(|score| score.metric)
                .collect::<Vec<_>>()
        );
        let rmse = rows.iter().find(|row| row.metric == Metric::Rmse).unwrap();
        let worse = rmse.worse.unwrap();
        assert!(worse.upper < 0.0 && worse.units == 60, "{worse:?}");
        assert!((rmse.difference.unwrap() - worse.difference).abs() < 1e-12);
    }

    #[test]
    fn unlike_protocols_are_refused_with_what_differs() {
        let a = predictions(1.0);
        let capped = Protocol {
            truth_cap: Some(125.0),
            ..test_protocol(60)
        };
        let (card_a, card_b) = (card(&a, test_protocol(60)), card(&a, capped));
        let found = side_by_side(
            Scored {
                card: &card_a,
                predictions: &a,
            },
            Scored {
                card: &card_b,
                predictions: &a,
            },
        );
        let SideBySide::Unlike { differ, .. } = found else {
            panic!("{found:?}")
        };
        assert_eq!(differ, ["truth: uncapped against capped at 125"]);
    }

    #[test]
    fn predictions_of_other_units_are_reported() {
        let a = predictions(1.0);
        let mut b = a.clone();
        b[0].unit = crate::domain::UnitId::from(77);
        let (card_a, card_b) = (card(&a, test_protocol(60)), card(&b, test_protocol(60)));
        let found = side_by_side(
            Scored {
                card: &card_a,
                predictions: &a,
            },
            Scored {
                card: &card_b,
                predictions: &b,
            },
        );
        let SideBySide::Compared { rows, unpaired, .. } = found else {
            panic!("{found:?}")
        };
        assert!(unpaired.unwrap().contains("is predicted by one model only"));
        assert!(rows.iter().all(|row| row.worse.is_none()));
    }
}
