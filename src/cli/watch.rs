//! The log, spans and metrics of a command.

mod export;
mod log;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::error::ErrorKind;
use clap::{CommandFactory, ValueEnum};
use jiff::Timestamp;

use export::Export;
pub(super) use log::{bug, log};

use super::args::{Cli, Global, LogFormat};
use super::error::CliError;
use super::exit::Exit;
use super::{environment, ui};
use pdm_core::codes::Code;
use pdm_core::events::Reporter;
use pdm_core::gates::GateReport;
use pdm_core::scoring::{Part, Verdict};
use pdm_engine::engine::{self, Context, Job, Outcome, Retrained};
use pdm_models::monitor::DriftReport;
use pdm_tracking::observe::{
    ChampionFact, DriftFact, GateFact, Gatherer, JobFacts, LoggedError, PredictFact, ScoreFact,
    Spans, TraceContext, prometheus,
};

/// Commands that write metrics: those that jobs run.
pub(super) const JOBS: [&str; 6] = ["run", "retrain", "gate", "promote", "predict", "drift"];

/// The command that predicts.
const PREDICT: &str = "predict";

/// The log, spans and metrics of a command.
pub(super) struct Watch {
    command: String,
    begun: Instant,
    format: LogFormat,
    is_quiet: bool,
    writes_lines: bool,
    spans: Arc<Spans>,
    gatherer: Arc<Gatherer>,
    metrics_file: Option<PathBuf>,
    export: Export,
    known: Mutex<WatchedJob>,
}

/// Facts about a job that are not in its events.
#[derive(Default)]
struct WatchedJob {
    /// The pipeline, whose registry is read at the end.
    job: Option<(Context, Job)>,
    scores: Vec<ScoreFact>,
    verdict: Option<Verdict>,
    gates: Vec<GateFact>,
    drift: Option<DriftFact>,
    /// Counts of predictions, and the data set, which replaces the name of the pipeline if there is none.
    predicted: Option<(String, PredictFact)>,
}

impl Watch {
    /// Sets up log, spans and metrics from the arguments and the environment.
    ///
    /// # Errors
    /// A log format or level is invalid.
    pub(super) fn begin(global: &Global, command: &str) -> Result<Self, clap::Error> {
        let args = &global.watch;
        let format = match (
            args.log_format,
            environment::variable(environment::LOG_FORMAT),
        ) {
            (Some(format), _) => format,
            (None, Some(text)) => LogFormat::from_str(&text, true).map_err(|_| {
                refuse(format!(
                    "{} is `{text}`; expected text or json",
                    environment::LOG_FORMAT
                ))
            })?,
            (None, None) => LogFormat::default(),
        };
        let given = args
            .log_level
            .clone()
            .or_else(|| environment::variable(environment::LOG));
        let levels = given
            .as_deref()
            .map(log::levels)
            .transpose()
            .map_err(refuse)?;
        let writes_lines = format == LogFormat::Json || levels.is_some();
        let trace = environment::variable(environment::TRACEPARENT)
            .and_then(|text| TraceContext::parse(&text));
        let trace = trace.unwrap_or_default();
        let export = Export::begin(&trace);
        log::subscribe(format, levels, global.quiet, &export);
        let spans = Arc::new(Spans::begin(command, trace));
        export.adopt(&spans);
        if format == LogFormat::Json {
            log::log_the_rest(&spans);
        }
        let metrics_file = args
            .metrics_file
            .clone()
            .or_else(|| environment::variable(environment::METRICS_FILE).map(PathBuf::from));
        Ok(Self {
            command: command.to_owned(),
            begun: Instant::now(),
            format,
            is_quiet: global.quiet,
            writes_lines,
            spans,
            gatherer: Arc::default(),
            metrics_file,
            export,
            known: Mutex::default(),
        })
    }

    /// Writes the metrics of a job with invalid arguments.
    pub(super) fn measure_refusal(path: &Path, command: &str, exit_code: u8) {
        let facts = JobFacts {
            pipeline: String::new(),
            command: command.to_owned(),
            run: None,
            ended: Timestamp::now(),
            elapsed: Duration::ZERO,
            exit_code,
            stages: BTreeMap::new(),
            scores: Vec::new(),
            verdict: None,
            gates: Vec::new(),
            drift: None,
            champion: ChampionFact::Unknown,
            predicted: None,
        };
        if let Err(error) = prometheus::update(path, &facts) {
            ui::warn(&format!("the metrics are not written: {error}"));
        }
    }

    /// Logs an error in the arguments, in a process that could not start.
    pub(super) fn refused(message: &str) {
        log::subscribe(LogFormat::Json, None, false, &Export::off());
        let spans = Spans::begin("", TraceContext::new());
        let (message, detail) = message.split_once('\n').unwrap_or((message, ""));
        let detail = Some(detail.trim().to_owned()).filter(|detail| !detail.is_empty());
        let message = message.trim_start_matches("error: ").to_owned();
        let code = Code::Arguments;
        spans.end(
            "",
            code.exit(),
            Some(&LoggedError {
                code,
                message,
                causes: None,
                detail,
                hint: None,
            }),
            0,
        );
    }

    /// Returns whether messages are logged as JSON instead of printed as text.
    pub(super) fn logs(&self) -> bool {
        self.format == LogFormat::Json
    }

