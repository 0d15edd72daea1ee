use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::args::{Color, Global, OutputFormat};
use super::environment;
use super::error::CliError;
use super::exit::Exit;
use super::watch::{self, Watch};
use pdm_core::codes::Code;
use pdm_core::domain::{redact, redact_json, visible, visible_coloured};
use pdm_report::report;

/// Writes results to standard output and messages to standard error.
pub(super) struct Ui {
    format: OutputFormat,
    color: Color,
    quiet: bool,
    /// The log, trace and metrics of this command.
    pub(super) watch: Watch,
    wait: Option<Duration>,
    strict: bool,
}

impl Ui {
    pub(super) fn new(global: &Global, watch: Watch) -> Self {
        Self {
            format: global.format,
            color: global.color,
            quiet: global.quiet,
            watch,
            wait: global.wait,
            strict: global.strict,
        }
    }

    /// Returns how long to wait for another command that changes the project; `None` means without limit.
    pub(super) fn wait(&self) -> Option<Duration> {
        self.wait
    }

    /// Returns whether warnings that change what a job does are errors.
    pub(super) fn is_strict(&self) -> bool {
        self.strict
    }

    /// Returns whether progress may be shown: on a terminal, and not with `--quiet`.
    pub(super) fn shows_progress(&self) -> bool {
        !self.quiet && !self.watch.writes_lines() && io::stderr().is_terminal()
    }

    /// Returns whether only warnings and errors are shown.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Returns whether messages are coloured.
    pub(super) fn coloured(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stderr().is_terminal() && !environment::no_color(),
        }
    }

    /// Writes a result: JSON if asked for, otherwise the text of `table`, fitted to the width of the terminal.
    ///
    /// # Errors
    /// Standard output cannot be written; a reader that went away is not an error.
    pub(super) fn show<T: Serialize>(
        &self,
        value: &T,
        table: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        self.show_verbatim(value, || fitted(table))
    }

    /// As [`Self::show`], for text that users copy, such as a file or a command: its lines are never wrapped.
    ///
    /// # Errors
    /// As [`Self::show`].
    pub(super) fn show_verbatim<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        match self.format {
            OutputFormat::Table => self.text(&text()),
            OutputFormat::Json => {
                let text = serde_json::to_string_pretty(value).map_err(CliError::output)?;
                self.json(&text)
            }
        }
    }

    /// Returns whether results are written as text.
    pub(super) fn is_for_people(&self) -> bool {
        self.format == OutputFormat::Table
    }

    /// Writes text to standard output, whatever the format, without secrets and terminal escapes; see [`fitted`] for tables.
    ///
    /// # Errors
    /// As [`Self::show`].
    pub(super) fn text(&self, text: &str) -> Result<(), CliError> {
        self.as_it_is(&visible(&redact(text)))
    }

    /// Writes a JSON document to standard output, without the secrets in it.
    ///
    /// # Errors
    /// As [`Self::show`].
    pub(super) fn json(&self, text: &str) -> Result<(), CliError> {
        self.as_it_is(&redact_json(text))
    }

    /// Writes the text of a file to standard output, to be used as that file: nothing in it is hidden.
    ///
    /// # Errors
    /// As [`Self::show`].
    pub(super) fn as_it_is(&self, text: &str) -> Result<(), CliError> {
        self.bytes(format!("{}\n", text.trim_end_matches('\n')).as_bytes())
    }

    /// Writes bytes to standard output.
    ///
    /// # Errors
    /// As [`Self::show`].
    pub(super) fn bytes(&self, bytes: &[u8]) -> Result<(), CliError> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::output(
                format!("cannot write to standard output: {error}"),
            )),
            _ => Ok(()),
        }
    }

    /// Reports an error: text on standard error, and an object on standard output if JSON was asked for.
    pub(super) fn fail(&self, error: &CliError) -> Exit {
        if self.format == OutputFormat::Json {
            let object = json!({ "error": error.to_json() });
            let _gone = self.json(&format!("{object:#}"));
        }
        // A log contains the error in the entry for the end of the command.
        if !self.watch.logs() {
            say(&error.render(self.coloured()));
            self.more(&error.codes());
        }
        error.exit()
    }

    /// Prints on a terminal where the error is explained; a log or a pipe does not need it.
    pub(super) fn more(&self, codes: &[Code]) {
        let Some((first, others)) = codes.split_first() else {
            return;
        };
        if self.format == OutputFormat::Table
            && !self.quiet
            && !self.watch.logs()
            && io::stderr().is_terminal()
        {
            let others: Vec<_> = others.iter().map(Code::to_string).collect();
            let others = if others.is_empty() {
                String::new()
            } else {
                format!(" (also {})", others.join(", "))
            };
            say(&format!("\nfor more: pdm-ml explain {first}{others}"));
        }
    }

    /// Prints what to do next on standard error.
    pub(super) fn next(&self, command: &str) {
        if self.format == OutputFormat::Table
            && !self.quiet
            && !self.watch.logs()
            && (io::stderr().is_terminal() || io::stdout().is_terminal())
        {
            say(&format!("next: {command}"));
        }
    }
}

