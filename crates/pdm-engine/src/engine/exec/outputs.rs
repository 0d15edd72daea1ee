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
    /// Its number and the time of its last change of any kind, which no program can set back.
    identity: (u64, i64, i64),
}

/// The outputs of a stage as they were before its program ran.
pub(in crate::engine) struct Before(BTreeMap<String, Option<PriorFile>>);

impl Before {
    /// Looks at the outputs, and makes the folders they belong in.
    pub(in crate::engine) fn look(root: &Path, options: &ExecOptions) -> Result<Self, ExecError> {
        let mut looks = BTreeMap::new();
        for output in &options.outputs {
            let path = root.join(output);
            let folder = path.parent().unwrap_or(root);
            fs::create_dir_all(folder).map_err(ExecError::io("create", folder))?;
            looks.insert(
                output.clone(),
                fs::metadata(&path).ok().map(|found| PriorFile::of(&found)),
            );
        }
        Ok(Self(looks))
    }

    /// Returns an output the program did not make; nothing where it made all. A file that is as it was before counts as
    /// not made: it may come from other inputs.
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

    /// Moves what the program made or changed out of the project: a program that did not come to its end leaves nothing that
    /// somebody could take for a result.
    pub(in crate::engine) fn set_aside(&self, root: &Path, aside: &Path) -> io::Result<()> {
        let touched = |(output, before): &(&String, &Option<PriorFile>)| {
            fs::metadata(root.join(output))
                .is_ok_and(|found| found.is_file() && Some(PriorFile::of(&found)) != **before)
        };
        for (output, _) in self.0.iter().filter(touched) {
            let to = aside.join(output);
            fs::create_dir_all(to.parent().unwrap_or(aside))?;
            fs::rename(root.join(output), to)?;
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

/// Copies the outputs into the folder of an entry that is being made; returns their number and bytes.
pub(in crate::engine) fn keep(
    root: &Path,
    options: &ExecOptions,
    folder: &Path,
) -> Result<(usize, u64), ExecError> {
    let mut bytes = 0;
    for output in &options.outputs {
        let (from, to) = (root.join(output), folder.join(FILES).join(output));
        let parent = to.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(ExecError::io("create", parent))?;
        bytes += fs::copy(&from, &to).map_err(ExecError::io("copy", &from))?;
    }
    Ok((options.outputs.len(), bytes))
}

/// Returns where the project has the outputs of an entry, where the cache has them, and their digests and sizes.
pub(in crate::engine) fn produced(
    root: &Path,
    entry: &CacheEntry,
) -> Vec<(PathBuf, PathBuf, (Digest, u64))> {
    let file = |path: &str| Some(path.strip_prefix(FILES)?.strip_prefix('/')?.to_owned());
    let outputs = entry
        .outputs()
        .iter()
        .filter_map(|output| Some((file(&output.path)?, output)));
    let placed = outputs.map(|(name, output)| {
        (
            root.join(name),
            entry.path(&output.path),
            (output.sha256, output.bytes),
        )
    });
    placed.collect()
}

/// Returns the outputs that the project lacks, or has otherwise.
pub(in crate::engine) fn to_restore(
    root: &Path,
    entry: &CacheEntry,
    memory: &DigestCache,
) -> Vec<(PathBuf, PathBuf)> {
    let differs = |path: &Path, found| !path.is_file() || memory.digest(path).ok() != Some(found);
    let produced = produced(root, entry).into_iter();
    produced
        .filter(|(path, _, found)| differs(path, *found))
        .map(|(path, kept, _)| (path, kept))
        .collect()
}

/// Puts outputs back from the cache, each whole or not at all.
pub(in crate::engine) fn restore(outputs: &[(PathBuf, PathBuf)]) -> Result<(), ExecError> {
    for (path, kept) in outputs {
        let copied = atomic_replace(path, |mut file| {
            io::copy(&mut open_regular(kept)?, &mut file).map(drop)
        });
        copied
            .and_then(|()| fs::set_permissions(path, fs::metadata(kept)?.permissions()))
            .map_err(ExecError::io("write", path))?;
    }
    Ok(())
}
