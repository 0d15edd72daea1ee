//! Finds and hashes what a program reads.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

use super::ExecError;
use crate::cache::{DigestCache, InputFile};
use crate::config::covers;
use crate::engine::inputs::ExpectedFiles;
use pdm_core::content::{Digest, digest_of};

/// An input as it is now.
pub(in crate::engine) struct Input {
    /// Digest of the file, or of the names and digests of all files that the input names.
    pub(in crate::engine) digest: Digest,
    /// The files.
    pub(in crate::engine) files: Vec<InputFile>,
}

/// Hashes an input. Files that are `expected` count as present, with the digest they will have.
///
/// # Errors
/// There is no such file, or it cannot be read.
pub(in crate::engine) fn hash_input(
    root: &Path,
    written: &str,
    expected: &ExpectedFiles,
    digests: &DigestCache,
) -> Result<Input, ExecError> {
    let path = root.join(written);
    let hashed = |path: &Path| digests.digest(path).map_err(ExecError::io("read", path));
    let single = match expected.get(&path) {
        Some(found) => Some(*found),
        None if path.is_file() => Some(hashed(&path)?),
        None => None,
    };
    let file = |path: &str, (sha256, bytes)| InputFile {
        input: written.into(),
        path: path.into(),
        bytes,
        sha256,
    };
    if let Some(found) = single {
        return Ok(Input {
            digest: found.0,
            files: vec![file(written, found)],
        });
    }
    let files = if path.is_dir() {
        below(&path)?
    } else {
        matching(root, written)
    };
    let name = |file: &Path| {
        file.strip_prefix(root)
            .unwrap_or(file)
            .to_string_lossy()
            .into_owned()
    };
    let mut found = BTreeMap::new();
    for (path, expected) in expected {
        let name = name(path);
        if covers(written, &name) {
            found.insert(name, *expected);
        }
    }
    for file in files {
        if let Entry::Vacant(missing) = found.entry(name(&file)) {
            missing.insert(hashed(&file)?);
        }
    }
    if found.is_empty() {
        return Err(ExecError::Input(written.to_owned()));
    }
    let sha256s: BTreeMap<_, _> = found
        .iter()
        .map(|(name, (sha256, _))| (name, sha256))
        .collect();
    let digest = digest_of(&sha256s).expect("a map of text to digests has a JSON form");
    Ok(Input {
        digest,
        files: found
            .iter()
            .map(|(name, found)| file(name, *found))
            .collect(),
    })
}

/// Returns the files that an input names now, without those that cannot be listed.
pub(in crate::engine) fn files_of(root: &Path, written: &str) -> Vec<PathBuf> {
    let path = root.join(written);
    if path.is_file() {
        return vec![path];
    }
    if path.is_dir() {
        return below(&path).unwrap_or_default();
    }
    matching(root, written)
}

/// Returns the files in a folder and the folders in it; a link to a folder is not followed.
fn below(folder: &Path) -> Result<Vec<PathBuf>, ExecError> {
    let mut files = Vec::new();
    for item in fs::read_dir(folder).map_err(ExecError::io("list", folder))? {
        let item = item.map_err(ExecError::io("list", folder))?;
        let kind = item
            .file_type()
            .map_err(ExecError::io("read", &item.path()))?;
        if kind.is_dir() {
            files.extend(below(&item.path())?);
        } else if item.path().is_file() {
            files.push(item.path());
        }
    }
    Ok(files)
}

/// Returns the files that match a pattern; none where it is not a valid pattern.
fn matching(root: &Path, written: &str) -> Vec<PathBuf> {
    let root = glob::Pattern::escape(&root.to_string_lossy());
    let pattern = Path::new(&root).join(written);
    let options = glob::MatchOptions {
        require_literal_separator: true,
        ..Default::default()
    };
    let found = glob::glob_with(&pattern.to_string_lossy(), options)
        .into_iter()
        .flatten();
    found.flatten().filter(|path| path.is_file()).collect()
}