    /// Returns whether log lines are written, which a progress bar would disturb.
    pub(super) fn writes_lines(&self) -> bool {
        self.writes_lines
    }

    /// Returns a reporter whose events go to the log, spans and metrics.
    pub(super) fn listen(&self, reporter: Reporter) -> Reporter {
        reporter
            .with(Arc::<Spans>::clone(&self.spans))
            .with(Arc::<Gatherer>::clone(&self.gatherer))
    }

    /// Returns the metrics file that the command writes at its end, if any.
    pub(super) fn metrics_file(&self) -> Option<&Path> {
        self.metrics_file
            .as_deref()
            .filter(|_| JOBS.contains(&self.command.as_str()))
    }

    /// Records the pipeline of the command.
    pub(super) fn pipeline(&self, context: &Context, job: &Job) {
        self.spans.pipeline(&job.spec.project.name);
        // Without its listeners, which end with the work.
        let context = Context {
            reporter: Reporter::silent(),
            ..context.clone()
        };
        self.with_known(|known| known.job = Some((context, job.clone())));
    }

    /// Records the outcome of a pipeline.
    pub(super) fn outcome(&self, outcome: &Outcome) {
        if let Some(report) = &outcome.gates {
            self.gates(report);
        }
        if let Some(scores) = &outcome.scores {
            // Without a test part, both scorecards are the same.
            let cards = std::iter::once(&scores.scorecard);
            let cards = cards.chain((scores.on == Part::Test).then_some(&scores.out_of_fold));
            self.with_known(|known| known.scores = cards.flat_map(ScoreFact::of).collect());
        }
    }

    /// Records the result of a retraining.
    pub(super) fn retrained(&self, retrained: &Retrained) {
        if let Some(report) = &retrained.gates {
            self.gates(report);
        }
        if let Some(drift) = &retrained.drift {
            self.drift(&drift.report);
        }
        if let Some(part) = retrained.judged_on {
            self.with_known(|known| {
                known.scores = ScoreFact::of_scores(part, &retrained.scores).collect()
            });
        }
    }

    /// Records counts of predictions.
    pub(super) fn predicted(&self, dataset: &str, fact: PredictFact) {
        self.with_known(|known| known.predicted = Some((dataset.to_owned(), fact)));
    }

    /// Records the results of gates.
    pub(super) fn gates(&self, report: &GateReport) {
        self.with_known(|known| {
            known.verdict = Some(report.verdict);
            known.gates = engine::gate_facts(report);
        });
    }

    /// Records the result of a drift test.
    pub(super) fn drift(&self, report: &DriftReport) {
        self.with_known(|known| known.drift = Some(DriftFact::of(report)));
    }

    /// Writes the end of the command to the log, spans and metrics. Failures here do not change its exit code.
    pub(super) fn end(&self, exit: Exit, error: Option<CliError>) {
        let elapsed = self.begun.elapsed();
        let is_job = JOBS.contains(&self.command.as_str());
        let is_watched = self.metrics_file.is_some() || self.export.is_on();
        let facts = (is_job && is_watched).then(|| self.facts(exit, elapsed));
        if let (Some(path), Some(facts)) = (&self.metrics_file, &facts)
            && let Err(error) = prometheus::update(path, facts)
        {
            ui::warn(&format!("the metrics are not written: {error}"));
        }
        let error = error.map(|error| error.for_log());
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        self.spans
            .end(&self.command, exit as u8, error.as_ref(), elapsed_ms);
        self.export.end(is_job && !self.is_quiet, facts.as_ref());
    }

    fn facts(&self, exit: Exit, elapsed: Duration) -> JobFacts {
        let (run, stages) = self.gatherer.gathered();
        let WatchedJob {
            job,
            scores,
            verdict,
            gates,
            drift,
            predicted,
        } = self.with_known(std::mem::take);
        let (dataset, predicted) = predicted.unzip();
        // A prediction moves no alias, so the registry is not read again.
        let asked = job.as_ref().filter(|_| self.command != PREDICT);
        let champion = asked.map_or(ChampionFact::Unknown, |(context, job)| match exit {
            // The registry has just been unavailable.
            Exit::Unavailable => ChampionFact::Unknown,
            _ => champion(context, job),
        });
        JobFacts {
            pipeline: job
                .map(|(_, job)| job.spec.project.name)
                .or(dataset)
                .unwrap_or_default(),
            command: self.command.clone(),
            run,
            ended: Timestamp::now(),
            elapsed,
            exit_code: exit as u8,
            stages,
            scores,
            verdict,
            gates,
            drift,
            champion,
            predicted,
        }
    }

    fn with_known<T>(&self, act: impl FnOnce(&mut WatchedJob) -> T) -> T {
        act(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn champion(context: &Context, job: &Job) -> ChampionFact {
    match engine::champion(context, job) {
        Ok(Some(champion)) => ChampionFact::Version {
            version: champion.version,
            since: champion.since,
        },
        Ok(None) => ChampionFact::Absent,
        Err(_) => ChampionFact::Unknown,
    }
}

/// Returns whether the environment asks for a log in JSON.
pub(super) fn logs_by_environment() -> bool {
    environment::variable(environment::LOG_FORMAT)
        .is_some_and(|text| text.eq_ignore_ascii_case("json"))
}

fn refuse(what: String) -> clap::Error {
    Cli::command().error(ErrorKind::ValueValidation, what)
}
