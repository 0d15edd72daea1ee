//! One result of a stage in the cache: its key, its files, its cost.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::At;
use super::{CacheError, StageKey};
use pdm_core::content::{Digest, MOST_OF_A_NOTE, digest_of, read_at_most, read_note};

/// Layout of `entry.json`; a file with another layout counts as damaged, so its stage runs again.
const FORMAT: u32 = 1;

/// One file a stage made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    /// Slash-separated path within the stage's outputs.
    pub path: String,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the last change, in nanoseconds since 1970; a file of the same size and time is not hashed again.
    modified_ns: u64,
}

/// What it cost to run a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Wall time, in milliseconds.
    pub elapsed_ms: u64,
    /// Most main memory the process held meanwhile, in bytes; none where the system does not report it.
    pub peak_bytes: Option<u64>,
}

/// What a stage made under one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CacheEntry {
    format: u32,
    key: StageKey,
    outputs: Vec<Output>,
    summary: Value,
    elapsed_ms: u64,
    /// Most main memory the process held while the stage ran, in bytes; older releases do not write it, and ignore it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    peak_bytes: Option<u64>,
    #[serde(skip)]
    folder: PathBuf,
}

impl CacheEntry {
    /// Returns the entry of the outputs in `folder`, after making sure that they have reached the disk.
    pub(super) fn describe(
        folder: &Path,
        key: StageKey,
        summary: Value,
        cost: Cost,
    ) -> Result<Self, CacheError> {
        let root = outputs_of(folder);
        let mut outputs = Vec::new();
        collect(&root, &root, &mut outputs)?;
        outputs.sort_by(|a, b| a.path.cmp(&b.path));
        let Cost {
            elapsed_ms,
            peak_bytes,
        } = cost;
        Ok(Self {
            format: FORMAT,
            key,
            outputs,
            summary,
            elapsed_ms,
            peak_bytes,
            folder: folder.to_owned(),
        })
    }

    /// Reads the entry in `folder` and checks its outputs; the error says what is damaged.
    ///
    /// The bytes of an output are hashed only where its size or time of change is not as recorded.
    pub(super) fn read(folder: &Path, key: &StageKey) -> Result<Self, String> {
        let text = read_at_most(&file_of(folder), MOST_OF_A_NOTE)
            .map_err(|error| format!("entry.json cannot be read: {error}"))?;
        let entry: Self = serde_json::from_slice(&text)
            .map_err(|error| format!("entry.json is not valid: {error}"))?;
        if entry.format != FORMAT {
            return Err(format!(
                "entry.json has format {}, not {FORMAT}",
                entry.format
            ));
        }
        if entry.key.digest() != key.digest() {
            return Err("entry.json belongs to another key".to_owned());
        }
        let entry = Self {
            folder: folder.to_owned(),
            ..entry
        };
        for output in &entry.outputs {
            entry.check(output)?;
        }
        Ok(entry)
    }

    /// Reads an entry without checking its outputs.
    pub(super) fn read_unchecked(folder: &Path) -> Option<Self> {
        serde_json::from_str(&read_note(&file_of(folder)).ok()?).ok()
    }

    /// Writes `entry.json` and makes sure that it has reached the disk.
    pub(super) fn write(&self) -> Result<(), CacheError> {
        let path = file_of(&self.folder);
        fs::write(&path, serde_json::to_vec_pretty(self)?).at("write", &path)?;
        sync(&path)
    }

    /// Returns this entry after its folder has moved.
    pub(super) fn moved_to(self, folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            ..self
        }
    }

    /// Returns the key the outputs were made under.
    pub fn key(&self) -> &StageKey {
        &self.key
    }

    /// Returns the files, in ascending order of path.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// Returns the stage's summary.
    pub fn summary(&self) -> &Value {
        &self.summary
    }

    /// Returns how long the stage ran, in milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms
    }

    /// Returns what it cost to run the stage.
    pub fn cost(&self) -> Cost {
        Cost {
            elapsed_ms: self.elapsed_ms,
            peak_bytes: self.peak_bytes,
        }
    }

    /// Returns the folder of the outputs.
    pub fn dir(&self) -> PathBuf {
        outputs_of(&self.folder)
    }

    /// Returns the path of an output.
    pub fn path(&self, output: &str) -> PathBuf {
        self.dir().join(output)
    }

    /// Returns the digest of all outputs, names and contents, which is an input of later stages.
    ///
    /// # Panics
    /// Never: a map of text to digests has a JSON form.
    pub fn digest(&self) -> Digest {
        let digests: BTreeMap<_, _> = self
            .outputs
            .iter()
            .map(|output| (&output.path, output.sha256))
            .collect();
        digest_of(&digests).expect("a map of text to digests has a JSON form")
    }

    fn check(&self, output: &Output) -> Result<(), String> {
        let name = &output.path;
        if !Path::new(name)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
            return Err(format!("output `{name}` is outside its folder"));
        }
        let path = self.path(name);
        let found = fs::metadata(&path)
            .map_err(|error| format!("output `{name}` cannot be read: {error}"))?;
        if found.len() != output.bytes {
            return Err(format!(
                "output `{name}` has {} bytes instead of {}",
                found.len(),
                output.bytes
            ));
        }
        if modified_ns(&found) == output.modified_ns {
            return Ok(());
        }
        match Digest::of_file(&path) {
            Ok(digest) if digest == output.sha256 => Ok(()),
            Ok(digest) => Err(format!(
                "output `{name}` has SHA-256 {}… instead of {}…",
                digest.short(),
                output.sha256.short()
            )),
            Err(error) => Err(format!("output `{name}` cannot be read: {error}")),
        }
    }
}

/// Returns the folder of outputs within an entry's or a pending entry's folder.
pub(super) fn outputs_of(folder: &Path) -> PathBuf {
    folder.join("outputs")
}

fn file_of(folder: &Path) -> PathBuf {
    folder.join("entry.json")
}

fn collect(root: &Path, folder: &Path, outputs: &mut Vec<Output>) -> Result<(), CacheError> {
    for item in fs::read_dir(folder).at("list", folder)? {
        let path = item.at("list", folder)?.path();
        let kind = fs::symlink_metadata(&path).at("read", &path)?;
        if kind.is_dir() {
            collect(root, &path, outputs)?;
        } else if kind.is_file() {
            outputs.push(describe(root, &path)?);
        } else {
            return Err(CacheError::NotAFile(path));
        }
    }
    Ok(())
}

fn describe(root: &Path, path: &Path) -> Result<Output, CacheError> {
    sync(path)?;
    let sha256 = Digest::of_file(path).at("read", path)?;
    let found = fs::metadata(path).at("read", path)?;
    Ok(Output {
        path: slashed(root, path)?,
        sha256,
        bytes: found.len(),
        modified_ns: modified_ns(&found),
    })
}

fn slashed(root: &Path, path: &Path) -> Result<String, CacheError> {
    let relative = path.strip_prefix(root).unwrap_or(path);
    let parts: Option<Vec<_>> = relative.iter().map(|part| part.to_str()).collect();
    Ok(parts
        .ok_or_else(|| CacheError::NotUtf8(path.to_owned()))?
        .join("/"))
}

/// Makes sure that a file has reached the disk: a power cut after the rename must not leave a file of the right size and time
/// without its bytes.
fn sync(path: &Path) -> Result<(), CacheError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .at("flush", path)
}

fn modified_ns(found: &Metadata) -> u64 {
    let Ok(modified) = found.modified() else {
        return 0;
    };
    match modified.duration_since(UNIX_EPOCH) {
        Ok(since_1970) => u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX),
        Err(_) => 0,
    }
}
