//! `pdm.lock`: the inputs and results of a pipeline, to be committed next to the pipeline file.
//!
//! JSON with one value a line, in an order that depends only on the contents, so that a diff shows what changed.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{LOG, StageKey};
use crate::cache::{CacheEntry, InputFile};
use pdm_core::content::{Digest, MOST_OF_A_NOTE, atomic_write, canonical_json, read_at_most};

/// The layout this program writes and reads.
const VERSION: u32 = 1;

/// The inputs and results of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LockFile {
    version: u32,
    /// The release that wrote it; another one with the same results does not change it.
    tool: String,
    /// Name of the pipeline.
    pipeline: String,
    /// The data files.
    pub inputs: Vec<InputFile>,
    /// The stages in order, as far as they were run.
    pub stages: Vec<LockedStage>,
    /// The programs of `[[stage]]` that come before the gates, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exec: Vec<LockedStage>,
}

/// One stage of a lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LockedStage {
    /// Everything the stage depends on.
    #[serde(flatten)]
    pub key: StageKey,
    /// Digest of the key.
    pub digest: Digest,
    /// SHA-256 of each file it left, by path.
    pub outputs: BTreeMap<String, Digest>,
}

/// Why a lock cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockFileError {
    /// It cannot be read.
    #[error("cannot be read")]
    Io(#[source] io::Error),
    /// It is not a lock.
    #[error("is not valid")]
    Json(#[source] serde_json::Error),
    /// Another release wrote it.
    #[error("has version {0}, but this program reads version {VERSION}")]
    Version(u64),
    /// It was edited.
    #[error("was edited: the digest of stage `{0}` does not match its key")]
    Edited(String),
}

impl LockedStage {
    /// Returns an entry of the cache as it is locked, without the log of a program, which is not a result.
    pub fn of(entry: &CacheEntry) -> Self {
        let key = entry.key().clone();
        let parameters =
            canonical_json(&key.parameters).and_then(|bytes| serde_json::from_slice(&bytes));
        let parameters = parameters.expect("a JSON value has a JSON form");
        let outputs = entry.outputs().iter().filter(|output| output.path != LOG);
        let outputs = outputs
            .map(|output| (output.path.clone(), output.sha256))
            .collect();
        Self {
            digest: key.digest(),
            key: StageKey { parameters, ..key },
            outputs,
        }
    }
}

impl LockFile {
    /// Returns the lock of a pipeline.
    pub fn new(pipeline: &str, mut inputs: Vec<InputFile>, stages: Vec<LockedStage>) -> Self {
        let tool = concat!("pdm-ml ", env!("CARGO_PKG_VERSION")).to_owned();
        inputs.sort_by(|a, b| (&a.input, &a.path).cmp(&(&b.input, &b.path)));
        Self {
            version: VERSION,
            tool,
            pipeline: pipeline.to_owned(),
            inputs,
            stages,
            exec: Vec::new(),
        }
    }

    /// Returns this lock with the programs of `[[stage]]`.
    #[must_use]
    pub fn with_exec(self, mut exec: Vec<LockedStage>) -> Self {
        exec.sort_by(|a, b| a.key.stage.cmp(&b.key.stage));
        Self { exec, ..self }
    }

    /// Reads a lock; none where there is no file.
    ///
    /// # Errors
    /// The file cannot be read, is not a lock this program knows, or was edited.
    pub fn read(path: &Path) -> Result<Option<Self>, LockFileError> {
        let bytes = match read_at_most(path, MOST_OF_A_NOTE) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LockFileError::Io(error)),
        };
        let value: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(LockFileError::Json)?;
        match value["version"].as_u64() {
            Some(version) if version != u64::from(VERSION) => {
                return Err(LockFileError::Version(version));
            }
            _ => {}
        }
        let lock: Self = serde_json::from_value(value).map_err(LockFileError::Json)?;
        for stage in lock.stages.iter().chain(&lock.exec) {
            if stage.key.digest() != stage.digest {
                return Err(LockFileError::Edited(stage.key.stage.clone()));
            }
        }
        Ok(Some(lock))
    }

    /// Returns the locked stage with this name.
    pub fn stage(&self, name: &str) -> Option<&LockedStage> {
        self.stages
            .iter()
            .chain(&self.exec)
            .find(|locked| locked.key.stage == name)
    }

    /// Returns whether both lock the same, whichever release wrote them.
    pub fn locks_the_same(&self, other: &Self) -> bool {
        self.pipeline == other.pipeline
            && self.inputs == other.inputs
            && self.stages == other.stages
            && self.exec == other.exec
    }

    /// Returns this lock with the later stages of an older one, which are still valid where all stages before them are the same.
    #[must_use]
    pub fn continued_by(mut self, older: &Self) -> Self {
        let common = older.stages.get(..self.stages.len());
        if common != Some(&self.stages) || self.inputs != older.inputs {
            return self;
        }
        self.stages
            .extend_from_slice(&older.stages[self.stages.len()..]);
        let mut exec = self.exec.clone();
        for other in &older.exec {
            if self.exec.iter().all(|own| own.key.stage != other.key.stage) {
                exec.push(other.clone());
            }
        }
        self.with_exec(exec)
    }

    /// Writes the lock, completely or not at all.
    ///
    /// # Errors
    /// As [`atomic_write`].
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(self).map_err(io::Error::other)?;
        bytes.push(b'\n');
        atomic_write(path, &bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    fn stage(name: &str, rounds: u64) -> LockedStage {
        let inputs = BTreeMap::from([("train".to_owned(), Digest::of("rows"))]);
        let parameters = json!({"model": {"rounds": rounds, "loss": null}});
        let key = StageKey {
            stage: name.into(),
            semantic_version: 1,
            parameters,
            inputs,
        };
        LockedStage {
            digest: key.digest(),
            key,
            outputs: BTreeMap::from([("weights".into(), Digest::of("w"))]),
        }
    }

    fn lock(stages: &[LockedStage]) -> LockFile {
        let file = |input: &str, path: &str| InputFile {
            input: input.into(),
            path: path.into(),
            bytes: 4,
            sha256: Digest::of("rows"),
        };
        LockFile::new(
            "fd001",
            vec![file("train", "b"), file("test", "a")],
            stages.to_vec(),
        )
    }

    #[test]
    fn what_is_written_is_read_back_and_is_easy_to_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pdm.lock");
        assert!(LockFile::read(&path).unwrap().is_none());
        let lock = lock(&[stage("train", 300)]);
        lock.write(&path).unwrap();
        assert_eq!(LockFile::read(&path).unwrap(), Some(lock));
        let text = fs::read_to_string(&path)
            .unwrap()
            .replace(env!("CARGO_PKG_VERSION"), "[version]");
        insta::assert_snapshot!(text, @r#"
        {
          "version": 1,
          "tool": "pdm-ml [version]",
          "pipeline": "fd001",
          "inputs": [
            {
              "input": "test",
              "path": "a",
              "bytes": 4,
              "sha256": "bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e"
            },
            {
              "input": "train",
              "path": "b",
              "bytes": 4,
              "sha256": "bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e"
            }
          ],
          "stages": [
            {
              "stage": "train",
              "semantic_version": 1,
              "parameters": {
                "model": {
                  "rounds": 300,
                  "loss": null
                }
              },
              "inputs": {
                "train": "bc51e9e65d79e1c90ba544ab2eae1044ccdf8c1af7a559ba375cba4276f7d99e"
              },
              "digest": "5d414b2d4700f87c3f58c2a17f89a28e986e2e0223b7e2987dc5a5a9b5117ce8",
              "outputs": {
                "weights": "50e721e49c013f00c62cf59f2163542a9d8df02464efeb615d31051b0fddc326"
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn a_lock_that_was_edited_or_has_a_newer_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pdm.lock");
        let refused = |text: &str| {
            fs::write(&path, text).unwrap();
            LockFile::read(&path).unwrap_err().to_string()
        };
        lock(&[stage("train", 300)]).write(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(refused(&text.replace("300", "500")).contains("stage `train`"));
        assert!(refused(&text.replace("\"version\": 1", "\"version\": 2")).contains("version 2"));
        assert_eq!(refused("{"), "is not valid");
        assert_eq!(refused("{}"), "is not valid");
        assert_eq!(refused("<<<<<<< HEAD"), "is not valid");
    }

    #[test]
    fn later_stages_stay_only_as_long_as_those_before_are_the_same() {
        let whole = lock(&[stage("train", 300), stage("evaluate", 1)]);
        let begun = lock(&[stage("train", 300)]);
        assert!(begun.clone().continued_by(&whole).locks_the_same(&whole));
        let other = lock(&[stage("train", 500)]);
        assert!(other.clone().continued_by(&whole).locks_the_same(&other));
        let longer = whole.clone().continued_by(&begun);
        assert!(longer.locks_the_same(&whole));
    }
}
