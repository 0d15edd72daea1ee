//! Every environment variable the command reads.

/// Registry to use instead of the pipeline's.
pub(super) const REGISTRY: &str = "PDM_ML_REGISTRY";
/// Who acts, for the registry's log; without it the login name.
const ACTOR: &str = "PDM_ML_ACTOR";
/// Any value means: no colour (no-color.org).
const NO_COLOR: &str = "NO_COLOR";

/// Looks a variable up; an empty one counts as unset.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns who acts.
pub(super) fn actor() -> String {
    [ACTOR, "USER", "LOGNAME"].into_iter().find_map(variable).unwrap_or_else(|| "unknown".to_owned())
}

/// Returns whether the user wants no colour.
pub(super) fn no_color() -> bool {
    variable(NO_COLOR).is_some()
}
