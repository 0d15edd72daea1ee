//! Every environment variable the command reads.

use jiff::Timestamp;
use std::path::PathBuf;

use super::error::CliError;
use std::ffi::OsString;

use pdm_core::codes::Code;
use pdm_core::domain::redact;
use pdm_engine::config::SetVariable;

/// Registry to use instead of the pipeline's.
pub(super) const REGISTRY: &str = "PDM_ML_REGISTRY";
/// Profile to use if the command line names none.
pub(super) const PROFILE: &str = "PDM_ML_PROFILE";
/// Prefix of the variables that set one key of the pipeline each, as `PDM_ML__SECTION__KEY`.
const KEY: &str = "PDM_ML__";
/// The actor recorded in the registry's log.
const ACTOR: &str = "PDM_ML_ACTOR";
/// The time to use instead of the clock's, only for tests and simulations: for timestamps in the registry's log, and for
/// ages.
const NOW: &str = "PDM_ML_NOW";
/// Number of columns to use instead of the terminal's.
const COLUMNS: &str = "COLUMNS";
/// Any value disables colours (no-color.org).
const NO_COLOR: &str = "NO_COLOR";

/// Returns the time to use instead of the clock's, if it is set.
///
/// # Errors
/// The value is not a time.
pub(super) fn now() -> Result<Option<Timestamp>, CliError> {
    let read = |text: String| {
        let wrong = |error| {
            CliError::new(
                Code::VariableValue,
                format!("{NOW} is `{text}`, which is not a time: {error}"),
            )
        };
        text.parse().map_err(wrong)
    };
    variable(NOW).map(read).transpose()
}
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

/// Looks a variable up; an empty one counts as unset.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the variables that set a key of the pipeline, by name; an empty one counts as unset.
///
/// # Errors
/// The name of a variable whose value is not text.
pub(super) fn keys() -> Result<Vec<SetVariable>, String> {
    let of_a_key = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
    let mut found: Vec<_> = std::env::vars_os().filter_map(of_a_key).collect();
    found.retain(|(name, value)| name.starts_with(KEY) && !value.is_empty());
    found.sort();
    let registry = variable(REGISTRY);
    let registry = registry.map(|value| SetVariable {
        name: REGISTRY.to_owned(),
        key: Some("registry.url".to_owned()),
        value,
    });
    let named = found
        .into_iter()
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok(SetVariable {
                name,
                key: None,
                value,
            }),
            Err(_) => Err(name),
        });
    registry.into_iter().map(Ok).chain(named).collect()
}

/// Variables in which GitHub, GitLab and others name the person who started a job.
const CI: [&str; 4] = [
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "BUILD_REQUESTEDFOREMAIL",
    "CHANGE_AUTHOR",
];

/// Returns the actor: the name that was set, the person who started the CI job, the identity of git, or the login name.
pub(super) fn actor(git: impl FnOnce() -> Option<String>) -> String {
    let named = variable(ACTOR).or_else(|| CI.into_iter().find_map(variable));
    let login = || {
        ["USER", "LOGNAME", "USERNAME"]
            .into_iter()
            .find_map(variable)
    };
    named
        .or_else(git)
        .or_else(login)
        .unwrap_or_else(|| "unknown".to_owned())
}

/// Folder of the repository in a GitHub job.
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
