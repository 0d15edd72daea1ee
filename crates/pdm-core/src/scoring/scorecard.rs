//! Scorecards.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bands::{Band, bands};
use super::bootstrap::{self, Score, resample};
use super::options::refuse;
use super::paired::require_spread;
use super::rows::{ScoredRow, admit};
use super::totals::Totals;
use super::warnings::warnings;
use super::{BootstrapOptions, Metric, Protocol, ScoringError};
use crate::content::{Digest, digest_of};
use crate::domain::{Prediction, UnitId};

/// The scores of a model's predictions under a protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scorecard {
    /// What was scored.
    pub protocol: Protocol,
    /// Digest of the protocol; only cards with the same one can be compared.
    pub protocol_digest: Digest,
    /// Digest of the predictions, in order of unit and cycle.
    pub predictions_digest: Digest,
    /// Number of units.
    pub units: usize,
    /// Number of cuts.
    pub rows: usize,
    /// How the intervals of the scores were computed.
    pub bootstrap: BootstrapOptions,
    /// Seed of the resamples.
    pub seed: u64,
    /// The scores, in the order of [`Metric::ALL`]; a metric without a finite value is absent.
    pub scores: Vec<Score>,
    /// The scores of a trivial model.
    pub baseline: Baseline,
    /// The scores by true remaining useful life.
    pub bands: Vec<Band>,
    /// Warnings about the statistics, one sentence each.
    pub warnings: Vec<String>,
    /// The scores of each group of units, in order of name; empty without groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupScores>,
}

/// The scores of one group of units, such as a subset of a pooled data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupScores {
    /// Name of the group.
    pub name: String,
    /// Number of units.
    pub units: usize,
    /// The scores, in the order of [`Metric::ALL`]; empty for a single unit, which has no spread.
    pub scores: Vec<Score>,
    /// The scores by true remaining useful life.
    #[serde(default)]
    pub bands: Vec<Band>,
}

/// The scores of the same constant predicted for every unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The constant, in cycles, before clipping.
    pub prediction: f64,
    /// Its scores, in the order of [`Metric::ALL`].
    pub scores: Vec<Score>,
}

/// Scores predictions under a protocol, and those of a constant `baseline` in cycles.
///
/// The best constant is the mean of the training truths, capped by the protocol.
///
/// # Errors
/// Predictions without truth, with numbers that are not finite, twice for one cycle, or not for every unit; some predictions
/// with an interval and some without; fewer than 2 units; an invalid protocol or option.
pub fn score(
    predictions: &[Prediction],
    protocol: Protocol,
    baseline: f64,
    options: &BootstrapOptions,
    seed: u64,
) -> Result<Scorecard, ScoringError> {
    refuse(options.problems())?;
    if !baseline.is_finite() {
        return Err(ScoringError::Baseline(baseline));
    }
    let rows = admit(predictions, &protocol)?;
    let totals = Totals::by_unit(&rows);
    require_spread(totals.len())?;
    let scores = scores(&totals, options, seed);
    let baseline = Baseline {
        prediction: baseline,
        scores: self::scores(
            &Totals::by_unit(&constant(&rows, baseline, &protocol)),
            options,
            seed,
        ),
    };
    Ok(Scorecard {
        protocol_digest: protocol.digest(),
        predictions_digest: digest_in_order(predictions),
        units: totals.len(),
        rows: rows.len(),
        bootstrap: options.clone(),
        seed,
        bands: bands(&rows, protocol.clip.upper),
        warnings: warnings(
            predictions,
            &rows,
            &totals,
            &protocol,
            &scores,
            &baseline.scores,
        ),
        protocol,
        scores,
        baseline,
        groups: Vec::new(),
    })
}

impl Scorecard {
    /// Returns the score of a metric, if it has one.
    pub fn score(&self, metric: Metric) -> Option<&Score> {
        self.scores.iter().find(|score| score.metric == metric)
    }

    /// Returns this card with the scores of each group of units; a unit without a group counts only in the total.
    ///
    /// `predictions` must be those of the card.
    ///
    /// # Errors
    /// Those of [`score`].
    pub fn by_group<'g>(
        mut self,
        predictions: &[Prediction],
        group_of: impl Fn(&UnitId) -> Option<&'g str>,
    ) -> Result<Self, ScoringError> {
        let mut groups: BTreeMap<&str, Vec<ScoredRow>> = BTreeMap::new();
        for row in admit(predictions, &self.protocol)? {
            if let Some(group) = group_of(&row.unit) {
                groups.entry(group).or_default().push(row);
            }
        }
        let most = self.protocol.clip.upper;
        let of_group = |(name, rows): (&str, Vec<ScoredRow>)| {
            let totals = Totals::by_unit(&rows);
            let spread = require_spread(totals.len()).is_ok();
            let scores = if spread {
                scores(&totals, &self.bootstrap, self.seed)
            } else {
                Vec::new()
            };
            GroupScores {
                name: name.to_owned(),
                units: totals.len(),
                scores,
                bands: bands(&rows, most),
            }
        };
        self.groups = groups.into_iter().map(of_group).collect();
        Ok(self)
    }

    /// Refuses a comparison with a card under another protocol.
    ///
    /// # Errors
    /// [`ScoringError::UnlikeProtocols`] with both.
    pub fn require_comparable(&self, other: &Self) -> Result<(), ScoringError> {
        self.protocol.require_same(&other.protocol)
    }
}

