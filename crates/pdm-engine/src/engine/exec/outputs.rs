//! Keeps what a program makes in the cache, and puts it back into the project.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::ExecError;
use crate::cache::{CacheEntry, DigestCache};
use crate::config::ExecOptions;
use pdm_core::content::{Digest, atomic_replace, open_regular};

/// Where an entry of the cache holds the outputs.
const FILES: &str = "files";

/// What a file was like before the program ran.
#[derive(Debug, PartialEq, Eq)]
struct PriorFile {
    bytes: u64,
    modified: Option<SystemTime>,
    /// Its inode and the time of its last change of any kind, which no program can set back.
    identity: (u64, i64, i64),
}

/// The outputs of a stage as they were before its program ran.
pub(in crate::engine) struct OutputsBefore(BTreeMap<String, Option<PriorFile>>);

impl OutputsBefore {
    /// Records the outputs as they are now, and makes the folders they belong in.
    pub(in crate::engine) fn record(root: &Path, options: &ExecOptions) -> Result<Self, ExecError> {
        let mut files = BTreeMap::new();
        for output in &options.outputs {
            let path = root.join(output);
            let folder = path.parent().unwrap_or(root);
            fs::create_dir_all(folder).map_err(ExecError::io("create", folder))?;
            let file = fs::metadata(&path).ok().map(|found| PriorFile::of(&found));
            files.insert(output.clone(), file);
        }
        Ok(Self(files))
    }

    /// Returns an output that the program did not make; none where it made all.
    ///
    /// # Errors
    /// An output is a folder, or a file that the program did not write: it may be the result of other inputs.
    pub(in crate::engine) fn missing(&self, root: &Path) -> Result<Option<String>, ExecError> {
        for (output, before) in &self.0 {
            match fs::metadata(root.join(output)) {
                Err(_) => return Ok(Some(output.clone())),
                Ok(found) if !found.is_file() => return Err(ExecError::NotAFile(output.clone())),
                Ok(found) if before.as_ref() == Some(&PriorFile::of(&found)) => {
                    return Err(ExecError::OldOutput(output.clone()));
                }
                Ok(_) => {}
            }
        }
        Ok(None)
    }

    /// Moves what the program made or changed out of the project, so that the files of a failed program are not taken for
    /// results.
    pub(in crate::engine) fn set_aside(&self, root: &Path, aside: &Path) -> io::Result<()> {
        for (output, before) in &self.0 {
            let is_changed = fs::metadata(root.join(output))
                .is_ok_and(|found| found.is_file() && Some(PriorFile::of(&found)) != *before);
            if is_changed {
                let to = aside.join(output);
                fs::create_dir_all(to.parent().unwrap_or(aside))?;
                fs::rename(root.join(output), to)?;
            }
        }
        Ok(())
    }
}

impl PriorFile {
    fn of(found: &Metadata) -> Self {
        Self {
            bytes: found.len(),
            modified: found.modified().ok(),
            identity: identity(found),
        }
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> (u64, i64, i64) {
    use std::os::unix::fs::MetadataExt;
    (found.ino(), found.ctime(), found.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, i64, i64) {
    (0, 0, 0)
}

/// Copies the outputs into the folder of a cache entry that is being made; returns their number and bytes.
pub(in crate::engine) fn copy_to_cache(
    root: &Path,
    options: &ExecOptions,
    folder: &Path,
) -> Result<(usize, u64), ExecError> {
    let mut bytes = 0;
    for output in &options.outputs {
        let from = root.join(output);
        let to = folder.join(FILES).join(output);
        let parent = to.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(ExecError::io("create", parent))?;
        bytes += fs::copy(&from, &to).map_err(ExecError::io("copy", &from))?;
    }
    Ok((options.outputs.len(), bytes))
}

/// Returns the paths of an entry's outputs in the project and in the cache, and their digests and sizes.
pub(in crate::engine) fn produced(
    root: &Path,
    entry: &CacheEntry,
) -> Vec<(PathBuf, PathBuf, (Digest, u64))> {
    let mut files = Vec::new();
    for output in entry.outputs() {
        let Some(name) = output
            .path
            .strip_prefix(FILES)
            .and_then(|rest| rest.strip_prefix('/'))
        else {
            continue;
        };
        files.push((
            root.join(name),
            entry.path(&output.path),
            (output.sha256, output.bytes),
        ));
    }
    files
}

/// Returns the outputs that the project does not have, or has with another content.
pub(in crate::engine) fn to_restore(
    root: &Path,
    entry: &CacheEntry,
    digests: &DigestCache,
) -> Vec<(PathBuf, PathBuf)> {
    let mut files = Vec::new();
    for (path, cached, expected) in produced(root, entry) {
        if !path.is_file() || digests.digest(&path).ok() != Some(expected) {
            files.push((path, cached));
        }
    }
    files
}

/// Puts outputs back from the cache, each completely or not at all.
pub(in crate::engine) fn restore(outputs: &[(PathBuf, PathBuf)]) -> Result<(), ExecError> {
    for (path, cached) in outputs {
        copy_back(path, cached).map_err(ExecError::io("write", path))?;
    }
    Ok(())
}

fn copy_back(path: &Path, cached: &Path) -> io::Result<()> {
    atomic_replace(path, |mut file| {
        io::copy(&mut open_regular(cached)?, &mut file)?;
        Ok::<(), io::Error>(())
    })?;
    fs::set_permissions(path, fs::metadata(cached)?.permissions())
}
