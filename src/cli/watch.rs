//! What watches a command from outside: its log and its spans.

mod log;

use std::sync::Arc;
use std::time::Instant;

use clap::error::ErrorKind;
use clap::{CommandFactory, ValueEnum};

pub(super) use log::log;

use super::args::{Cli, Global, LogFormat};
use super::environment;
use super::error::CliError;
use super::exit::Exit;
use crate::engine::Job;
use crate::events::Reporter;
use crate::observe::{LoggedError, Spans, TraceContext};

/// What watches a command from outside: its log and its spans.
pub(super) struct Watch {
    command: String,
    begun: Instant,
    format: LogFormat,
    writes_lines: bool,
    spans: Arc<Spans>,
}

impl Watch {
    /// Begins to watch a command as its arguments and the environment ask for.
    ///
    /// # Errors
    /// A format or level that is none.
    pub(super) fn begin(global: &Global, command: &str) -> Result<Self, clap::Error> {
        let args = &global.watch;
        let format = match (args.log_format, environment::variable(environment::LOG_FORMAT)) {
            (Some(format), _) => format,
            (None, Some(text)) => LogFormat::from_str(&text, true)
                .map_err(|_| refuse(format!("{} is `{text}`, not text or json", environment::LOG_FORMAT)))?,
            (None, None) => LogFormat::default(),
        };
        let given = args.log_level.clone().or_else(|| environment::variable(environment::LOG));
        let levels = given.as_deref().map(log::levels).transpose().map_err(refuse)?;
        let writes_lines = format == LogFormat::Json || levels.is_some();
        let trace = environment::variable(environment::TRACEPARENT).and_then(|text| TraceContext::parse(&text));
        let trace = trace.unwrap_or_default();
        log::subscribe(format, levels, global.quiet);
        let spans = Arc::new(Spans::begin(command, trace));
        if format == LogFormat::Json {
            log::log_the_rest(&spans);
        }
        Ok(Self { command: command.to_owned(), begun: Instant::now(), format, writes_lines, spans })
    }

    /// Logs that the arguments were refused, in a process that could not begin.
    pub(super) fn refused(message: &str) {
        log::subscribe(LogFormat::Json, None, false);
        let spans = Spans::begin("", TraceContext::new());
        let (message, detail) = message.split_once('\n').unwrap_or((message, ""));
        let detail = Some(detail.trim().to_owned()).filter(|detail| !detail.is_empty());
        let message = message.trim_start_matches("error: ").to_owned();
        spans.end("", Exit::Usage as u8, Some(&LoggedError { message, causes: None, detail, hint: None }), 0);
    }

    /// Returns whether messages are logged as JSON instead of told to people.
    pub(super) fn logs(&self) -> bool {
        self.format == LogFormat::Json
    }

    /// Returns whether lines are written that a progress bar would tear apart.
    pub(super) fn writes_lines(&self) -> bool {
        self.writes_lines
    }

    /// Returns a reporter that this watch listens to.
    pub(super) fn listen(&self, reporter: Reporter) -> Reporter {
        reporter.with(Arc::<Spans>::clone(&self.spans))
    }

    /// Takes note of the pipeline the command is about.
    pub(super) fn pipeline(&self, job: &Job) {
        self.spans.pipeline(&job.spec.project.name);
    }

    /// Tells everybody who watches how the command ended. None of them can change that.
    pub(super) fn end(&self, exit: Exit, error: Option<CliError>) {
        let elapsed_ms = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let error = error.map(|error| error.for_log());
        self.spans.end(&self.command, exit as u8, error.as_ref(), elapsed_ms);
    }
}

/// Returns whether the environment asks for a log in JSON.
pub(super) fn logs_by_environment() -> bool {
    environment::variable(environment::LOG_FORMAT).is_some_and(|text| text.eq_ignore_ascii_case("json"))
}

fn refuse(what: String) -> clap::Error {
    Cli::command().error(ErrorKind::ValueValidation, what)
}
