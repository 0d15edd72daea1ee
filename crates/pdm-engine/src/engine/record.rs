//! The record of a run: its journal, and its copy on a tracking server.

use std::sync::{Arc, Mutex, Once, OnceLock};
use std::time::Duration;

use super::gate_facts::{gate_facts, metrics_of};
use super::logged_model::log_model;
use super::outcome::Outcome;
use super::pipeline_run::PipelineRun;
use super::results::Results;
use super::step::step_of;
use super::{Context, EngineError, Job, RunPurpose};
use crate::config::{Origins, Source, Stage};
use crate::pipeline::calibrate::BUNDLE;
use pdm_core::domain::redact;
use pdm_core::events::{Event, InputData, Interrupted, Observer, Reporter, UsedFor};
use pdm_core::scoring::Scorecard;
use pdm_models::bundle::ModelBundle;
use pdm_models::data::{self, InputDigest, Role};
use pdm_models::monitor::DriftReport;
use pdm_tracking::tracking::{
    ActiveRun, BestEffort, Catalog, RetryPolicy, RunHeader, RunOutcome as Ending, RunStore,
    SET_TAG, SystemOptions, SystemWatch, TrackingError, TrackingOptions,
};

/// How long the end of a run waits for a slow MLflow server.
const LAST_WAIT: Duration = Duration::from_secs(10);

/// The record of one run; it begins with the first stage that must run, so a run that does nothing leaves none.
pub(super) struct RunRecord<'a> {
    context: &'a Context,
    job: &'a Job,
    reporter: Reporter,
    slot: Arc<Slot>,
    /// Set by the first stage that must run; none where the run cannot be recorded.
    live: OnceLock<Option<Live>>,
    inputs_recorded: Once,
}

struct Live {
    run: Arc<ActiveRun>,
    /// Used only at the end; in a mutex so that the steps on other threads can share the record.
    mlflow: Mutex<Option<BestEffort>>,
    watch: Option<SystemWatch>,
}

/// Passes events to the run once it has begun.
#[derive(Default)]
struct Slot(OnceLock<Arc<ActiveRun>>);

impl Observer for Slot {
    fn on(&self, event: &Event) {
        if let Some(run) = self.0.get() {
            run.on(event);
        }
    }
}

impl<'a> RunRecord<'a> {
    pub(super) fn new(context: &'a Context, job: &'a Job) -> Self {
        let slot = Arc::new(Slot::default());
        let reporter = context.reporter.with(Arc::<Slot>::clone(&slot));
        Self {
            context,
            job,
            reporter,
            slot,
            live: OnceLock::new(),
            inputs_recorded: Once::new(),
        }
    }

    /// Returns the run's id, once it has begun.
    pub(super) fn id(&self) -> Option<String> {
        self.live().map(|live| live.run.id().to_string())
    }

    /// Returns the reporter that also writes the run's journal, once the run has begun.
    pub(super) fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    fn live(&self) -> Option<&Live> {
        self.live.get().and_then(Option::as_ref)
    }

    /// Starts the record, unless it has begun. A run that cannot be recorded continues with a warning.
    pub(super) fn begin(&self) {
        self.live.get_or_init(|| {
            let live = match self.start() {
                Ok(live) => {
                    self.reporter.emit(Event::RunStarted {
                        run: live.run.id().to_string(),
                    });
                    Some(live)
                }
                Err(error) => {
                    self.context
                        .reporter
                        .warn(format!("the run is not recorded: {}", error.in_one_line()));
                    None
                }
            };
            self.describe();
            live
        });
    }

    /// Records the options of the run.
    fn describe(&self) {
        match TrackingOptions::run_tags(self.context.variable) {
            Ok(tags) => {
                for (key, value) in tags {
                    self.reporter.emit(Event::Tag { key, value });
                }
            }
            Err(error) => self.context.reporter.warn(error.in_one_line()),
        }
        let set = overrides(&self.job.origins);
        if !set.is_empty() {
            let value = serde_json::to_string(&set).expect("a list of texts has a JSON form");
            self.reporter.emit(Event::Tag {
                key: SET_TAG.to_owned(),
                value,
            });
        }
        for (key, value) in params(&self.job.origins) {
            self.reporter.emit(Event::Param { key, value });
        }
    }

