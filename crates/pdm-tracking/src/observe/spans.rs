use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Instant;

use tracing::{Level, Span, field};

use super::TraceContext;
use pdm_core::codes::Code;
use pdm_core::domain::redact;
use pdm_core::events::{Event, Observer};

/// Target of what a command does.
pub const TARGET: &str = "pdm_ml";
/// Target of what people are told in any case: notes, warnings and errors.
pub const WORDS: &str = "pdm_ml::words";

/// Turns events into `tracing`: a span each for the command, its stages and the parts of a fit, and lines for the rest.
///
/// Every line carries where it belongs, in fields of its own: `pipeline`, `run`, `stage`, `part` and `trace_id`.
pub struct Spans {
    trace: TraceContext,
    trace_hex: String,
    state: Mutex<SpanState>,
}

struct SpanState {
    command: Span,
    pipeline: Option<String>,
    run: Option<String>,
    /// Stages that have begun and not ended.
    stages: Vec<OpenSpan>,
    /// Parts that have begun and not ended.
    parts: Vec<OpenSpan>,
}

struct OpenSpan {
    name: String,
    span: Span,
    begun: Instant,
    /// The thread whose current span it is.
    current_on: Option<ThreadId>,
}

/// Where a line belongs.
struct LineContext {
    span: Span,
    pipeline: Option<String>,
    run: Option<String>,
    stage: Option<String>,
    part: Option<String>,
}

