//! Paths as written in `[[stage]]`: a file, a whole folder, or a pattern.

use std::path::{Component, Path};

use glob::{MatchOptions, Pattern};

/// `*` matches within one folder, `**` across folders; both match a leading dot.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Returns whether a written path is a pattern.
pub(super) fn is_pattern(written: &str) -> bool {
    written.contains(['*', '?', '['])
}

/// Returns whether `input`, as written, includes the file at `path`.
pub fn covers(input: &str, path: &str) -> bool {
    let input = plain(input);
    let path = plain(path);
    if is_pattern(&input) {
        return Pattern::new(&input).is_ok_and(|pattern| pattern.matches_with(&path, MATCHING));
    }
    Path::new(&path).starts_with(&input)
}

/// Returns what is wrong with a pattern; none where it is valid, or where the path is not a pattern.
pub(super) fn pattern_problem(written: &str) -> Option<&'static str> {
    if !is_pattern(written) {
        return None;
    }
    Pattern::new(written).err().map(|error| error.msg)
}

/// Returns whether a path is that of a file in the project's folder.
pub(super) fn is_within_project(written: &str) -> bool {
    let mut parts = Path::new(written)
        .components()
        .filter(|part| *part != Component::CurDir)
        .peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// Returns a path without `./` and doubled slashes.
pub(super) fn plain(written: &str) -> String {
    let parts = Path::new(written)
        .components()
        .filter(|part| *part != Component::CurDir);
    let path: std::path::PathBuf = parts.collect();
    path.to_string_lossy().into_owned()
}