    fn start(&self) -> Result<Live, TrackingError> {
        let options = &self.job.spec.tracking;
        let project = &self.job.spec.project.name;
        let store = RunStore::open(self.context.resolve(&options.dir));
        let header = RunHeader::new(
            project,
            &self.job.label,
            options.experiment_or(project, self.context.variable),
        )
        .commit(self.context.commit.clone());
        if let Err(error) = store.reap() {
            self.context.reporter.warn(format!(
                "killed runs could not be closed: {}",
                error.in_one_line()
            ));
        }
        let run = Arc::new(store.start(header, &self.context.reporter)?);
        let mlflow = match options.mlflow(self.context.variable, RetryPolicy::BACKGROUND) {
            Ok(client) => {
                client.map(|client| BestEffort::follow(&run, client, &self.context.reporter))
            }
            Err(error) => {
                self.context.reporter.warn(format!(
                    "the run is not copied to MLflow: {}",
                    error.in_one_line()
                ));
                None
            }
        };
        let watch = self.watch(&run);
        let _first = self.slot.0.set(Arc::clone(&run));
        Ok(Live {
            run,
            mlflow: Mutex::new(mlflow),
            watch,
        })
    }

    /// Begins to record system metrics, where that is wanted.
    fn watch(&self, run: &Arc<ActiveRun>) -> Option<SystemWatch> {
        let warn = |why: String| {
            self.context
                .reporter
                .warn(format!("system metrics are not recorded: {why}"))
        };
        let wanted = self.job.spec.tracking.system_metrics;
        let options = match SystemOptions::read(wanted, self.context.variable) {
            Ok(options) => options?,
            Err(error) => {
                warn(error.in_one_line());
                return None;
            }
        };
        match SystemWatch::begin(Arc::clone(run), options) {
            Ok(watch) => Some(watch),
            Err(error) => {
                warn(error.to_string());
                None
            }
        }
    }

    /// Records the data that the run uses, once it has begun and they are known.
    pub(super) fn inputs(&self, files: &[InputDigest]) {
        if self.live().is_some() && !files.is_empty() {
            self.inputs_recorded.call_once(|| self.record_inputs(files));
        }
    }

    fn record_inputs(&self, files: &[InputDigest]) {
        let spec = &self.job.spec;
        let root = &self.context.root;
        let paths = data::parts(&spec.dataset, root);
        let source = |role: Role| {
            let of_role = paths.iter().filter(|part| part.role == role);
            let named = of_role.map(|part| {
                part.path
                    .strip_prefix(root)
                    .unwrap_or(&part.path)
                    .display()
                    .to_string()
            });
            named.collect::<Vec<_>>().join(", ")
        };
        for (role, used_for) in [
            (Role::Train, UsedFor::Training),
            (Role::Test, UsedFor::Test),
            (Role::Rul, UsedFor::Test),
        ] {
            let Some(digest) = data::part_digest(files, role) else {
                continue;
            };
            self.reporter.input(InputData {
                name: format!("{} {role}", spec.dataset.name()),
                digest: digest.to_string(),
                used_for,
                source: source(role),
            });
        }
    }

    /// Records the results of the run.
    pub(super) fn outcome(
        &self,
        outcome: &Outcome,
        run: &PipelineRun<'_>,
        results: &Results,
        purpose: &RunPurpose,
    ) {
        if self.live().is_none() {
            return;
        }
        if let Some(inputs) = run.inputs() {
            self.inputs(&inputs.files);
        }
        if let Some(scores) = &outcome.scores {
            self.scores("judged", &scores.scorecard);
            self.scores("out_of_fold", &scores.out_of_fold);
        }
        for gate in outcome.gates.iter().flat_map(gate_facts) {
            for (name, value) in metrics_of(&gate) {
                self.reporter.metric(name, 0, value);
            }
        }
        match purpose {
            RunPurpose::Retrain {
                drift: Some(drift), ..
            } => self.drift(&drift.report),
            RunPurpose::Retrain { drift: None, .. }
            | RunPurpose::Requested
            | RunPurpose::RegisterRefused => {}
        }
        self.tags(outcome, results);
        self.artifacts(results);
    }

