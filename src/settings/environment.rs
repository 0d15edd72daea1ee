//! The environment variables that change a pipeline or name the actor.

use std::ffi::OsString;

use jiff::Timestamp;

use super::error::SettingsError;
use pdm_engine::config::SetVariable;

/// Registry to use instead of the pipeline's.
const REGISTRY: &str = "PDM_ML_REGISTRY";
/// Profile to use if the command line names none.
pub(super) const PROFILE: &str = "PDM_ML_PROFILE";
/// Prefix of the variables that set one key of the pipeline each, as `PDM_ML__SECTION__KEY`.
const KEY: &str = "PDM_ML__";
/// The actor recorded in the registry's log.
const ACTOR: &str = "PDM_ML_ACTOR";
/// The time to use instead of the clock's, only for tests and simulations: for timestamps in the registry's log, and for
/// ages.
pub(super) const NOW: &str = "PDM_ML_NOW";
/// Variables in which GitHub, GitLab and others name the person who started a job.
const CI: [&str; 4] = [
    "GITHUB_ACTOR",
    "GITLAB_USER_LOGIN",
    "BUILD_REQUESTEDFOREMAIL",
    "CHANGE_AUTHOR",
];

/// Looks a variable up; an empty one counts as unset.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the time to use instead of the clock's, if it is set.
///
/// # Errors
/// The value is not a time.
pub fn now() -> Result<Option<Timestamp>, SettingsError> {
    let Some(text) = variable(NOW) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(now) => Ok(Some(now)),
        Err(why) => Err(SettingsError::NotATime { text, why }),
    }
}

/// Returns the variables that set a key of the pipeline, by name; an empty one counts as unset.
///
/// # Errors
/// The value of a variable is not text.
pub fn pipeline_variables() -> Result<Vec<SetVariable>, SettingsError> {
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
            Err(_) => Err(SettingsError::VariableNotText { name }),
        });
    registry.into_iter().map(Ok).chain(named).collect()
}

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