impl GroupScores {
    /// Returns the score of a metric, if it has one.
    pub fn score(&self, metric: Metric) -> Option<&Score> {
        self.scores.iter().find(|score| score.metric == metric)
    }
}

impl Baseline {
    /// Returns the score of a metric, if it has one.
    pub fn score(&self, metric: Metric) -> Option<&Score> {
        self.scores.iter().find(|score| score.metric == metric)
    }
}

fn scores(units: &[Totals], options: &BootstrapOptions, seed: u64) -> Vec<Score> {
    let sum = Totals::sum(units);
    let resamples = resample(units, options, seed);
    let score = |metric| bootstrap::score(metric, &sum, &resamples, options.confidence);
    Metric::ALL.into_iter().filter_map(score).collect()
}

fn constant(rows: &[ScoredRow], prediction: f64, protocol: &Protocol) -> Vec<ScoredRow> {
    let predicted = prediction.max(protocol.clip.lower).min(protocol.clip.upper);
    rows.iter()
        .map(|row| ScoredRow {
            predicted,
            interval: None,
            ..row.clone()
        })
        .collect()
}

fn digest_in_order(predictions: &[Prediction]) -> Digest {
    let mut sorted: Vec<_> = predictions.iter().collect();
    sorted.sort_by(|a, b| (&a.unit, a.cycle).cmp(&(&b.unit, b.cycle)));
    digest_of(&sorted).expect("names and finite numbers have a JSON form")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Interval;
    use crate::scoring::samples::{fleet, out_of_fold_protocol, prediction, test_protocol};

    fn card(predictions: &[Prediction]) -> Scorecard {
        score(
            predictions,
            test_protocol(predictions.len()),
            60.0,
            &BootstrapOptions::default(),
            1,
        )
        .unwrap()
    }

    #[test]
    fn a_group_is_scored_as_if_it_were_alone_and_a_single_unit_has_no_spread() {
        let predictions = fleet(40, 3, 5);
        let whole = score(
            &predictions,
            out_of_fold_protocol(40, 3),
            60.0,
            &BootstrapOptions::default(),
            1,
        )
        .unwrap();
        let group_of = |unit: &UnitId| match unit.number().unwrap() {
            1..=25 => Some("a"),
            26 => Some("b"),
            _ => None,
        };
        let grouped = whole.clone().by_group(&predictions, group_of).unwrap();
        assert_eq!(
            Scorecard {
                groups: Vec::new(),
                ..grouped.clone()
            },
            whole
        );
        let alone: Vec<_> = predictions
            .iter()
            .filter(|p| group_of(&p.unit) == Some("a"))
            .cloned()
            .collect();
        let alone = score(
            &alone,
            out_of_fold_protocol(25, 3),
            60.0,
            &BootstrapOptions::default(),
            1,
        )
        .unwrap();
        let expected = GroupScores {
            name: "a".to_owned(),
            units: 25,
            scores: alone.scores,
            bands: alone.bands,
        };
        assert_eq!(grouped.groups[0], expected);
        let single = &grouped.groups[1];
        assert_eq!(
            (single.name.as_str(), single.units, single.scores.len()),
            ("b", 1, 0)
        );
        assert_eq!(single.bands.iter().map(|band| band.rows).sum::<usize>(), 3);
        assert!(!serde_json::to_string(&whole).unwrap().contains("groups"));
        let back: Scorecard =
            serde_json::from_str(&serde_json::to_string(&grouped).unwrap()).unwrap();
        assert_eq!(back, grouped);
    }

    #[test]
    fn the_order_of_predictions_does_not_matter_and_json_keeps_the_card() {
        let mut predictions = fleet(60, 1, 2);
        let there = card(&predictions);
        predictions.reverse();
        assert_eq!(there, card(&predictions));
        let json = serde_json::to_string(&there).unwrap();
        assert_eq!(serde_json::from_str::<Scorecard>(&json).unwrap(), there);
    }

    #[test]
    fn numbers_are_the_same_at_any_thread_count() {
        let predictions = fleet(60, 4, 2);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let protocol = out_of_fold_protocol(60, 4);
            pool.install(|| {
                score(
                    &predictions,
                    protocol,
                    60.0,
                    &BootstrapOptions::default(),
                    9,
                )
                .unwrap()
            })
        };
        assert_eq!(
            serde_json::to_string(&on(1)).unwrap(),
            serde_json::to_string(&on(3)).unwrap()
        );
    }

    #[test]
    fn a_constant_model_scores_like_the_baseline_and_is_warned_about() {
        let predictions: Vec<_> = (1..=60)
            .map(|unit| prediction(unit, 30, 60.0, f64::from(unit)))
            .collect();
        let card = card(&predictions);
        assert_eq!(card.scores, card.baseline.scores);
        assert!(
            card.warnings
                .contains(&"the model is no better than a constant prediction".to_owned())
        );
    }

    #[test]
    fn interval_metrics_are_there_only_with_intervals() {
        let mut predictions = fleet(30, 1, 2);
        assert_eq!(card(&predictions).score(Metric::Coverage), None);
        for p in &mut predictions {
            p.interval = Some(Interval {
                lower: p.truth.unwrap() - 1.0,
                upper: p.truth.unwrap() + 3.0,
            });
        }
        let card = card(&predictions);
        assert_eq!(
            card.score(Metric::IntervalWidth)
                .map(|score| score.value.round()),
            Some(4.0)
        );
        let coverage = card.score(Metric::Coverage).unwrap();
        // All 30 hold; scipy.stats.beta.ppf(0.025, 30, 1)
        assert!(
            (coverage.lower - 0.884_296_691_777_972_5).abs() < 1e-9,
            "{coverage:?}"
        );
        assert_eq!((coverage.value, coverage.upper), (1.0, 1.0));
    }

    #[test]
    fn unreliable_statistics_are_reported() {
        let one = score(
            &fleet(1, 1, 2),
            test_protocol(1),
            60.0,
            &BootstrapOptions::default(),
            1,
        );
        assert_eq!(one, Err(ScoringError::TooFewUnits { units: 1, need: 2 }));
        assert!(card(&fleet(5, 1, 2)).warnings[0].starts_with("only 5 units"));
        let mut predictions: Vec<_> = (1..=40)
            .map(|unit| prediction(unit, 30, 60.0, 61.0))
            .collect();
        predictions[7].rul = 125.0;
        predictions[9].truth = Some(140.0);
        assert_eq!(
            card(&predictions).warnings,
            [
                "1 of 40 truths are above 125 cycles, the largest possible prediction",
                "the model is no better than a constant prediction",
                "2 of 40 units contribute 100 % of the NASA score",
            ]
        );
    }

    #[test]
    fn an_unsuitable_cap_is_reported() {
        let warnings = |truth: f64, cap: f64| {
            let clip = Interval {
                lower: 0.0,
                upper: cap,
            };
            let protocol = Protocol {
                truth_cap: Some(cap),
                clip,
                ..out_of_fold_protocol(30, 1)
            };
            let predictions: Vec<_> = (1..=30)
                .map(|unit| prediction(unit, 15, truth.min(cap) - 1.0, truth - f64::from(unit % 7)))
                .collect();
            score(
                &predictions,
                protocol,
                60.0,
                &BootstrapOptions::default(),
                1,
            )
            .unwrap()
            .warnings
        };
        assert_eq!(
            warnings(2000.0, 125.0)[1],
            "30 of 30 truths are above target.cap = 125 and count as 125, so the scores say little about them; the longest is \
            2000; target.cap = \"auto\" caps none of them"
        );
        assert_eq!(
            warnings(17.0, 125.0)[1],
            "target.cap = 125 is far above the longest truth, 17: predictions may be as large as the cap; target.cap = \"auto\" \
            adapts it to the lives"
        );
        let suited = warnings(120.0, 125.0);
        assert_eq!(
            suited,
            ["no cut is before cycle 15, so earlier predictions are not scored"]
        );
    }

    #[test]
    fn a_score_beyond_the_range_of_numbers_is_left_out() {
        let predictions = [
            prediction(1, 30, 60.0, 61.0),
            prediction(2, 30, 60.0, 20_000.0),
        ];
        let card = card(&predictions);
        assert_eq!(
            (card.score(Metric::NasaScore), card.score(Metric::NasaMean)),
            (None, None)
        );
        assert!(card.score(Metric::Rmse).is_some());
        assert!(
            card.warnings
                .contains(&"nasa_score has no finite value and is left out".to_owned())
        );
    }

    #[test]
    fn unlike_cards_are_not_compared() {
        let (all, fewer) = (card(&fleet(30, 1, 2)), card(&fleet(29, 1, 2)));
        assert!(all.require_comparable(&all.clone()).is_ok());
        let message = all.require_comparable(&fewer).unwrap_err().to_string();
        assert!(
            message.contains(&all.protocol_digest.short())
                && message.contains(&fewer.protocol_digest.short())
        );
    }

    #[test]
    fn bad_options_and_baselines_are_refused_before_any_work() {
        let options = BootstrapOptions {
            resamples: 0,
            ..Default::default()
        };
        let run = |options: &BootstrapOptions, baseline| {
            score(&fleet(5, 1, 1), test_protocol(5), baseline, options, 1)
        };
        assert!(matches!(
            run(&options, 60.0),
            Err(ScoringError::Options { .. })
        ));
        assert!(matches!(
            run(&BootstrapOptions::default(), f64::NAN),
            Err(ScoringError::Baseline(_))
        ));
    }
}
