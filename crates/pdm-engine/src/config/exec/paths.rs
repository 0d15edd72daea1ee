//! What a written path means: a file, a folder with all in it, or a pattern of many files.

use std::path::{Component, Path};

use glob::{MatchOptions, Pattern};

/// `*` stays within a folder, `**` does not; a leading dot needs no mention.
const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Returns whether a written path is a pattern.
pub(super) fn is_pattern(written: &str) -> bool {
    written.contains(['*', '?', '['])
}

/// Returns whether `input`, as written, takes in the file at `path`.
pub fn covers(input: &str, path: &str) -> bool {
    let (input, path) = (plain(input), plain(path));
    if is_pattern(&input) {
        return Pattern::new(&input).is_ok_and(|pattern| pattern.matches_with(&path, MATCHING));
    }
    Path::new(&path).starts_with(&input)
}

/// Returns what is wrong with a pattern; nothing where all is well, or where it is none.
pub(super) fn pattern_problem(written: &str) -> Option<&'static str> {
    if !is_pattern(written) {
        return None;
    }
    Pattern::new(written).err().map(|error| error.msg)
}

/// Returns whether a path leads to a file below the project's folder and nowhere else.
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