/// Renders text for standard output: to the width of the terminal, or without a limit in a pipe.
pub(super) fn fitted(render: impl FnOnce() -> String) -> String {
    report::within(terminal_columns(), render)
}

/// Returns the columns of the terminal on standard output; `None` for a file or a pipe.
fn terminal_columns() -> Option<usize> {
    /// Width of a terminal that does not report one.
    const USUAL: usize = 80;
    if !io::stdout().is_terminal() {
        return None;
    }
    let columns = environment::columns()
        .or_else(measured_columns)
        .filter(|columns| *columns > 0);
    Some(columns.unwrap_or(USUAL))
}

/// Asks the terminal directly: `terminal_size` returns nothing if a terminal knows its columns but not its rows.
#[cfg(unix)]
fn measured_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    Some(usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn measured_columns() -> Option<usize> {
    terminal_size::terminal_size().map(|(columns, _)| usize::from(columns.0))
}

/// Reports an error in the arguments, or prints the text of `--help` and `--version`.
pub(super) fn refuse(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        let _gone = error.print();
        return Exit::Done;
    }
    let (rendered, code) = (error.render(), Code::Arguments);
    if asks_for_json("--format") {
        let message = rendered.to_string();
        let object = json!({ "error": { "message": message.trim_end(), "code": code, "hint": null, "exit": code.exit() } });
        let _gone = writeln!(io::stdout(), "{}", redact_json(&format!("{object:#}")));
    }
    if asks_for_json("--log-format") || watch::logs_by_environment() {
        Watch::refused(&rendered.to_string());
    } else {
        let coloured = io::stderr().is_terminal() && !environment::no_color();
        let rendered = if coloured {
            rendered.ansi().to_string()
        } else {
            rendered.to_string()
        };
        say(&rendered.replacen("error:", &format!("error[{code}]:"), 1));
    }
    code.into()
}

/// Returns whether the arguments, which could not be parsed, give a flag the value `json`.
fn asks_for_json(flag: &str) -> bool {
    let together = format!("{flag}=json");
    std::env::args().any(|arg| arg == together)
        || std::env::args()
            .zip(std::env::args().skip(1))
            .any(|pair| pair == (flag.into(), "json".into()))
}

/// Writes a line for a log to standard error, or into the log.
pub(super) fn line(text: &str) {
    if !watch::log(false, text) {
        say(&visible(text));
    }
}

/// Writes a note to standard error or the log.
pub(super) fn note(message: &str) {
    if !watch::log(false, message) {
        say(&format!("note: {}", visible(message)));
    }
}

/// Writes a warning to standard error or the log.
pub(super) fn warn(message: &str) {
    if !watch::log(true, message) {
        say(&format!("warning: {}", visible(message)));
    }
}

/// Writes text to standard error, without secrets and terminal escapes other than colours.
pub(super) fn say(text: &str) {
    // An error here cannot be reported anywhere.
    let _gone = writeln!(
        io::stderr(),
        "{}",
        visible_coloured(&redact(text.trim_end()))
    );
}
