//! Every environment variable the command reads.

use std::ffi::OsString;

use crate::pipeline::Variable;

/// Registry to use instead of the pipeline's.
pub(super) const REGISTRY: &str = "PDM_ML_REGISTRY";
/// Profile to use where the command line names none.
pub(super) const PROFILE: &str = "PDM_ML_PROFILE";
/// What the names of variables begin with that set one key of the pipeline each, as `PDM_ML__SECTION__KEY`.
const KEY: &str = "PDM_ML__";
/// Who acts, for the registry's log.
const ACTOR: &str = "PDM_ML_ACTOR";
/// Any value means: no colour (no-color.org).
const NO_COLOR: &str = "NO_COLOR";

/// Looks a variable up; an empty one counts as unset.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the variables that set a key of the pipeline, by name; an empty one counts as unset.
///
/// # Errors
/// The name of one whose value is no text.
pub(super) fn keys() -> Result<Vec<Variable>, String> {
    let of_a_key = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
    let mut found: Vec<_> = std::env::vars_os().filter_map(of_a_key).collect();
    found.retain(|(name, value)| name.starts_with(KEY) && !value.is_empty());
    found.sort();
    let registry = variable(REGISTRY);
    let registry =
        registry.map(|value| Variable { name: REGISTRY.to_owned(), key: Some("registry.url".to_owned()), value });
    let named = found.into_iter().map(|(name, value)| match value.into_string() {
        Ok(value) => Ok(Variable { name, key: None, value }),
        Err(_) => Err(name),
    });
    registry.into_iter().map(Ok).chain(named).collect()
}

/// Who starts a job, by the names GitHub, GitLab and others give it.
const CI: [&str; 4] = ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFOREMAIL", "CHANGE_AUTHOR"];

/// Returns who acts: the name that was set, who started the CI job, the identity of git, or the login name.
pub(super) fn actor(git: impl FnOnce() -> Option<String>) -> String {
    let named = variable(ACTOR).or_else(|| CI.into_iter().find_map(variable));
    let login = || ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(variable);
    named.or_else(git).or_else(login).unwrap_or_else(|| "unknown".to_owned())
}

/// Returns whether the user wants no colour.
pub(super) fn no_color() -> bool {
    variable(NO_COLOR).is_some()
}
