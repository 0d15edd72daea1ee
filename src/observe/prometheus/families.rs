use std::time::Duration;

use jiff::Timestamp;

use super::Sample;
use crate::observe::{ChampionFact, JobFacts, PredictFact, ScoreFact};
use crate::scoring::Verdict;

/// A metric: its name, what it means, and what a job says under it.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// What a job found out; nothing where it found out nothing, and what was known before stays.
    says: fn(&JobFacts) -> Option<Vec<Sample>>,
    /// Whether numbers with other labels stay beside those of this job.
    is_kept_by_label: bool,
}

impl Family {
    /// Returns what a job says under this name, once the numbers it takes the place of are gone from `known`.
    pub(super) fn renew(&self, facts: &JobFacts, known: &mut Vec<Sample>) {
        let Some(news) = (self.says)(facts) else { return };
        let is_old = |sample: &Sample| {
            let same = sample.name == self.name && sample.label("pipeline") == Some(&facts.pipeline);
            same && (!self.is_kept_by_label || news.iter().any(|new| new.labels == sample.labels))
        };
        known.retain(|sample| !is_old(sample));
        known.extend(news);
    }
}

/// Returns the metrics of a job, in the order they are written.
pub(super) fn families_of() -> [Family; 16] {
    [
        family("pdm_ml_last_run_timestamp_seconds", "When the job ended last, well or not.", |facts| {
            of_training(facts, "pdm_ml_last_run_timestamp_seconds", seconds(facts.ended))
        }),
        family("pdm_ml_last_success_timestamp_seconds", "When the job ended last with exit code 0.", |facts| {
            if facts.exit_code == 0 {
                of_training(facts, "pdm_ml_last_success_timestamp_seconds", seconds(facts.ended))
            } else {
                None
            }
        }),
        family(
            "pdm_ml_exit_code",
            "Exit code of the last job; 0 is success, pdm-ml --help lists the others.",
            |facts| of_training(facts, "pdm_ml_exit_code", f64::from(facts.exit_code)),
        ),
        family("pdm_ml_run_duration_seconds", "How long the last job took.", |facts| {
            of_training(facts, "pdm_ml_run_duration_seconds", facts.elapsed.as_secs_f64())
        }),
        Family {
            name: "pdm_ml_stage_duration_seconds",
            help: "How long a stage took when it ran last; one that is cached does not run.",
            says: stages,
            is_kept_by_label: true,
        },
        family(
            "pdm_ml_gate_verdict",
            "What the gates made of the model judged last: 1 for the verdict that holds.",
            verdict,
        ),
        family("pdm_ml_score", "Scores of the model judged last, each with the ends of its interval.", scores),
        family("pdm_ml_champion_version", "Version the champion's alias points to.", |facts| match facts.champion {
            ChampionFact::Unknown => None,
            ChampionFact::Nobody => Some(Vec::new()),
            ChampionFact::Version { version, .. } => one(facts, "pdm_ml_champion_version", f64::from(version)),
        }),
        family("pdm_ml_champion_timestamp_seconds", "When the champion's alias was moved last.", |facts| {
            match facts.champion {
                ChampionFact::Unknown => None,
                ChampionFact::Version { since: Some(since), .. } => {
                    one(facts, "pdm_ml_champion_timestamp_seconds", seconds(since))
                }
                ChampionFact::Nobody | ChampionFact::Version { .. } => Some(Vec::new()),
            }
        }),
        family("pdm_ml_predict_timestamp_seconds", "When `predict` ended last, well or not.", |facts| {
            of_prediction(facts, "pdm_ml_predict_timestamp_seconds", seconds(facts.ended))
        }),
        family(
            "pdm_ml_predict_exit_code",
            "Exit code of the last `predict`; 32 is an alarm, 10 units that were left out.",
            |facts| of_prediction(facts, "pdm_ml_predict_exit_code", f64::from(facts.exit_code)),
        ),
        family("pdm_ml_predict_duration_seconds", "How long the last `predict` took.", |facts| {
            of_prediction(facts, "pdm_ml_predict_duration_seconds", facts.elapsed.as_secs_f64())
        }),
        family(
            "pdm_ml_predict_units",
            "Units that were predicted, flagged as unlike training, left out, and in alarm at the last `predict`.",
            predicted_units,
        ),
        family("pdm_ml_predict_lowest_rul_cycles", "The smallest remaining useful life predicted last.", |facts| {
            let lowest = facts.predicted.as_ref()?.lowest_rul?;
            of_prediction(facts, "pdm_ml_predict_lowest_rul_cycles", lowest)
        }),
        family(
            "pdm_ml_predict_lowest_lower_cycles",
            "The smallest lower end of an interval predicted last.",
            |facts| {
                let lowest = facts.predicted.as_ref()?.lowest_lower?;
                of_prediction(facts, "pdm_ml_predict_lowest_lower_cycles", lowest)
            },
        ),
        // With the pipeline, though that says nothing: the same number in two files is an error of the exporter.
        family("pdm_ml_build_info", "Version of pdm-ml that wrote this; always 1.", |facts| {
            let labels = [("pipeline", facts.pipeline.as_str()), ("version", env!("CARGO_PKG_VERSION"))];
            Some(vec![Sample::new("pdm_ml_build_info", &labels, 1.0)])
        }),
    ]
}

