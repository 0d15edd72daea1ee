use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

use super::ExecError;
use crate::content::{Digest, digest_of};
use crate::pipeline::covers;

/// Returns the digest of an input: of the file itself, or of the names and digests of all files it means. Files that are
/// `known` count as there, with the digest that is known of them.
///
/// # Errors
/// There is no such file, or it cannot be read.
pub(super) fn digest(root: &Path, written: &str, known: &BTreeMap<PathBuf, Digest>) -> Result<Digest, ExecError> {
    let path = root.join(written);
    if let Some(digest) = known.get(&path) {
        return Ok(*digest);
    }
    if path.is_file() {
        return Digest::of_file(&path).map_err(ExecError::io("read", &path));
    }
    let files = if path.is_dir() { below(&path)? } else { matching(root, written) };
    let name = |file: &Path| file.strip_prefix(root).unwrap_or(file).to_string_lossy().into_owned();
    let soon = known.iter().map(|(path, digest)| (name(path), *digest)).filter(|(path, _)| covers(written, path));
    let mut digests: BTreeMap<_, _> = soon.collect();
    for file in files {
        if let Entry::Vacant(place) = digests.entry(name(&file)) {
            place.insert(Digest::of_file(&file).map_err(ExecError::io("read", &file))?);
        }
    }
    if digests.is_empty() {
        return Err(ExecError::Input(written.to_owned()));
    }
    Ok(digest_of(&digests).expect("a map of text to digests has a JSON form"))
}

/// Returns the files in a folder and the folders in it; a link to a folder is not followed.
fn below(folder: &Path) -> Result<Vec<PathBuf>, ExecError> {
    let mut files = Vec::new();
    for item in fs::read_dir(folder).map_err(ExecError::io("list", folder))? {
        let item = item.map_err(ExecError::io("list", folder))?;
        let kind = item.file_type().map_err(ExecError::io("read", &item.path()))?;
        match kind.is_dir() {
            true => files.extend(below(&item.path())?),
            false if item.path().is_file() => files.push(item.path()),
            false => {}
        }
    }
    Ok(files)
}

/// Returns the files a pattern means; none where it is no pattern.
fn matching(root: &Path, written: &str) -> Vec<PathBuf> {
    let root = glob::Pattern::escape(&root.to_string_lossy());
    let pattern = Path::new(&root).join(written);
    let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
    let found = glob::glob_with(&pattern.to_string_lossy(), options).into_iter().flatten();
    found.flatten().filter(|path| path.is_file()).collect()
}
