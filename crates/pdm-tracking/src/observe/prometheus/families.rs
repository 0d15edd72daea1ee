//! The metrics in a file for Prometheus.

use std::time::Duration;

use jiff::Timestamp;

use super::MetricSample;
use crate::observe::{ChampionFact, GateFact, JobFacts, PredictFact, ScoreFact};
use pdm_core::scoring::Verdict;
use pdm_models::monitor::DriftVerdict;

/// A metric: its name, its meaning, and its samples for a job.
pub(super) struct MetricFamily {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// Returns the samples of a job; `None` if it has none, so that earlier samples stay.
    samples: fn(&JobFacts) -> Option<Vec<MetricSample>>,
    /// Whether samples with other labels stay.
    is_kept_by_label: bool,
}

/// The command that only checks for drift: it must not replace the metrics of the job that trains models.
const DRIFT: &str = "drift";

impl MetricFamily {
    /// Returns whether a job has samples of this metric.
    pub(super) fn concerns(&self, facts: &JobFacts) -> bool {
        facts.command != DRIFT || self.name.starts_with("pdm_ml_drift")
    }

    /// Replaces the samples of this metric in `known` by those of a job.
    pub(super) fn renew(&self, facts: &JobFacts, known: &mut Vec<MetricSample>) {
        let Some(news) = (self.samples)(facts) else {
            return;
        };
        let is_old = |sample: &MetricSample| {
            let same =
                sample.name == self.name && sample.label("pipeline") == Some(&facts.pipeline);
            same && (!self.is_kept_by_label || news.iter().any(|new| new.labels == sample.labels))
        };
        known.retain(|sample| !is_old(sample));
        known.extend(news);
    }
}

/// Returns the metrics of a job, in the order they are written.
pub(super) fn families_of() -> [MetricFamily; 23] {
    [
        family(
            "pdm_ml_last_run_timestamp_seconds",
            "Time when the job last ended, with or without success.",
            |facts| {
                of_training(
                    facts,
                    "pdm_ml_last_run_timestamp_seconds",
                    seconds(facts.ended),
                )
            },
        ),
        family(
            "pdm_ml_last_success_timestamp_seconds",
            "Time when the job last ended with exit code 0.",
            |facts| {
                if facts.exit_code == 0 {
                    of_training(
                        facts,
                        "pdm_ml_last_success_timestamp_seconds",
                        seconds(facts.ended),
                    )
                } else {
                    None
                }
            },
        ),
        family(
            "pdm_ml_exit_code",
            "Exit code of the last job; 0 is success, pdm-ml --help lists the others.",
            |facts| of_training(facts, "pdm_ml_exit_code", f64::from(facts.exit_code)),
        ),
        family(
            "pdm_ml_run_duration_seconds",
            "Duration of the last job.",
            |facts| {
                of_training(
                    facts,
                    "pdm_ml_run_duration_seconds",
                    facts.elapsed.as_secs_f64(),
                )
            },
        ),
        MetricFamily {
            name: "pdm_ml_stage_duration_seconds",
            help: "Duration of the last execution of a stage; cached stages are not executed.",
            samples: stages,
            is_kept_by_label: true,
        },
        family(
            "pdm_ml_gate_verdict",
            "Verdict of the gates on the model judged last: 1 for the verdict that applies.",
            verdict,
        ),
        family(
            "pdm_ml_gate_result",
            "Verdict of each gate: 1 for the verdict that applies.",
            gate_results,
        ),
        family(
            "pdm_ml_gate_value",
            "Value that each gate judged, with the ends of its interval.",
            gate_values,
        ),
        family(
            "pdm_ml_gate_limit",
            "Limits of each gate; for a comparison, its margin.",
            gate_limits,
        ),
        family(
            "pdm_ml_gate_margin",
            "Distance of the interval from the nearest limit; below 0, the gate does not pass.",
            gate_margins,
        ),
        family(
            "pdm_ml_drift_verdict",
            "Verdict of the last drift check: 1 for the verdict that applies.",
            drift_verdict,
        ),
        family(
            "pdm_ml_drift_units",
            "Training units and new units of the last drift check.",
            drift_units,
        ),
        family(
            "pdm_ml_drift",
            "Figures of each test of the last drift check.",
            drift_tests,
        ),
        family(
            "pdm_ml_score",
            "Scores of the model judged last, each with the ends of its interval.",
            scores,
        ),
        family(
            "pdm_ml_champion_version",
            "Version the champion's alias points to.",
            |facts| match facts.champion {
                ChampionFact::Unknown => None,
                ChampionFact::Absent => Some(Vec::new()),
                ChampionFact::Version { version, .. } => {
                    one(facts, "pdm_ml_champion_version", f64::from(version))
                }
            },
        ),
        family(
            "pdm_ml_champion_timestamp_seconds",
            "Time when the champion's alias was last moved.",
            |facts| match facts.champion {
                ChampionFact::Unknown => None,
                ChampionFact::Version {
                    since: Some(since), ..
                } => one(facts, "pdm_ml_champion_timestamp_seconds", seconds(since)),
                ChampionFact::Absent | ChampionFact::Version { .. } => Some(Vec::new()),
            },
        ),
        family(
            "pdm_ml_predict_timestamp_seconds",
            "Time when `predict` last ended, with or without success.",
            |facts| {
                of_prediction(
                    facts,
                    "pdm_ml_predict_timestamp_seconds",
                    seconds(facts.ended),
                )
            },
        ),
        family(
            "pdm_ml_predict_exit_code",
            "Exit code of the last `predict`; 32 is an alarm, 10 skipped units.",
            |facts| {
                of_prediction(
                    facts,
                    "pdm_ml_predict_exit_code",
                    f64::from(facts.exit_code),
                )
            },
        ),
        family(
            "pdm_ml_predict_duration_seconds",
            "Duration of the last `predict`.",
            |facts| {
                of_prediction(
                    facts,
                    "pdm_ml_predict_duration_seconds",
                    facts.elapsed.as_secs_f64(),
                )
            },
        ),
        family(
            "pdm_ml_predict_units",
            "Units predicted, flagged as unlike training, skipped, and in alarm at the last `predict`.",
            predicted_units,
        ),
        family(
            "pdm_ml_predict_lowest_rul_cycles",
            "The smallest remaining useful life predicted last.",
            |facts| {
                let lowest = facts.predicted.as_ref()?.lowest_rul?;
                of_prediction(facts, "pdm_ml_predict_lowest_rul_cycles", lowest)
            },
        ),
        family(
            "pdm_ml_predict_lowest_lower_cycles",
            "The smallest lower end of an interval predicted last.",
            |facts| {
                let lowest = facts.predicted.as_ref()?.lowest_lower?;
                of_prediction(facts, "pdm_ml_predict_lowest_lower_cycles", lowest)
            },
        ),
        // With the pipeline as a label: the exporter refuses the same sample in two files.
        family(
            "pdm_ml_build_info",
            "Version of pdm-ml that wrote this; always 1.",
            |facts| {
                let labels = [
                    ("pipeline", facts.pipeline.as_str()),
                    ("version", env!("CARGO_PKG_VERSION")),
                ];
                Some(vec![MetricSample::new("pdm_ml_build_info", &labels, 1.0)])
            },
        ),
    ]
}