/// Logs a line of a level with where it belongs.
macro_rules! tell {
    ($self:ident, $place:expr, $level:ident, $target:ident, { $($fields:tt)* }, $($message:tt)+) => {{
        let place: LineContext = $place;
        tracing::$level!(
            target: $target, parent: &place.span,
            pipeline = place.pipeline.as_deref(), run = place.run.as_deref(), stage = place.stage.as_deref(),
            part = place.part.as_deref(), trace_id = $self.trace_hex.as_str(), $($fields)*
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
        tell!(spans, spans.place(), debug, TARGET, { command, version, }, "pdm-ml {command} begins");
        spans
    }

    /// Returns whose trace the command belongs to.
    pub fn trace(&self) -> &TraceContext {
        &self.trace
    }

    /// Returns the span of the command.
    pub fn command(&self) -> Span {
        self.state().command.clone()
    }

    /// Takes note of the pipeline the command is about.
    pub fn pipeline(&self, name: &str) {
        let mut state = self.state();
        state.command.record("pipeline", name);
        state.pipeline = Some(name.to_owned());
    }

    /// Tells how the command ended; its span, and whatever is still open, ends with it.
    ///
    /// An error is told here, with what `causes` it, and nowhere else.
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
                let (causes, detail) =
                    (causes.as_deref().map(redact), detail.as_deref().map(redact));
                let hint = hint.as_deref().map(redact);
                let code = code.to_string();
                tell!(self, self.place(), error, WORDS, {
                    code = code.as_str(), exit_code, elapsed_ms, causes = causes.as_deref(), detail = detail.as_deref(),
                    hint = hint.as_deref(),
                }, "{message}");
            }
            None if exit_code == 0 => {
                tell!(self, self.place(), info, TARGET, { exit_code, elapsed_ms, }, "pdm-ml {command} ended well");
            }
            None => {
                let said = format!("pdm-ml {command} ended with exit code {exit_code}");
                span.record("otel.status_description", &*said);
                tell!(self, self.place(), warn, TARGET, { exit_code, elapsed_ms, }, "{said}");
            }
        }
        // The last handle but this one's: with it the span ends.
        self.state().command = Span::none();
    }

    /// Tells people something that came by no event.
    pub fn word(&self, is_warning: bool, message: &str) {
        let message = redact(message);
        if is_warning {
            tell!(self, self.place(), warn, WORDS, {}, "{message}");
        } else {
            tell!(self, self.place(), info, WORDS, {}, "{message}");
        }
    }

    fn state(&self) -> MutexGuard<'_, SpanState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns where a line belongs that names neither stage nor part: the stage that runs, where it is the only one.
    fn place(&self) -> LineContext {
        let state = self.state();
        let stage = if let [only] = &state.stages[..] {
            Some(only)
        } else {
            None
        };
        Self::placed(&state, stage, None)
    }

    fn place_of_stage(&self, name: &str) -> LineContext {
        let state = self.state();
        let open = state.stages.iter().rfind(|open| open.name == name);
        let place = Self::placed(&state, open, None);
        LineContext {
            stage: Some(name.to_owned()),
            ..place
        }
    }

    /// Returns the place of a part, or of a metric, whose name begins with that of its part.
    fn place_of_part(&self, name: &str) -> LineContext {
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
        Self::placed(&state, state.stages.last(), part)
    }

    fn placed(state: &SpanState, stage: Option<&OpenSpan>, part: Option<&OpenSpan>) -> LineContext {
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
        // Whatever this thread does until the stage ends, such as asking a server, belongs to it.
        span.with_subscriber(|(id, dispatch)| dispatch.enter(id));
        let current_on = Some(thread::current().id());
        self.state().stages.push(OpenSpan {
            name: stage.to_owned(),
            span,
            begun: Instant::now(),
            current_on,
        });
        tell!(self, self.place_of_stage(stage), info, TARGET, { why, }, "stage {stage} begins: {why}");
    }

    fn end_stage(&self, stage: &str, summary: &str, elapsed_ms: u64) {
        let summary = redact(summary);
        let place = self.place_of_stage(stage);
        place.span.record("summary", &*summary);
        place.span.record("elapsed_ms", elapsed_ms);
        tell!(self, place, info, TARGET, { summary = &*summary, elapsed_ms, }, "stage {stage} ended: {summary}");
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
        let above = self.place_of_part(part);
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
        tell!(self, self.place_of_part(part), debug, TARGET, { params, }, "part {part} begins");
    }

    fn end_part(&self, part: &str) {
        let place = self.place_of_part(part);
        let open = {
            let mut state = self.state();
            let at = state.parts.iter().rposition(|open| open.name == part);
            at.map(|at| state.parts.remove(at))
        };
        let Some(open) = open else { return };
        let elapsed_ms = u64::try_from(open.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        open.span.record("elapsed_ms", elapsed_ms);
        tell!(self, place, debug, TARGET, { elapsed_ms, }, "part {part} ended");
    }

    /// Closes what a failure left open, the innermost first.
    fn close_all(&self) {
        let (parts, stages) = {
            let mut state = self.state();
            (
                std::mem::take(&mut state.parts),
                std::mem::take(&mut state.stages),
            )
        };
        parts
            .into_iter()
            .rev()
            .chain(stages.into_iter().rev())
            .for_each(|open| drop(open.closed()));
    }

    fn details(&self, event: &Event) {
        match event {
            Event::Param { key, value } => {
                let value = redact(value);
                tell!(self, self.place(), debug, TARGET, { key, value = &*value, }, "option {key} = {value}");
            }
            Event::Tag { key, value } => {
                let value = redact(value);
                tell!(self, self.place(), debug, TARGET, { key, value = &*value, }, "tag {key} = {value}");
            }
            Event::Metric { key, step, value } => {
                let place = self.place_of_part(key);
                tell!(self, place, debug, TARGET, { key, step, value, }, "metric {key} = {value} at step {step}");
            }
            Event::Input { part, data } => {
                let (name, digest, used_for) = (&data.name, &data.digest, data.used_for.word());
                let place = self.place_of_part(part);
                tell!(self, place, debug, TARGET, { name, digest, used_for, }, "{name} is used for {used_for}");
            }
            Event::Artifact { name, .. } => {
                tell!(self, self.place(), debug, TARGET, { name, }, "file {name} belongs to the run");
            }
            _ => {}
        }
    }
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedError {
    /// Which kind of error it is.
    pub code: Code,
    /// What happened.
    pub message: String,
    /// What caused it.
    pub causes: Option<String>,
    /// All that is to be said, on several lines, where the message is only its headline.
    pub detail: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
}

impl OpenSpan {
    /// Gives the span back to whoever was current before it.
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
                tell!(self, self.place(), info, TARGET, {}, "run {run} begins");
            }
            Event::StageStarted { stage, why } => self.begin_stage(stage, &redact(why)),
            Event::StageCached { stage, why } => {
                let why = redact(why);
                let place = self.place_of_stage(stage);
                tell!(self, place, info, TARGET, { why = &*why, }, "stage {stage} is not run: {why}");
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
                    let place = self.place();
                    tell!(self, place, trace, TARGET, { task, done, total, }, "{task}: {done} of {total} {note}");
                }
            }
            // There are thousands: nothing is looked up for those nobody reads.
            event if tracing::enabled!(target: TARGET, Level::DEBUG) => self.details(event),
            _ => {}
        }
    }
}
