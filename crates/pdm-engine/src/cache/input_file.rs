//! The files behind an input of a key, and how they changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use pdm_core::content::Digest;

/// One file behind an input of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Name of the input it belongs to; several files may be pooled into one.
    pub input: String,
    /// Path as it is shown: relative to the project's folder where the file is in it.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
}

/// One difference between the files of an input then and now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputChange {
    /// Path.
    pub path: String,
    /// Before; none where it did not exist.
    pub old: Option<InputFile>,
    /// Now; none where it does not exist.
    pub new: Option<InputFile>,
}

impl InputChange {
    /// Returns what differs between the files of an input, in order of path.
    pub fn between(input: &str, old: &[InputFile], new: &[InputFile]) -> Vec<Self> {
        let old = files_by_path(input, old);
        let new = files_by_path(input, new);
        let paths: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let mut changes = Vec::new();
        for path in paths {
            let old = old.get(path).copied();
            let new = new.get(path).copied();
            if old.map(|file| file.sha256) != new.map(|file| file.sha256) {
                changes.push(Self {
                    path: (*path).to_owned(),
                    old: old.cloned(),
                    new: new.cloned(),
                });
            }
        }
        changes
    }

    /// Returns the change as a fragment.
    pub fn text(&self) -> String {
        let path = &self.path;
        match (&self.old, &self.new) {
            (Some(old), Some(new)) if old.bytes != new.bytes => {
                format!("`{path}` changed ({} → {} bytes)", old.bytes, new.bytes)
            }
            (Some(old), Some(new)) => {
                let bytes = new.bytes;
                let before = old.sha256.short();
                let now = new.sha256.short();
                format!("`{path}` changed (still {bytes} bytes, SHA-256 {before}… → {now}…)")
            }
            (None, _) => format!("`{path}` is new"),
            (_, None) => format!("`{path}` is gone"),
        }
    }
}

fn files_by_path<'f>(input: &str, files: &'f [InputFile]) -> BTreeMap<&'f str, &'f InputFile> {
    files
        .iter()
        .filter(|file| file.input == input)
        .map(|file| (file.path.as_str(), file))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(input: &str, path: &str, text: &str) -> InputFile {
        InputFile {
            input: input.into(),
            path: path.into(),
            bytes: text.len() as u64,
            sha256: Digest::of(text),
        }
    }

    #[test]
    fn changes_are_reported_for_each_file_of_an_input() {
        let old = [
            file("train", "a", "1"),
            file("train", "b", "2"),
            file("train", "c", "3"),
            file("test", "t", "4"),
        ];
        let new = [
            file("train", "a", "1"),
            file("train", "b", "x"),
            file("train", "d", "33"),
            file("test", "t", "44"),
        ];
        let changes = |input| {
            InputChange::between(input, &old, &new)
                .iter()
                .map(InputChange::text)
                .collect::<Vec<_>>()
        };
        insta::assert_snapshot!(changes("train").join("\n"), @"
        `b` changed (still 1 bytes, SHA-256 d4735e3a265e… → 2d711642b726…)
        `c` is gone
        `d` is new
        ");
        assert_eq!(changes("test"), ["`t` changed (1 → 2 bytes)"]);
        assert!(changes("rul").is_empty());
    }
}