fn family(
    name: &'static str,
    help: &'static str,
    samples: fn(&JobFacts) -> Option<Vec<MetricSample>>,
) -> MetricFamily {
    MetricFamily {
        name,
        help,
        samples,
        is_kept_by_label: false,
    }
}

fn one(facts: &JobFacts, name: &str, value: f64) -> Option<Vec<MetricSample>> {
    Some(vec![MetricSample::new(
        name,
        &[("pipeline", &facts.pipeline)],
        value,
    )])
}

/// Returns the sample of a job that trains or judges a model; a prediction has its own metrics, so that an alarm does not look
/// like a failed run.
fn of_training(facts: &JobFacts, name: &str, value: f64) -> Option<Vec<MetricSample>> {
    if facts.is_prediction() {
        None
    } else {
        one(facts, name, value)
    }
}

fn of_prediction(facts: &JobFacts, name: &str, value: f64) -> Option<Vec<MetricSample>> {
    if facts.is_prediction() {
        one(facts, name, value)
    } else {
        None
    }
}

fn predicted_units(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    let PredictFact {
        predicted,
        flagged,
        skipped,
        alarms,
        ..
    } = facts.predicted.as_ref()?;
    let states = [
        ("predicted", predicted),
        ("flagged", flagged),
        ("skipped", skipped),
        ("alarm", alarms),
    ];
    let sample = |(state, units): (&str, &usize)| {
        let labels = [("pipeline", facts.pipeline.as_str()), ("state", state)];
        MetricSample::new("pdm_ml_predict_units", &labels, *units as f64)
    };
    Some(states.map(sample).into())
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}

fn stages(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    let sample = |(stage, elapsed): (&String, &Duration)| {
        let labels = [("pipeline", facts.pipeline.as_str()), ("stage", stage)];
        MetricSample::new(
            "pdm_ml_stage_duration_seconds",
            &labels,
            elapsed.as_secs_f64(),
        )
    };
    Some(facts.stages.iter().map(sample).collect())
}

fn verdict(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    let found = facts.verdict?;
    let all = [Verdict::Pass, Verdict::Fail, Verdict::Undecided].map(|verdict| {
        let labels = [
            ("pipeline", facts.pipeline.as_str()),
            ("verdict", &verdict.to_string()),
        ];
        MetricSample::new(
            "pdm_ml_gate_verdict",
            &labels,
            if verdict == found { 1.0 } else { 0.0 },
        )
    });
    Some(all.into())
}

