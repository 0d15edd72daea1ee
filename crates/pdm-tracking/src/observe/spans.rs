//! Turns events into spans and log lines of `tracing`.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use tracing::{Level, Span, field};

use super::TraceContext;
use pdm_core::codes::Code;
use pdm_core::domain::redact;
use pdm_core::events::{Event, Observer};

/// Target of log lines about the work of a command.
pub const TARGET: &str = "pdm_ml";
/// Target of messages that are always shown: notes, warnings and errors.
pub const WORDS: &str = "pdm_ml::words";

/// Turns events into `tracing`: spans for the command, its stages and the parts of a fit, and log lines for the rest.
///
/// Every line has its context in the fields `pipeline`, `run`, `stage`, `part` and `trace_id`.
pub struct Spans {
    trace: TraceContext,
    trace_hex: String,
    state: Mutex<SpanState>,
}

struct SpanState {
    command: Span,
    pipeline: Option<String>,
    run: Option<String>,
    /// Stages that have not ended.
    stages: Vec<OpenSpan>,
    /// Parts that have not ended.
    parts: Vec<OpenSpan>,
}

struct OpenSpan {
    name: String,
    span: Span,
    begun: Instant,
    /// The thread whose current span it is.
    current_on: Option<ThreadId>,
}

/// The context of a log line.
struct LineContext {
    span: Span,
    pipeline: Option<String>,
    run: Option<String>,
    stage: Option<String>,
    part: Option<String>,
}

/// Logs a line with its context.
macro_rules! log {
    ($self:ident, $context:expr, $level:ident, $target:ident, { $($fields:tt)* }, $($message:tt)+) => {{
        let context: LineContext = $context;
        tracing::$level!(
            target: $target, parent: &context.span,
            pipeline = context.pipeline.as_deref(), run = context.run.as_deref(), stage = context.stage.as_deref(),
            part = context.part.as_deref(), trace_id = $self.trace_hex.as_str(), $($fields)*
            $($message)+
        )
    }};
}

impl Spans {
    /// Begins the span of a command, such as `registry list`.
    pub fn begin(command: &str, trace: TraceContext) -> Self {
        let trace_hex = trace.trace_hex();
        let span = tracing::info_span!(
            target: TARGET, parent: None, "command", "otel.name" = format!("pdm-ml {command}"), command,
            version = env!("CARGO_PKG_VERSION"), pipeline = field::Empty, run = field::Empty, exit_code = field::Empty,
            "otel.status_code" = field::Empty, "otel.status_description" = field::Empty
        );
        let state = SpanState {
            command: span,
            pipeline: None,
            run: None,
            stages: Vec::new(),
            parts: Vec::new(),
        };
        let spans = Self {
            trace,
            trace_hex,
            state: Mutex::new(state),
        };
        let version = env!("CARGO_PKG_VERSION");
        log!(spans, spans.context(), debug, TARGET, { command, version, }, "pdm-ml {command} begins");
        spans
    }

    /// Returns the trace the command belongs to.
    pub fn trace(&self) -> &TraceContext {
        &self.trace
    }

    /// Returns the span of the command.
    pub fn command(&self) -> Span {
        self.state().command.clone()
    }

    /// Sets the pipeline of the command.
    pub fn pipeline(&self, name: &str) {
        let mut state = self.state();
        state.command.record("pipeline", name);
        state.pipeline = Some(name.to_owned());
    }

    /// Logs the end of the command; its span and all open spans end with it.
    ///
    /// An error is logged only here, with its causes.
    pub fn end(&self, command: &str, exit_code: u8, error: Option<&LoggedError>, elapsed_ms: u64) {
        self.close_all();
        let span = self.command();
        span.record("exit_code", exit_code);
        span.record(
            "otel.status_code",
            if exit_code == 0 { "OK" } else { "ERROR" },
        );
        match error {
            Some(LoggedError {
                code,
                message,
                causes,
                detail,
                hint,
            }) => {
                let message = redact(message);
                span.record("otel.status_description", &*message);
                let causes = causes.as_deref().map(redact);
                let detail = detail.as_deref().map(redact);
                let hint = hint.as_deref().map(redact);
                let code = code.to_string();
                log!(self, self.context(), error, WORDS, {
                    code = code.as_str(), exit_code, elapsed_ms, causes = causes.as_deref(), detail = detail.as_deref(),
                    hint = hint.as_deref(),
                }, "{message}");
            }
            None if exit_code == 0 => {
                log!(self, self.context(), info, TARGET, { exit_code, elapsed_ms, }, "pdm-ml {command} ended well");
            }
            None => {
                let message = format!("pdm-ml {command} ended with exit code {exit_code}");
                span.record("otel.status_description", &*message);
                log!(self, self.context(), warn, TARGET, { exit_code, elapsed_ms, }, "{message}");
            }
        }
        // Drops the handle, so that the span ends.
        self.state().command = Span::none();
    }

