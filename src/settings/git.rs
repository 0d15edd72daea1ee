//! Asks git about the project.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns what git says of the project, in one line; none where it says nothing.
pub fn ask_git(root: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(root)
        .args(words)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}

/// Returns the top of the repository that holds a folder, where git knows one.
pub fn repository_top(folder: &Path) -> Option<PathBuf> {
    ask_git(folder, &["rev-parse", "--show-toplevel"]).map(PathBuf::from)
}