    fn scores(&self, part: &str, card: &Scorecard) {
        for score in &card.scores {
            let name = format!("{part}/{}", score.metric);
            self.reporter.metric(name, 0, score.value);
        }
        for group in &card.groups {
            for score in &group.scores {
                let name = format!("{part}/{}/{}", group.name, score.metric);
                self.reporter.metric(name, 0, score.value);
            }
        }
    }

    fn tags(&self, outcome: &Outcome, results: &Results) {
        if let Some(bundle) = results.bundle_digest() {
            self.tag("bundle", bundle.to_string());
        }
        if let Some(scores) = &outcome.scores {
            self.tag("judged_on", scores.on.to_string());
        }
        if let Some(gates) = &outcome.gates {
            self.tag("verdict", gates.verdict.to_string());
        }
        if let Some(version) = &outcome.version {
            self.tag("version", format!("{}/{}", version.model, version.version));
        }
        if let Some(alias) = &outcome.alias {
            self.tag("alias", alias.clone());
        }
    }

    fn tag(&self, key: &str, value: String) {
        self.reporter.emit(Event::Tag {
            key: key.to_owned(),
            value,
        });
    }

    /// Records the drift that `retrain` found.
    fn drift(&self, report: &DriftReport) {
        for test in &report.tests {
            let regime = match test.regime {
                Some(regime) => format!("_regime{regime}"),
                None => String::new(),
            };
            for (figure, value) in test.figures() {
                let name = format!("drift/{}_{}{regime}/{figure}", test.channel, test.quantity);
                self.reporter.metric(name, 0, value);
            }
        }
    }

    /// Records the files that the steps made.
    fn artifacts(&self, results: &Results) {
        if let Err(error) = self.log_bundle(results) {
            self.reporter
                .warn(format!("the run has no model for MLflow: {error}"));
        }
        for (node, entry) in results.stages_first() {
            for artifact in step_of(node, self.job).artifacts(entry) {
                self.reporter.emit(artifact);
            }
        }
    }

    fn log_bundle(&self, results: &Results) -> Result<(), EngineError> {
        let Some(calibrate) = results.stage(Stage::Calibrate) else {
            return Ok(());
        };
        let Some(digest) = results.bundle_digest() else {
            return Ok(());
        };
        let bundle = ModelBundle::open(&calibrate.path(BUNDLE), Some(digest))?;
        log_model(self.context, &bundle, &self.reporter)
    }

    /// Ends the record, whether or not the run failed. `catalog` is sent to the server where the run changed the registry.
    pub(super) fn close<T>(
        &mut self,
        result: &Result<T, EngineError>,
        catalog: impl FnOnce() -> Option<Catalog>,
    ) {
        let Some(Some(live)) = self.live.get_mut() else {
            return;
        };
        let ending = match result {
            Ok(_) => Ending::Finished,
            Err(error) if matches!(error.interrupted(), Some(Interrupted::Signal { .. })) => {
                Ending::Killed
            }
            Err(_) => Ending::Failed,
        };
        drop(live.watch.take());
        if let Err(error) = live.run.finish(ending) {
            self.context
                .reporter
                .warn(format!("the record of the run is incomplete: {error}"));
        }
        if let Some(mlflow) = live.mlflow.get_mut().ok().and_then(Option::take) {
            let wait = if matches!(ending, Ending::Killed) {
                Duration::ZERO
            } else {
                LAST_WAIT
            };
            let _report = mlflow.finish(wait, catalog());
        }
    }
}

/// Returns what the command line set, as it was written there, without secrets.
fn overrides(origins: &Origins) -> Vec<String> {
    let mut set = Vec::new();
    for origin in origins.as_slice() {
        let mut source = &origin.source;
        while let Source::Environment { written, .. } = source {
            source = written;
        }
        if let Source::Override { text } = source {
            let text = redact(text).into_owned();
            // One override may set several values, such as a list of tables.
            if !set.contains(&text) {
                set.push(text);
            }
        }
    }
    set
}

/// Returns every option as a dotted key and its text, without those of `[tune]`.
fn params(origins: &Origins) -> impl Iterator<Item = (String, String)> {
    origins
        .as_slice()
        .iter()
        .filter(|origin| !origin.key.starts_with("tune."))
        .map(|origin| {
            let text = match origin.value.as_str() {
                Some(text) => text.to_owned(),
                None => origin.value.to_string(),
            };
            (origin.key.clone(), text)
        })
}