/// Returns the labels of a gate.
fn of_gate<'f>(
    facts: &'f JobFacts,
    gate: &'f GateFact,
    number: &'f str,
) -> Vec<(&'static str, &'f str)> {
    vec![
        ("pipeline", &facts.pipeline),
        ("gate", number),
        ("metric", gate.metric),
        ("rule", &gate.rule),
    ]
}

/// Returns the samples of every gate: one for each value of another label. `None` if there were no gates.
fn per_gate(
    facts: &JobFacts,
    name: &str,
    label: &'static str,
    values: fn(&GateFact) -> Vec<(String, f64)>,
) -> Option<Vec<MetricSample>> {
    facts.verdict?;
    let mut samples = Vec::new();
    for gate in &facts.gates {
        let number = gate.number.to_string();
        for (word, value) in values(gate) {
            let mut labels = of_gate(facts, gate, &number);
            if !label.is_empty() {
                labels.push((label, &word));
            }
            samples.push(MetricSample::new(name, &labels, value));
        }
    }
    Some(samples)
}

fn gate_results(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    per_gate(facts, "pdm_ml_gate_result", "verdict", |gate| {
        let all = [Verdict::Pass, Verdict::Fail, Verdict::Undecided];
        all.map(|verdict| {
            (
                verdict.to_string(),
                if verdict == gate.verdict { 1.0 } else { 0.0 },
            )
        })
        .into()
    })
}

fn gate_values(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    per_gate(facts, "pdm_ml_gate_value", "bound", |gate| {
        let Some([lower, value, upper]) = gate.observed else {
            return Vec::new();
        };
        vec![
            ("value".to_owned(), value),
            ("lower".to_owned(), lower),
            ("upper".to_owned(), upper),
        ]
    })
}

fn gate_limits(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    per_gate(facts, "pdm_ml_gate_limit", "bound", |gate| {
        let [low, high] = gate.limits;
        let low = low.map(|low| ("lower".to_owned(), low));
        low.into_iter()
            .chain(high.map(|high| ("upper".to_owned(), high)))
            .collect()
    })
}

fn gate_margins(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    per_gate(facts, "pdm_ml_gate_margin", "", |gate| {
        gate.margin()
            .map(|margin| (String::new(), margin))
            .into_iter()
            .collect()
    })
}

fn drift_verdict(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    let drift = facts.drift.as_ref()?;
    let all = [
        (DriftVerdict::None, "none"),
        (DriftVerdict::Drift, "drift"),
        (DriftVerdict::TooLittleData, "too_little_data"),
    ];
    let samples = all.map(|(verdict, name)| {
        let labels = [("pipeline", facts.pipeline.as_str()), ("verdict", name)];
        MetricSample::new(
            "pdm_ml_drift_verdict",
            &labels,
            if verdict == drift.verdict { 1.0 } else { 0.0 },
        )
    });
    Some(samples.into())
}

fn drift_units(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    let drift = facts.drift.as_ref()?;
    let samples = [
        ("training", drift.reference_units),
        ("new", drift.new_units),
    ]
    .map(|(side, units)| {
        MetricSample::new(
            "pdm_ml_drift_units",
            &[("pipeline", &facts.pipeline), ("side", side)],
            units as f64,
        )
    });
    Some(samples.into())
}

fn drift_tests(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    let drift = facts.drift.as_ref()?;
    let mut samples = Vec::new();
    for test in &drift.tests {
        let quantity = test.quantity.name();
        let regime = test.regime.map(|regime| regime.to_string());
        for (figure, value) in test.figures() {
            let mut labels = vec![
                ("pipeline", facts.pipeline.as_str()),
                ("channel", &test.channel),
                ("quantity", quantity),
            ];
            labels.extend(regime.as_deref().map(|regime| ("regime", regime)));
            labels.push(("figure", figure));
            samples.push(MetricSample::new("pdm_ml_drift", &labels, value));
        }
    }
    Some(samples)
}

fn scores(facts: &JobFacts) -> Option<Vec<MetricSample>> {
    if facts.scores.is_empty() {
        return None;
    }
    let of = |score: &ScoreFact| {
        [
            ("value", score.value),
            ("lower", score.lower),
            ("upper", score.upper),
        ]
        .map(|(bound, value)| {
            let labels = [
                ("pipeline", facts.pipeline.as_str()),
                ("metric", score.metric),
                ("part", score.part),
                ("bound", bound),
            ];
            MetricSample::new("pdm_ml_score", &labels, value)
        })
    };
    Some(facts.scores.iter().flat_map(of).collect())
}
