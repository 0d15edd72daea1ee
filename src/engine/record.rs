use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;

use super::outcome::Outcome;
use super::{Context, EngineError, Job, Line};
use crate::events::{Event, Observer, Reporter};
use crate::pipeline::Stage;
use crate::pipeline::stages::{calibrate, evaluate, gate, validate};
use crate::tracking::{ActiveRun, BestEffort, Outcome as Ending, Patience, RunHeader, RunStore, TrackingError};

/// How long the end of a run waits for a slow MLflow server.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// The record of one run; it begins with the first stage that must run, so a run that does nothing leaves none.
pub(super) struct Record<'a> {
    context: &'a Context,
    job: &'a Job,
    reporter: Reporter,
    slot: Arc<Slot>,
    live: Option<Live>,
    given_up: bool,
}

struct Live {
    run: Arc<ActiveRun>,
    mlflow: Option<BestEffort>,
}

/// Hears events before the run begins, and passes them to it from then on.
#[derive(Default)]
struct Slot(OnceLock<Arc<ActiveRun>>);

impl Observer for Slot {
    fn on(&self, event: &Event) {
        if let Some(run) = self.0.get() {
            run.on(event);
        }
    }
}

impl<'a> Record<'a> {
    pub(super) fn new(context: &'a Context, job: &'a Job) -> Self {
        let slot = Arc::new(Slot::default());
        let reporter = context.reporter.with(Arc::<Slot>::clone(&slot));
        Self { context, job, reporter, slot, live: None, given_up: false }
    }

    /// Returns the run's id, once it has begun.
    pub(super) fn id(&self) -> Option<String> {
        self.live.as_ref().map(|live| live.run.id().to_string())
    }

    /// Returns the reporter that also writes the journal, from when the run begins.
    pub(super) fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    /// Starts the record, unless it has begun. A run that cannot be recorded warns and goes on.
    pub(super) fn begin(&mut self) {
        if self.live.is_some() || self.given_up {
            return;
        }
        match self.start() {
            Ok(live) => self.live = Some(live),
            Err(error) => {
                self.given_up = true;
                self.context.reporter.warn(format!("the run is not recorded: {}", chain(&error)));
            }
        }
        params(&self.job.spec).into_iter().for_each(|(key, value)| self.reporter.emit(Event::Param { key, value }));
    }

    fn start(&self) -> Result<Live, TrackingError> {
        let (options, project) = (&self.job.spec.tracking, &self.job.spec.project.name);
        let store = RunStore::open(self.context.resolve(&options.dir));
        let header = RunHeader::new(project, &self.job.label, options.experiment_or(project))
            .commit(self.context.commit.clone());
        if let Err(error) = store.reap() {
            self.context.reporter.warn(format!("killed runs could not be closed: {}", chain(&error)));
        }
        let run = Arc::new(store.start(header, &self.context.reporter)?);
        let mlflow = match options.mlflow(self.context.variable, Patience::BACKGROUND) {
            Ok(client) => client.map(|client| BestEffort::follow(&run, client, &self.context.reporter)),
            Err(error) => {
                self.context.reporter.warn(format!("the run is not copied to MLflow: {}", chain(&error)));
                None
            }
        };
        let _first = self.slot.0.set(Arc::clone(&run));
        Ok(Live { run, mlflow })
    }

    /// Records what came of the run.
    pub(super) fn outcome(&self, outcome: &Outcome, line: &Line<'_>) {
        if self.live.is_none() {
            return;
        }
        if let Some(scores) = &outcome.scores {
            for (part, card) in [("judged", &scores.scorecard), ("out_of_fold", &scores.out_of_fold)] {
                card.scores.iter().for_each(|s| self.reporter.metric(format!("{part}/{}", s.metric), 0, s.value));
            }
        }
        let tag = |key: &str, value: Option<String>| {
            if let Some(value) = value {
                self.reporter.emit(Event::Tag { key: key.to_owned(), value });
            }
        };
        tag("bundle", line.bundle_digest().map(|digest| digest.to_string()));
        tag("judged_on", outcome.scores.as_ref().map(|scores| scores.on.to_string()));
        tag("verdict", outcome.gates.as_ref().map(|gates| gates.verdict.to_string()));
        tag("version", outcome.version.as_ref().map(|version| format!("{}/{}", version.model, version.version)));
        tag("alias", outcome.alias.clone());
        self.artifacts(line);
    }

    fn artifacts(&self, line: &Line<'_>) {
        let wanted = [
            (Stage::Validate, validate::REPORT),
            (Stage::Calibrate, calibrate::BUNDLE),
            (Stage::Evaluate, evaluate::SCORECARD),
            (Stage::Evaluate, evaluate::OUT_OF_FOLD_SCORECARD),
            (Stage::Evaluate, evaluate::PREDICTIONS_TABLE),
            (Stage::Gate, gate::REPORT),
        ];
        for (stage, wanted) in wanted {
            let Some(entry) = line.entries.get(&stage) else { continue };
            for output in entry.outputs().iter().filter(|output| output.path.starts_with(wanted)) {
                self.reporter.emit(Event::Artifact { name: output.path.clone(), path: entry.path(&output.path) });
            }
        }
    }

    /// Ends the record, whatever came of the run.
    pub(super) fn close(&mut self, result: &Result<Outcome, EngineError>) {
        let Some(live) = &mut self.live else { return };
        let ending = match result {
            Ok(_) => Ending::Finished,
            Err(error) if error.interrupted().is_some() => Ending::Killed,
            Err(_) => Ending::Failed,
        };
        if let Err(error) = live.run.finish(ending) {
            self.context.reporter.warn(format!("the run's record is not complete: {error}"));
        }
        if let Some(mlflow) = live.mlflow.take() {
            let wait = if matches!(ending, Ending::Killed) { Duration::ZERO } else { LAST_WAIT };
            let _report = mlflow.finish(wait);
        }
    }
}

/// Returns an error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// Returns every option as a dotted key and its text.
fn params<T: serde::Serialize>(spec: &T) -> Vec<(String, String)> {
    let value = serde_json::to_value(spec).expect("a loaded specification has a JSON form");
    let mut params = Vec::new();
    flatten("", &value, &mut params);
    params
}

fn flatten(path: &str, value: &Value, params: &mut Vec<(String, String)>) {
    let join = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&join(key), value, params)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().enumerate().for_each(|(i, value)| flatten(&join(&i.to_string()), value, params));
        }
        Value::String(text) => params.push((path.to_owned(), text.clone())),
        Value::Null => {}
        other => params.push((path.to_owned(), other.to_string())),
    }
}
