//! Every environment variable the command reads, except those that change a pipeline or name the actor, which `settings` reads.

use std::path::PathBuf;

pub(super) use crate::settings::{now, pipeline_variables, variable};
use pdm_core::domain::redact;

/// Number of columns to use instead of the terminal's.
const COLUMNS: &str = "COLUMNS";
/// Any value disables colours (no-color.org).
const NO_COLOR: &str = "NO_COLOR";

/// Format of messages, `text` or `json`.
pub(super) const LOG_FORMAT: &str = "PDM_ML_LOG_FORMAT";
/// Which messages are logged.
pub(super) const LOG: &str = "PDM_ML_LOG";
/// File for metrics in Prometheus' text format.
pub(super) const METRICS_FILE: &str = "PDM_ML_METRICS_FILE";
/// The trace that the command belongs to (W3C Trace Context).
pub(super) const TRACEPARENT: &str = "TRACEPARENT";
/// Address of an OpenTelemetry collector; the SDK reads all other variables of the exporter.
#[cfg(not(feature = "otlp"))]
pub(super) const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// The current and the previous folder of a shell: the only names ending in `PWD` that hold no password. Treated as secrets,
/// they would hide the project's folder in every message.
const FOLDERS_OF_SHELLS: [&str; 2] = ["PWD", "OLDPWD"];

/// Remembers the secrets in the command line and the environment, so that no output repeats them.
pub(super) fn learn_secrets() {
    let arguments = std::env::args_os().filter_map(|argument| argument.into_string().ok());
    let arguments: Vec<_> = arguments.collect();
    redact::learn(&arguments.join("\n"));
    arguments
        .iter()
        .for_each(|argument| redact::learn(argument));
    for (name, value) in std::env::vars_os() {
        let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else {
            continue;
        };
        if redact::names_a_secret(name) && !FOLDERS_OF_SHELLS.contains(&name) {
            redact::remember(value);
        }
        redact::learn(value);
        learn_a_proxy(name, value);
    }
}

/// Proxies may be given without a scheme: `user:password@host:port`.
fn learn_a_proxy(name: &str, value: &str) {
    if name.to_ascii_lowercase().ends_with("_proxy") && !value.contains("://") {
        redact::learn(&format!("http://{value}"));
    }
}

/// Where GitHub checked the repository out.
const GITHUB_WORKSPACE: &str = "GITHUB_WORKSPACE";
/// File that GitHub shows on the page of a job, as Markdown.
const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Returns the folder of the repository in a CI job.
pub(super) fn workspace() -> Option<PathBuf> {
    variable(GITHUB_WORKSPACE).map(PathBuf::from)
}

/// Returns the file that CI shows on the page of a job, as Markdown.
pub(super) fn step_summary() -> Option<PathBuf> {
    variable(GITHUB_STEP_SUMMARY).map(PathBuf::from)
}

/// Returns whether the user wants no colour.
pub(super) fn no_color() -> bool {
    variable(NO_COLOR).is_some()
}

/// Returns the number of columns that the user set for tables; a value that is not a number counts as unset.
pub(super) fn columns() -> Option<usize> {
    variable(COLUMNS)?.trim().parse().ok()
}
