//! The results of a job, for metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use pdm_core::events::{Event, Observer};
use pdm_core::scoring::{Part, Score, Scorecard, Verdict};
use pdm_models::monitor::{DriftReport, DriftRow, DriftVerdict};

/// The results of a job, for metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct JobFacts {
    /// Name of the pipeline.
    pub pipeline: String,
    /// The command, such as `run`.
    pub command: String,
    /// Id of the recorded run; `None` if there was nothing to do.
    pub run: Option<String>,
    /// When it ended.
    pub ended: Timestamp,
    /// How long it took.
    pub elapsed: Duration,
    /// The exit code.
    pub exit_code: u8,
    /// Stages that ran, with their wall time.
    pub stages: BTreeMap<String, Duration>,
    /// Scores of the model that was judged, if one was.
    pub scores: Vec<ScoreFact>,
    /// Verdict of the gates; `None` if the model was not judged.
    pub verdict: Option<Verdict>,
    /// Result of each gate, in order.
    pub gates: Vec<GateFact>,
    /// Result of the drift check, if there was one.
    pub drift: Option<DriftFact>,
    /// The current champion.
    pub champion: ChampionFact,
    /// Result of `predict`; `None` for other commands, and if it failed.
    pub predicted: Option<PredictFact>,
}

/// Result of `predict`.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictFact {
    /// Units that were predicted.
    pub predicted: usize,
    /// Of these, units outside the training data.
    pub flagged: usize,
    /// Units that were skipped.
    pub skipped: usize,
    /// Units that meet the condition of the alarm.
    pub alarms: usize,
    /// The smallest predicted remaining useful life, in cycles.
    pub lowest_rul: Option<f64>,
    /// The smallest lower end of an interval, in cycles.
    pub lowest_lower: Option<f64>,
}

/// One score with its interval.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreFact {
    /// Name of the metric, such as `rmse`.
    pub metric: &'static str,
    /// The part that was scored: `test`, `out_of_fold` or `holdout`.
    pub part: &'static str,
    /// The score.
    pub value: f64,
    /// Lower end of its interval.
    pub lower: f64,
    /// Upper end of its interval.
    pub upper: f64,
}

/// Result of one gate.
#[derive(Debug, Clone, PartialEq)]
pub struct GateFact {
    /// Its number among the gates, from 1.
    pub number: usize,
    /// Name of the metric, such as `rmse`.
    pub metric: &'static str,
    /// Name of the rule, such as `at_most`.
    pub rule: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// The judged value between the ends of its interval: a score, or how much worse the model is than the champion. `None` if there
    /// was nothing to judge.
    pub observed: Option<[f64; 3]>,
    /// Lower and upper limit; for a comparison, its margin in the unit of the metric.
    pub limits: [Option<f64>; 2],
}

impl GateFact {
    /// Returns the distance of the whole interval from its nearest limit, below zero if it reaches beyond. `None`
    /// if there was nothing to judge.
    pub fn margin(&self) -> Option<f64> {
        let [lower, _, upper] = self.observed?;
        let [low, high] = self.limits;
        let below = low.map(|low| lower - low);
        let above = high.map(|high| high - upper);
        match (below, above) {
            (Some(below), Some(above)) => Some(below.min(above)),
            (one, other) => one.or(other),
        }
    }
}

/// Result of a drift check.
#[derive(Debug, Clone, PartialEq)]
pub struct DriftFact {
    /// Its verdict.
    pub verdict: DriftVerdict,
    /// Training units.
    pub reference_units: usize,
    /// Units that they were compared with.
    pub new_units: usize,
    /// The tests.
    pub tests: Vec<DriftRow>,
}

impl DriftFact {
    /// Returns the figures of a report.
    pub fn of(report: &DriftReport) -> Self {
        let DriftReport {
            verdict,
            reference_units,
            new_units,
            tests,
            ..
        } = report.clone();
        Self {
            verdict,
            reference_units,
            new_units,
            tests,
        }
    }
}

/// The champion in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChampionFact {
    /// The registry could not be read.
    Unknown,
    /// There is no such alias.
    Absent,
    /// The alias points to a version.
    Version {
        /// Number of the version.
        version: u32,
        /// Since when.
        since: Option<Timestamp>,
    },
}

impl JobFacts {
    /// Returns whether the job predicted, and so did not train or judge a model.
    pub fn is_prediction(&self) -> bool {
        self.command == "predict"
    }
}

impl ScoreFact {
    /// Returns the scores of a card.
    pub fn of(card: &Scorecard) -> impl Iterator<Item = Self> {
        Self::of_scores(card.protocol.part, &card.scores)
    }

    /// Returns scores found on a part.
    pub fn of_scores(part: Part, scores: &[Score]) -> impl Iterator<Item = Self> {
        let part = match part {
            Part::Test => "test",
            Part::OutOfFold => "out_of_fold",
            Part::Holdout => "holdout",
        };
        scores.iter().map(move |score| Self {
            metric: score.metric.name(),
            part,
            value: score.value,
            lower: score.lower,
            upper: score.upper,
        })
    }
}

/// Collects the facts of a job from its events.
#[derive(Default)]
pub struct Gatherer(Mutex<Gathered>);

#[derive(Default)]
struct Gathered {
    run: Option<String>,
    stages: BTreeMap<String, Duration>,
}

impl Gatherer {
    /// Returns the run's id, once it has begun, and the stages that ended.
    pub fn gathered(&self) -> (Option<String>, BTreeMap<String, Duration>) {
        let gathered = self.lock();
        (gathered.run.clone(), gathered.stages.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Gathered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Gatherer {
    fn on(&self, event: &Event) {
        match event {
            Event::RunStarted { run } => self.lock().run = Some(run.clone()),
            Event::StageFinished {
                stage, elapsed_ms, ..
            } => {
                self.lock()
                    .stages
                    .insert(stage.clone(), Duration::from_millis(*elapsed_ms));
            }
            _ => {}
        }
    }
}
