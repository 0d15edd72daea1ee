//! Every environment variable the command reads.

use jiff::Timestamp;
use std::path::PathBuf;

use super::error::CliError;

/// Registry to use instead of the pipeline's.
pub(super) const REGISTRY: &str = "PDM_ML_REGISTRY";
/// Who acts, for the registry's log.
const ACTOR: &str = "PDM_ML_ACTOR";
/// The time to act at, in place of the clock's, for tests and simulated years only: what is stamped into the registry's log,
/// and what ages are counted from.
const NOW: &str = "PDM_ML_NOW";
/// Any value means: no colour (no-color.org).
const NO_COLOR: &str = "NO_COLOR";

/// Returns the time to act at, where it is set.
///
/// # Errors
/// It is no time.
pub(super) fn now() -> Result<Option<Timestamp>, CliError> {
    let read = |text: String| {
        let wrong = |error| CliError::failed(format!("{NOW} is `{text}`, which is no time: {error}")).usage();
        text.parse().map_err(wrong)
    };
    variable(NOW).map(read).transpose()
}
/// How messages are written, `text` or `json`.
pub(super) const LOG_FORMAT: &str = "PDM_ML_LOG_FORMAT";
/// Which messages are logged.
pub(super) const LOG: &str = "PDM_ML_LOG";
/// File for metrics in Prometheus' text format.
pub(super) const METRICS_FILE: &str = "PDM_ML_METRICS_FILE";
/// Whose trace the command belongs to (W3C Trace Context).
pub(super) const TRACEPARENT: &str = "TRACEPARENT";
/// Where an OpenTelemetry collector listens; what else is said to the exporter, its SDK reads.
#[cfg(not(feature = "otlp"))]
pub(super) const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Looks a variable up; an empty one counts as unset.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Who starts a job, by the names GitHub, GitLab and others give it.
const CI: [&str; 4] = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOREMAIL", "CHANGE_AUTHOR"];

/// Returns who acts: the name that was set, who started the CI job, the identity of git, or the login name.
pub(super) fn actor(git: impl FnOnce() -> Option<String>) -> String {
    let named = variable(ACTOR).or_else(|| CI.into_iter().find_map(variable));
    let login = || ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
    named.or_else(git).or_else(login).unwrap_or_else(|| "unknown".to_owned())
}

/// Where GitHub checked the repository out.
const GITHUB_WORKSPACE: &str = "GITHUB_WORKSPACE";
/// File that GitHub shows on the page of a job, as Markdown.
const GITHUB_STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Returns where CI checked the repository out.
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