fn family(name: &'static str, help: &'static str, says: fn(&JobFacts) -> Option<Vec<Sample>>) -> Family {
    Family { name, help, says, is_kept_by_label: false }
}

fn one(facts: &JobFacts, name: &str, value: f64) -> Option<Vec<Sample>> {
    Some(vec![Sample::new(name, &[("pipeline", &facts.pipeline)], value)])
}

/// Returns what a job says that makes or judges a model; a prediction has names of its own, so that an alarm is no failed run.
fn of_training(facts: &JobFacts, name: &str, value: f64) -> Option<Vec<Sample>> {
    if facts.is_prediction() { None } else { one(facts, name, value) }
}

fn of_prediction(facts: &JobFacts, name: &str, value: f64) -> Option<Vec<Sample>> {
    if facts.is_prediction() { one(facts, name, value) } else { None }
}

fn predicted_units(facts: &JobFacts) -> Option<Vec<Sample>> {
    let PredictFact { predicted, flagged, skipped, alarms, .. } = facts.predicted.as_ref()?;
    let states = [("predicted", predicted), ("flagged", flagged), ("skipped", skipped), ("alarm", alarms)];
    let sample = |(state, units): (&str, &usize)| {
        let labels = [("pipeline", facts.pipeline.as_str()), ("state", state)];
        Sample::new("pdm_ml_predict_units", &labels, *units as f64)
    };
    Some(states.map(sample).into())
}

fn seconds(time: Timestamp) -> f64 {
    time.as_millisecond() as f64 / 1000.0
}

fn stages(facts: &JobFacts) -> Option<Vec<Sample>> {
    let sample = |(stage, elapsed): (&String, &Duration)| {
        let labels = [("pipeline", facts.pipeline.as_str()), ("stage", stage)];
        Sample::new("pdm_ml_stage_duration_seconds", &labels, elapsed.as_secs_f64())
    };
    Some(facts.stages.iter().map(sample).collect())
}

fn verdict(facts: &JobFacts) -> Option<Vec<Sample>> {
    let held = facts.verdict?;
    let all = [Verdict::Pass, Verdict::Fail, Verdict::Undecided].map(|verdict| {
        let labels = [("pipeline", facts.pipeline.as_str()), ("verdict", &verdict.to_string())];
        Sample::new("pdm_ml_gate_verdict", &labels, if verdict == held { 1.0 } else { 0.0 })
    });
    Some(all.into())
}

fn scores(facts: &JobFacts) -> Option<Vec<Sample>> {
    if facts.scores.is_empty() {
        return None;
    }
    let of = |score: &ScoreFact| {
        [("value", score.value), ("lower", score.lower), ("upper", score.upper)].map(|(bound, value)| {
            let labels = [
                ("pipeline", facts.pipeline.as_str()),
                ("metric", score.metric),
                ("part", score.part),
                ("bound", bound),
            ];
            Sample::new("pdm_ml_score", &labels, value)
        })
    };
    Some(facts.scores.iter().flat_map(of).collect())
}
