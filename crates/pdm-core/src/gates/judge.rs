//! Judges a model by gates.

use super::explain::{self, GateLimit};
use super::options::{GateOptions, Rule};
use super::report::{Champion, GateReport, GateRow, Observed, overall};
use crate::content::{Digest, digest_of};
use crate::domain::Prediction;
use crate::scoring::{
    ComparedPredictions, FEWEST_FOR_PENALTIES, Metric, PairedDifference, Protocol, Score,
    Scorecard, ScoringError, Verdict, fewest_units, judge_between, judge_lower_bound,
    judge_non_inferior, judge_upper_bound, proven_difference, proven_score,
};

/// A bundle with its scores, on one side of a comparison.
#[derive(Debug, Clone, Copy)]
pub struct Contender<'a> {
    /// The bundle.
    pub bundle: Digest,
    /// Its scorecard.
    pub scorecard: &'a Scorecard,
    /// The predictions the scorecard was computed from.
    pub predictions: &'a [Prediction],
}

/// The model that a challenger is compared with.
#[derive(Debug, Clone, Copy)]
pub enum Opponent<'a> {
    /// The alias points to no version yet.
    NoChampion,
    /// The alias points to the challenger itself, by its number.
    Itself(u32),
    /// The alias points to another version, by its number.
    Version(u32, Contender<'a>),
}

/// Judges a challenger by every gate, against the champion if there is one.
///
/// Comparisons resample units with the options of the challenger's scorecard, so judging again gives the same report.
/// A gate that cannot be computed does not pass: a gate on a score that the card lacks fails, as does a comparison of cards
/// with different units or truths; a comparison under different protocols, or over too few units, is undecided. A bundle is
/// never worse than itself, however it was scored.
pub fn judge(
    gates: &[GateOptions],
    challenger: Contender<'_>,
    opponent: Opponent<'_>,
) -> GateReport {
    let comparer = Comparer {
        challenger,
        opponent,
    };
    let rows: Vec<_> = gates.iter().map(|gate| comparer.row(gate)).collect();
    GateReport {
        challenger: challenger.bundle,
        champion: match opponent {
            Opponent::NoChampion => None,
            Opponent::Itself(version) => Some(Champion {
                version,
                bundle: challenger.bundle,
            }),
            Opponent::Version(version, champion) => Some(Champion {
                version,
                bundle: champion.bundle,
            }),
        },
        scorecard: challenger.card_digest(),
        protocol: challenger.scorecard.protocol_digest,
        verdict: overall(&rows),
        rows,
    }
}

struct Comparer<'a> {
    challenger: Contender<'a>,
    opponent: Opponent<'a>,
}