    /// Logs a message that is not an event.
    pub fn word(&self, is_warning: bool, message: &str) {
        let message = redact(message);
        if is_warning {
            log!(self, self.context(), warn, WORDS, {}, "{message}");
        } else {
            log!(self, self.context(), info, WORDS, {}, "{message}");
        }
    }

    fn state(&self) -> MutexGuard<'_, SpanState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the context of a line without stage and part: the running stage, if it is the only one.
    fn context(&self) -> LineContext {
        let state = self.state();
        let stage = if let [only] = &state.stages[..] {
            Some(only)
        } else {
            None
        };
        Self::context_of(&state, stage, None)
    }

    fn context_of_stage(&self, name: &str) -> LineContext {
        let state = self.state();
        let open = state.stages.iter().rfind(|open| open.name == name);
        let context = Self::context_of(&state, open, None);
        LineContext {
            stage: Some(name.to_owned()),
            ..context
        }
    }

    /// Returns the context of a part, or of a metric, whose name begins with that of its part.
    fn context_of_part(&self, name: &str) -> LineContext {
        let state = self.state();
        let begins = |open: &&OpenSpan| {
            name.strip_prefix(&open.name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let part = state
            .parts
            .iter()
            .filter(begins)
            .max_by_key(|open| open.name.len());
        Self::context_of(&state, state.stages.last(), part)
    }

    fn context_of(
        state: &SpanState,
        stage: Option<&OpenSpan>,
        part: Option<&OpenSpan>,
    ) -> LineContext {
        LineContext {
            span: part
                .or(stage)
                .map_or(&state.command, |open| &open.span)
                .clone(),
            pipeline: state.pipeline.clone(),
            run: state.run.clone(),
            stage: stage.map(|open| open.name.clone()),
            part: part.map(|open| open.name.clone()),
        }
    }

    fn begin_stage(&self, stage: &str, why: &str) {
        let span = tracing::info_span!(
            target: TARGET, parent: &self.command(), "stage", "otel.name" = format!("stage {stage}"), stage, why,
            summary = field::Empty, elapsed_ms = field::Empty
        );
        // Everything this thread does until the stage ends belongs to it.
        span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
        let current_on = Some(thread::current().id());
        self.state().stages.push(OpenSpan {
            name: stage.to_owned(),
            span,
            begun: Instant::now(),
            current_on,
        });
        log!(self, self.context_of_stage(stage), info, TARGET, { why, }, "stage {stage} begins: {why}");
    }

    fn end_stage(&self, stage: &str, summary: &str, elapsed_ms: u64) {
        let summary = redact(summary);
        let context = self.context_of_stage(stage);
        context.span.record("summary", &*summary);
        context.span.record("elapsed_ms", elapsed_ms);
        log!(self, context, info, TARGET, { summary = &*summary, elapsed_ms, }, "stage {stage} ended: {summary}");
        let open = {
            let mut state = self.state();
            let at = state.stages.iter().rposition(|open| open.name == stage);
            at.map(|at| state.stages.remove(at))
        };
        drop(open.map(OpenSpan::closed));
    }

    fn begin_part(&self, part: &str, params: &[(String, String)]) {
        let params = params
            .iter()
            .map(|(key, value)| format!("{key} {value}"))
            .collect::<Vec<_>>()
            .join(", ");
        let above = self.context_of_part(part);
        let span = tracing::info_span!(
            target: TARGET, parent: &above.span, "part", "otel.name" = format!("part {part}"), part, params,
            elapsed_ms = field::Empty
        );
        self.state().parts.push(OpenSpan {
            name: part.to_owned(),
            span,
            begun: Instant::now(),
            current_on: None,
        });
        log!(self, self.context_of_part(part), debug, TARGET, { params, }, "part {part} begins");
    }

    fn end_part(&self, part: &str) {
        let context = self.context_of_part(part);
        let open = {
            let mut state = self.state();
            let at = state.parts.iter().rposition(|open| open.name == part);
            at.map(|at| state.parts.remove(at))
        };
        let Some(open) = open else { return };
        let elapsed_ms = u64::try_from(open.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        open.span.record("elapsed_ms", elapsed_ms);
        log!(self, context, debug, TARGET, { elapsed_ms, }, "part {part} ended");
    }

    /// Closes the spans that a failure left open, innermost first.
    fn close_all(&self) {
        let (parts, stages) = {
            let mut state = self.state();
            (
                std::mem::take(&mut state.parts),
                std::mem::take(&mut state.stages),
            )
        };
        for open in parts.into_iter().rev().chain(stages.into_iter().rev()) {
            drop(open.closed());
        }
    }

    fn details(&self, event: &Event) {
        match event {
            Event::Param { key, value } => {
                let value = redact(value);
                log!(self, self.context(), debug, TARGET, { key, value = &*value, }, "option {key} = {value}");
            }
            Event::Tag { key, value } => {
                let value = redact(value);
                log!(self, self.context(), debug, TARGET, { key, value = &*value, }, "tag {key} = {value}");
            }
            Event::Metric { key, step, value } => {
                let context = self.context_of_part(key);
                log!(self, context, debug, TARGET, { key, step, value, }, "metric {key} = {value} at step {step}");
            }
            Event::Input { part, data } => {
                let name = &data.name;
                let digest = &data.digest;
                let used_for = data.used_for.word();
                let context = self.context_of_part(part);
                log!(self, context, debug, TARGET, { name, digest, used_for, }, "{name} is used for {used_for}");
            }
            Event::Artifact { name, .. } => {
                log!(self, self.context(), debug, TARGET, { name, }, "file {name} belongs to the run");
            }
            _ => {}
        }
    }
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedError {
    /// Its code.
    pub code: Code,
    /// What happened.
    pub message: String,
    /// What caused it.
    pub causes: Option<String>,
    /// The full text on several lines, if the message is only its first line.
    pub detail: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl OpenSpan {
    /// Makes the previous span of the thread current again.
    fn closed(self) -> Span {
        if self.current_on == Some(thread::current().id()) {
            self.span
                .with_subscriber(|(id, dispatch)| dispatch.exit(id));
        }
        self.span
    }
}

impl Observer for Spans {
    fn on(&self, event: &Event) {
        match event {
            Event::RunStarted { run } => {
                self.command().record("run", &**run);
                self.state().run = Some(run.clone());
                log!(self, self.context(), info, TARGET, {}, "run {run} begins");
            }
            Event::StageStarted { stage, why } => self.begin_stage(stage, &redact(why)),
            Event::StageCached { stage, why } => {
                let why = redact(why);
                let context = self.context_of_stage(stage);
                log!(self, context, info, TARGET, { why = &*why, }, "stage {stage} is not run: {why}");
            }
            Event::StageFinished {
                stage,
                summary,
                elapsed_ms,
            } => self.end_stage(stage, summary, *elapsed_ms),
            Event::PartStarted { part, params } => self.begin_part(part, params),
            Event::PartFinished { part } => self.end_part(part),
            Event::Note { message } => self.word(false, message),
            Event::Warning { message } => self.word(true, message),
            Event::Progress {
                task,
                done,
                total,
                note,
            } => {
                if tracing::enabled!(target: TARGET, Level::TRACE) {
                    let context = self.context();
                    log!(self, context, trace, TARGET, { task, done, total, }, "{task}: {done} of {total} {note}");
                }
            }
            // There are thousands of these: their context is only looked up if they are logged.
            event if tracing::enabled!(target: TARGET, Level::DEBUG) => self.details(event),
            _ => {}
        }
    }
}
