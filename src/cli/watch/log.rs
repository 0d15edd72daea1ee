use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, layer};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::export::Export;
use crate::cli::args::LogFormat;
use crate::cli::ui;
use pdm_core::domain::{redact, redact_json, visible};
use pdm_tracking::observe::{Spans, TARGET, WORDS};

/// Receives notes and warnings that are not events; set once messages are logged as JSON.
static LOG: OnceLock<Arc<Spans>> = OnceLock::new();

/// Logs a note or a warning; returns false if it must be printed instead.
pub(in crate::cli) fn log(is_warning: bool, message: &str) -> bool {
    LOG.get()
        .map(|spans| spans.word(is_warning, message))
        .is_some()
}

/// Reads `debug` or `warn,pdm_ml::http=debug`.
///
/// Only messages of this program can be enabled: those of its libraries are not checked for secrets.
pub(super) fn levels(text: &str) -> Result<Targets, String> {
    let mut levels = Targets::new();
    for directive in text
        .split(',')
        .map(str::trim)
        .filter(|directive| !directive.is_empty())
    {
        let (target, level) = directive.split_once('=').unwrap_or((TARGET, directive));
        if target != TARGET && !target.starts_with("pdm_ml::") {
            return Err(format!(
                "`{target}` in the log level is not pdm_ml or one of its parts, such as pdm_ml::http"
            ));
        }
        let parsed: LevelFilter = level.parse().map_err(|_| {
            format!("the log level `{level}` is not one of off, error, warn, info, debug, trace")
        })?;
        levels = levels.with_target(target, parsed);
    }
    Ok(levels)
}

/// Enables log lines and spans if requested; otherwise they cost nothing.
pub(super) fn subscribe(format: LogFormat, levels: Option<Targets>, quiet: bool, export: &Export) {
    let usual = if quiet {
        LevelFilter::WARN
    } else {
        LevelFilter::INFO
    };
    let of_spans = levels
        .clone()
        .unwrap_or_default()
        .with_target(TARGET, LevelFilter::INFO);
    let lines = lines(format, levels, usual);
    let spans = export.layer().map(|layer| layer.with_filter(of_spans));
    if lines.is_some() || spans.is_some() {
        // Fails only if there is one already, as in tests.
        let _there =
            tracing::subscriber::set_global_default(Registry::default().with(lines).with(spans));
    }
}

type LogLayer = Box<dyn Layer<Registry> + Send + Sync>;

fn lines(format: LogFormat, levels: Option<Targets>, usual: LevelFilter) -> Option<LogLayer> {
    match (format, levels) {
        (LogFormat::Json, levels) => {
            let levels = levels.unwrap_or_else(|| Targets::new().with_target(TARGET, usual));
            let json = layer()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false);
            Some(
                json.with_writer(|| Clean(redact_json))
                    .with_filter(levels)
                    .boxed(),
            )
        }
        // Notes, warnings and errors are printed anyway.
        (LogFormat::Text, Some(levels)) => {
            let levels = levels.with_target(WORDS, LevelFilter::OFF);
            Some(
                layer()
                    .event_format(Plain)
                    .with_writer(|| Clean(words))
                    .with_filter(levels)
                    .boxed(),
            )
        }
        (LogFormat::Text, None) => None,
    }
}

/// Also sends notes and warnings to the log.
pub(super) fn log_the_rest(spans: &Arc<Spans>) {
    let _first = LOG.set(Arc::clone(spans));
}

/// Reports a bug in the log or on standard error; returns nothing, because the process is about to end.
pub(in crate::cli) fn bug(place: Option<&str>, what: &str) {
    if LOG.get().is_some() {
        tracing::error!(target: WORDS, exit_code = 101, place, "this is a bug in pdm-ml; please report it: {what}");
    } else {
        let place = place
            .map(|place| format!(" (at {place})"))
            .unwrap_or_default();
        ui::say(&format!(
            "error: this is a bug in pdm-ml; please report it: {what}{place}"
        ));
    }
}

/// Standard error, with secrets removed from every line. A line is written in one piece.
struct Clean(fn(&str) -> Cow<'_, str>);

impl io::Write for Clean {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().write_all((self.0)(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Returns a line without secrets and terminal escapes.
fn words(text: &str) -> Cow<'_, str> {
    match redact(text) {
        Cow::Borrowed(text) => visible(text),
        Cow::Owned(text) => Cow::Owned(visible(&text).into_owned()),
    }
}

/// A text line: time, level, message.
struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut writer)?;
        write!(writer, " {:>5} ", event.metadata().level())?;
        event.record(&mut Message(&mut writer));
        writeln!(writer)
    }
}

struct Message<'a, 'b>(&'a mut Writer<'b>);

impl Visit for Message<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _gone = write!(self.0, "{value:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn levels_are_those_of_this_program_alone() {
        let levels_of = |text| levels(text).unwrap();
        assert!(levels_of("debug").would_enable("pdm_ml::http", &Level::DEBUG));
        let mixed = levels_of("warn, pdm_ml::http=trace");
        assert!(
            mixed.would_enable("pdm_ml::http", &Level::TRACE)
                && !mixed.would_enable(TARGET, &Level::INFO)
        );
        assert!(!levels_of("trace").would_enable("hyper::client", &Level::ERROR));
        assert_eq!(
            levels("object_store=debug").unwrap_err(),
            "`object_store` in the log level is not pdm_ml or one of its parts, such as pdm_ml::http"
        );
        assert_eq!(
            levels("loud").unwrap_err(),
            "the log level `loud` is not one of off, error, warn, info, debug, trace"
        );
    }
}