impl Comparer<'_> {
    fn row(&self, gate: &GateOptions) -> GateRow {
        let finding = match gate.rule {
            Rule::AtMost | Rule::AtLeast | Rule::Between => self.by_itself(gate),
            Rule::NonInferior | Rule::Better => self.compared(gate),
        };
        let GateFinding {
            verdict,
            observed,
            explanation,
        } = finding;
        GateRow {
            gate: gate.clone(),
            verdict,
            observed,
            units: self.challenger.scorecard.units,
            explanation,
        }
    }

    fn by_itself(&self, gate: &GateOptions) -> GateFinding {
        let card = self.challenger.scorecard;
        let (Some(limit), true) = (GateLimit::of(gate), gate.problems().is_empty()) else {
            return GateFinding::without(Verdict::Fail, explain::impossible(gate));
        };
        if card.score(gate.metric).is_none() {
            return GateFinding::without(Verdict::Fail, explain::no_value(gate.metric));
        }
        let evidence = self.challenger.evidence();
        let score = match proven_score(gate.metric, evidence, &card.bootstrap, card.seed) {
            Ok(score) => score,
            Err(error @ ScoringError::TooFewUnits { .. }) => {
                return GateFinding::without(
                    Verdict::Undecided,
                    explain::unscored(gate.metric, &error),
                );
            }
            Err(error) => {
                return GateFinding::without(Verdict::Fail, explain::unscored(gate.metric, &error));
            }
        };
        let observed = Some(Observed::Score(score));
        if let Some(needed) = self.lacking(gate) {
            let explanation = explain::too_few(gate, card.units, needed, card.bootstrap.confidence);
            return GateFinding {
                verdict: Verdict::Undecided,
                observed,
                explanation,
            };
        }
        let verdict = limit.judge(&score);
        let explanation = explain::score(verdict, &score, limit, card.units);
        GateFinding {
            verdict,
            observed,
            explanation,
        }
    }

    /// Returns how many units the gate needs, if there are fewer.
    fn lacking(&self, gate: &GateOptions) -> Option<usize> {
        let card = self.challenger.scorecard;
        let is_penalty = matches!(gate.metric, Metric::NasaScore | Metric::NasaMean);
        let fewest = fewest_units(card.bootstrap.confidence);
        let needed = if is_penalty && !gate.compares() {
            fewest.max(FEWEST_FOR_PENALTIES)
        } else {
            fewest
        };
        Some(needed).filter(|needed| card.units < *needed)
    }

    fn compared(&self, gate: &GateOptions) -> GateFinding {
        if !gate.problems().is_empty() {
            return GateFinding::without(Verdict::Fail, explain::impossible(gate));
        }
        let (version, champion) = match self.opponent {
            Opponent::Version(version, champion) => (version, champion),
            Opponent::Itself(version) => {
                return GateFinding::without(Verdict::Pass, explain::itself(version));
            }
            Opponent::NoChampion => {
                let verdict = gate.when_no_champion.verdict();
                return GateFinding::without(verdict, explain::no_champion(gate.when_no_champion));
            }
        };
        if champion.bundle == self.challenger.bundle {
            return GateFinding::without(Verdict::Pass, explain::same_bundle(version));
        }
        match self.difference(gate, champion) {
            Ok(difference) => {
                let observed = Some(Observed::Difference(difference));
                if let Some(needed) = self.lacking(gate) {
                    let confidence = self.challenger.scorecard.bootstrap.confidence;
                    let explanation = explain::too_few(gate, difference.units, needed, confidence);
                    return GateFinding {
                        verdict: Verdict::Undecided,
                        observed,
                        explanation,
                    };
                }
                let verdict = judge_difference(gate, &difference);
                let rescored = self.rescored(champion).is_some();
                let explanation =
                    explain::difference(verdict, &difference, gate, version, rescored);
                GateFinding {
                    verdict,
                    observed,
                    explanation,
                }
            }
            Err(
                error @ (ScoringError::TooFewUnits { .. } | ScoringError::UnlikeProtocols { .. }),
            ) => GateFinding::without(Verdict::Undecided, explain::incomparable(&error, version)),
            Err(error) => {
                GateFinding::without(Verdict::Fail, explain::incomparable(&error, version))
            }
        }
    }

    fn difference(
        &self,
        gate: &GateOptions,
        champion: Contender<'_>,
    ) -> Result<PairedDifference, ScoringError> {
        let Scorecard {
            bootstrap, seed, ..
        } = self.challenger.scorecard;
        let protocol = self
            .rescored(champion)
            .unwrap_or(&champion.scorecard.protocol);
        let champion = ComparedPredictions {
            predictions: champion.predictions,
            protocol,
        };
        proven_difference(
            gate.metric,
            self.challenger.evidence(),
            champion,
            bootstrap,
            *seed,
        )
    }

    /// Returns the challenger's protocol if the champion was scored under another one and can be scored again under this one,
    /// because its predictions are for the same units at the same cycles.
    fn rescored(&self, champion: Contender<'_>) -> Option<&Protocol> {
        let ours = &self.challenger.scorecard.protocol;
        let theirs = &champion.scorecard.protocol;
        Some(ours).filter(|ours| ours.digest() != theirs.digest() && ours.predicts_as(theirs))
    }
}

impl<'a> Contender<'a> {
    fn evidence(self) -> ComparedPredictions<'a> {
        ComparedPredictions {
            predictions: self.predictions,
            protocol: &self.scorecard.protocol,
        }
    }

    fn card_digest(self) -> Digest {
        digest_of(self.scorecard).expect("a struct of numbers and names has a JSON form")
    }
}

struct GateFinding {
    verdict: Verdict,
    observed: Option<Observed>,
    explanation: String,
}

impl GateFinding {
    fn without(verdict: Verdict, explanation: String) -> Self {
        Self {
            verdict,
            observed: None,
            explanation,
        }
    }
}

impl GateLimit {
    fn judge(self, score: &Score) -> Verdict {
        match self {
            Self::AtMost(limit) => judge_upper_bound(score, limit),
            Self::AtLeast(limit) => judge_lower_bound(score, limit),
            Self::Between(low, high) => judge_between(score, low, high),
        }
    }
}

fn judge_difference(gate: &GateOptions, difference: &PairedDifference) -> Verdict {
    let margin = if gate.relative {
        difference.relative_margin(gate.margin)
    } else {
        gate.margin
    };
    match gate.rule {
        Rule::NonInferior => return judge_non_inferior(difference, margin),
        // Gates with a limit compare nothing, and are not handled here.
        Rule::Better | Rule::AtMost | Rule::AtLeast | Rule::Between => {}
    }
    // Strict, unlike non-inferiority with a negative margin: a model is not better than itself.
    match (difference.upper < -margin, difference.lower >= -margin) {
        (true, _) => Verdict::Pass,
        (_, true) => Verdict::Fail,
        _ => Verdict::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Interval;
    use crate::gates::WhenNoChampion;
    use crate::gates::samples::{UNITS, card, predictions, protocol};
    use crate::scoring::{Metric, Protocol};

    struct ContenderScores {
        scorecard: Scorecard,
        predictions: Vec<Prediction>,
    }

    impl ContenderScores {
        fn new(scale: f64) -> Self {
            Self::of(predictions(scale), protocol())
        }

        fn of(predictions: Vec<Prediction>, protocol: Protocol) -> Self {
            Self {
                scorecard: card(&predictions, protocol),
                predictions,
            }
        }

        fn contender(&self) -> Contender<'_> {
            Contender {
                bundle: self.scorecard.predictions_digest,
                scorecard: &self.scorecard,
                predictions: &self.predictions,
            }
        }
    }

    fn row(
        gate: &GateOptions,
        challenger: &ContenderScores,
        champion: Option<&ContenderScores>,
    ) -> GateRow {
        let other = Digest::of("the champion's bundle");
        let opponent = match champion {
            Some(champion) => Opponent::Version(
                3,
                Contender {
                    bundle: other,
                    ..champion.contender()
                },
            ),
            None => Opponent::NoChampion,
        };
        let report = judge(std::slice::from_ref(gate), challenger.contender(), opponent);
        assert_eq!(report.verdict, report.rows[0].verdict);
        report.rows[0].clone()
    }

    fn gate(rule: Rule) -> GateOptions {
        GateOptions::new(Metric::Rmse, rule)
    }

    #[test]
    fn a_limit_is_judged_by_the_whole_interval() {
        let side = ContenderScores::new(1.0);
        let rmse = {
            let card = &side.scorecard;
            proven_score(
                Metric::Rmse,
                side.contender().evidence(),
                &card.bootstrap,
                card.seed,
            )
            .unwrap()
        };
        let verdicts = |gate: &dyn Fn(f64) -> GateOptions| {
            [rmse.lower - 0.1, rmse.value, rmse.upper + 0.1]
                .map(|limit| row(&gate(limit), &side, None).verdict)
        };
        use Verdict::{Fail, Pass, Undecided};
        let at_most = |limit| GateOptions {
            value: Some(limit),
            ..gate(Rule::AtMost)
        };
        assert_eq!(verdicts(&at_most), [Fail, Undecided, Pass]);
        let at_least = |limit| GateOptions {
            value: Some(limit),
            ..gate(Rule::AtLeast)
        };
        assert_eq!(verdicts(&at_least), [Pass, Undecided, Fail]);
        let between = |limit| GateOptions {
            low: Some(0.0),
            high: Some(limit),
            ..gate(Rule::Between)
        };
        assert_eq!(verdicts(&between), [Fail, Undecided, Pass]);
        let seen = row(&at_most(16.0), &side, None);
        assert_eq!(
            (seen.observed, seen.units),
            (Some(Observed::Score(rmse)), UNITS as usize)
        );
        let figures = format!(
            "{:.2} cycles, interval {:.2} to {:.2}",
            rmse.value, rmse.lower, rmse.upper
        );
        assert_eq!(
            seen.explanation,
            format!("rmse is at most 16: {figures}, 60 units")
        );
    }

    #[test]
    fn a_comparison_needs_proof_on_the_same_units() {
        let champion = ContenderScores::new(1.0);
        let non_inferior = GateOptions {
            margin: 0.5,
            ..gate(Rule::NonInferior)
        };
        let verdict = |gate: &GateOptions, scale| {
            row(gate, &ContenderScores::new(scale), Some(&champion)).verdict
        };
        assert_eq!(
            [0.9, 1.0, 1.06, 1.5].map(|scale| verdict(&non_inferior, scale)),
            [
                Verdict::Pass,
                Verdict::Pass,
                Verdict::Undecided,
                Verdict::Fail
            ]
        );
        assert_eq!(
            [0.9, 1.0, 1.1].map(|scale| verdict(&gate(Rule::Better), scale)),
            [Verdict::Pass, Verdict::Fail, Verdict::Fail]
        );
        let better_by = |margin| GateOptions {
            margin,
            relative: true,
            ..gate(Rule::Better)
        };
        assert_eq!(
            [0.05, 0.3].map(|margin| verdict(&better_by(margin), 0.9)),
            [Verdict::Pass, Verdict::Fail]
        );
        let words = row(
            &better_by(0.05),
            &ContenderScores::new(0.9),
            Some(&champion),
        )
        .explanation;
        assert!(
            words.starts_with("rmse is more than 5 % better than version 3: worse by -"),
            "{words}"
        );
    }

    #[test]
    fn the_first_model_has_no_champion_to_beat() {
        let seen = row(&gate(Rule::Better), &ContenderScores::new(1.0), None);
        assert_eq!((seen.verdict, seen.observed), (Verdict::Pass, None));
        let words = "there is no champion yet to compare with: nothing was compared, and the first model passes";
        assert_eq!(seen.explanation, words);
        let asked = |when_no_champion| {
            let gate = GateOptions {
                when_no_champion,
                ..gate(Rule::NonInferior)
            };
            row(&gate, &ContenderScores::new(1.0), None)
        };
        let seen = asked(WhenNoChampion::Undecided);
        assert!(
            seen.verdict == Verdict::Undecided && seen.explanation.contains("nothing was compared"),
            "{seen:?}"
        );
        assert_eq!(asked(WhenNoChampion::Fail).verdict, Verdict::Fail);
    }

    #[test]
    fn the_champion_is_not_compared_with_itself() {
        let side = ContenderScores::new(1.0);
        let gates = [
            gate(Rule::Better),
            GateOptions {
                value: Some(0.1),
                ..gate(Rule::AtMost)
            },
        ];
        let report = judge(&gates, side.contender(), Opponent::Itself(2));
        assert_eq!(report.rows[0].verdict, Verdict::Pass);
        assert_eq!(
            report.rows[0].explanation,
            "it is version 2, the champion itself, and is not compared with itself"
        );
        // Its own scores are judged as usual.
        assert_eq!(report.rows[1].verdict, Verdict::Fail);
    }

    #[test]
    fn too_few_units_are_reported_with_the_number_needed() {
        let of_few = |units: usize| {
            let few = predictions(0.5).into_iter().take(units).collect();
            ContenderScores::of(
                few,
                Protocol {
                    units,
                    ..protocol()
                },
            )
        };
        let worse = |units: usize| {
            let few = predictions(1.0).into_iter().take(units).collect();
            ContenderScores::of(
                few,
                Protocol {
                    units,
                    ..protocol()
                },
            )
        };
        let better = |units| row(&gate(Rule::Better), &of_few(units), Some(&worse(units)));
        let seen = better(5);
        assert_eq!(seen.verdict, Verdict::Undecided);
        assert_eq!(
            seen.explanation,
            "5 units are too few to judge rmse at 95 %: at least 6 are needed; score more units, or decide by hand"
        );
        assert_eq!(better(60).verdict, Verdict::Pass);
        let at_most = GateOptions {
            value: Some(1e6),
            ..gate(Rule::AtMost)
        };
        assert_eq!(
            [2, 5, 6].map(|units| row(&at_most, &of_few(units), None).verdict)[..2],
            [Verdict::Undecided; 2]
        );
        let penalty = GateOptions {
            value: Some(1e6),
            ..GateOptions::new(Metric::NasaMean, Rule::AtMost)
        };
        assert_eq!(
            [19, 20].map(|units| row(&penalty, &of_few(units), None).verdict),
            [Verdict::Undecided, Verdict::Pass]
        );
    }

    #[test]
    fn what_cannot_be_computed_does_not_pass() {
        let (side, champion) = (ContenderScores::new(1.0), ContenderScores::new(1.0));
        let coverage = GateOptions {
            value: Some(0.9),
            ..GateOptions::new(Metric::Coverage, Rule::AtLeast)
        };
        let seen = row(&coverage, &side, None);
        assert_eq!(seen.verdict, Verdict::Fail);
        assert_eq!(
            seen.explanation,
            "the scorecard has no coverage, which needs a calibrated model"
        );
        let seen = row(
            &GateOptions::new(Metric::Coverage, Rule::NonInferior),
            &side,
            Some(&champion),
        );
        assert_eq!(seen.verdict, Verdict::Fail);
        let seen = row(&gate(Rule::AtMost), &side, None);
        assert_eq!(seen.verdict, Verdict::Fail);
        assert_eq!(
            seen.explanation,
            "the gate cannot be judged: the rule `at_most` needs `value`"
        );
        let nonsense = GateOptions {
            margin: f64::NAN,
            ..gate(Rule::NonInferior)
        };
        assert_eq!(
            row(&nonsense, &side, Some(&champion)).verdict,
            Verdict::Fail
        );
    }

    #[test]
    fn different_protocols_are_undecided_with_advice() {
        let other = Protocol {
            data: Digest::of("other units"),
            ..protocol()
        };
        let seen = row(
            &gate(Rule::NonInferior),
            &ContenderScores::new(1.0),
            Some(&ContenderScores::of(predictions(1.0), other)),
        );
        assert_eq!(seen.verdict, Verdict::Undecided);
        for way in [
            "install a test part",
            "registry register --refused",
            "--force --reason",
        ] {
            assert!(seen.explanation.contains(way), "{}", seen.explanation);
        }
    }

    #[test]
    fn predictions_of_the_same_cuts_are_scored_again_under_another_cap() {
        let capped = Protocol {
            truth_cap: Some(50.0),
            clip: Interval {
                lower: 0.0,
                upper: 50.0,
            },
            ..protocol()
        };
        let champion = ContenderScores::of(predictions(1.0), capped);
        let gate = GateOptions {
            margin: 0.5,
            ..gate(Rule::NonInferior)
        };
        let seen = row(&gate, &ContenderScores::new(1.0), Some(&champion));
        assert_eq!(seen.verdict, Verdict::Pass);
        assert!(
            seen.explanation
                .ends_with("version 3 was scored again under this protocol"),
            "{}",
            seen.explanation
        );
        let Some(Observed::Difference(difference)) = seen.observed else {
            panic!("{seen:?}")
        };
        assert_eq!(
            (difference.difference, difference.challenger),
            (0.0, difference.champion)
        );
    }

    #[test]
    fn a_bundle_scored_again_is_not_compared_with_itself() {
        let capped = ContenderScores::of(
            predictions(1.0),
            Protocol {
                truth_cap: Some(50.0),
                ..protocol()
            },
        );
        let champion = Opponent::Version(3, capped.contender());
        let report = judge(
            &[gate(Rule::NonInferior)],
            ContenderScores::new(1.0).contender(),
            champion,
        );
        assert_eq!(
            report.rows[0].explanation,
            "it is the bundle of version 3, scored again"
        );
        assert_eq!(report.verdict, Verdict::Pass);
    }

    #[test]
    fn one_fail_outweighs_and_one_doubt_holds_back() {
        let (side, champion) = (ContenderScores::new(1.06), ContenderScores::new(1.0));
        let pass = GateOptions {
            value: Some(100.0),
            ..gate(Rule::AtMost)
        };
        let fail = GateOptions {
            value: Some(0.1),
            ..gate(Rule::AtMost)
        };
        let doubt = GateOptions {
            margin: 0.5,
            ..gate(Rule::NonInferior)
        };
        let verdict = |gates: &[&GateOptions]| {
            let gates: Vec<_> = gates.iter().map(|gate| (*gate).clone()).collect();
            judge(
                &gates,
                side.contender(),
                Opponent::Version(3, champion.contender()),
            )
            .verdict
        };
        assert_eq!(verdict(&[&pass, &pass]), Verdict::Pass);
        assert_eq!(verdict(&[&pass, &doubt]), Verdict::Undecided);
        assert_eq!(verdict(&[&doubt, &fail, &pass]), Verdict::Fail);
        assert_eq!(verdict(&[]), Verdict::Pass);
    }

    #[test]
    fn a_report_survives_json_and_judging_again_gives_the_same() {
        let interval = |p: Prediction| Prediction {
            interval: Some(Interval {
                lower: 40.0,
                upper: 80.0,
            }),
            ..p
        };
        let side = ContenderScores::of(
            predictions(0.97).into_iter().map(interval).collect(),
            protocol(),
        );
        let champion = ContenderScores::new(1.0);
        let gates = [
            GateOptions {
                margin: 0.1,
                relative: true,
                ..GateOptions::new(Metric::NasaScore, Rule::NonInferior)
            },
            GateOptions {
                low: Some(0.85),
                high: Some(1.0),
                ..GateOptions::new(Metric::Coverage, Rule::Between)
            },
        ];
        let report = judge(
            &gates,
            side.contender(),
            Opponent::Version(3, champion.contender()),
        );
        let json = serde_json::to_string(&report).unwrap();
        let back: GateReport = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (back.digest(), back.gates(), &back),
            (report.digest(), gates.to_vec(), &report)
        );
        assert_eq!(
            judge(
                &gates,
                side.contender(),
                Opponent::Version(3, champion.contender())
            )
            .digest(),
            report.digest()
        );
    }
}
