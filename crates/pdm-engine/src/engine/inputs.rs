//! The data files of a run: their digests for keys, their paths for people.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Context, EngineError, Job, Reuse};
use crate::cache::{DigestCache, InputFile};
use crate::config::Stage;
use crate::pipeline::StageError;
use crate::pipeline::evaluate::DataDigests;
use pdm_core::content::Digest;
use pdm_models::data::{self, DataError, InputDigest, PartFile, Role, part_digest};

/// Name of the digest cache in the project's state folder.
const DIGESTS: &str = "inputs.json";

/// Whether a file that seems unchanged is hashed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashPolicy {
    /// No, where its size and times are as they were.
    Unchanged,
    /// Yes, whatever the file system says.
    Always,
}

impl HashPolicy {
    /// Returns the policy of a run: one that computes everything again or must match a lock hashes all files.
    pub(super) fn of(reuse: Reuse) -> Self {
        if reuse.cached && !reuse.lock.is_strict() {
            Self::Unchanged
        } else {
            Self::Always
        }
    }
}

/// Digests and sizes of files that will exist, whether or not they do now.
pub(super) type ExpectedFiles = BTreeMap<PathBuf, (Digest, u64)>;

/// Opens the project's digest cache.
pub(super) fn digest_cache(context: &Context, policy: HashPolicy) -> DigestCache {
    let cache = DigestCache::open(context.state_dir().join(DIGESTS));
    match policy {
        HashPolicy::Unchanged => cache,
        HashPolicy::Always => cache.hashing_all(),
    }
}

/// Deletes the project's digest cache: a file has other bytes although its size and times are as they were.
pub(super) fn forget(context: &Context) {
    DigestCache::forget(&context.state_dir().join(DIGESTS));
}

/// The data files that a run begins with.
#[derive(Debug, Clone)]
pub(super) struct Inputs {
    pub(super) files: Vec<InputDigest>,
    /// The same files with their paths, as they are shown.
    pub(super) shown: Vec<InputFile>,
    /// Digest of the training files.
    pub(super) train: Digest,
}

impl Inputs {
    /// Hashes the data files. Those that are `expected` need not exist yet.
    ///
    /// # Errors
    /// The training file is missing, or a file cannot be read.
    pub(super) fn read(
        context: &Context,
        job: &Job,
        policy: HashPolicy,
        expected: &ExpectedFiles,
    ) -> Result<Self, EngineError> {
        let cache = digest_cache(context, policy);
        let expected = |path: &Path| expected.get(path).copied();
        let digest = |path: &Path| cache.digest(path);
        let found = data::input_files(&job.spec.dataset, &context.root, expected, digest);
        let found = found.map_err(in_validate)?;
        cache.save();
        let mut files = Vec::new();
        let mut shown = Vec::new();
        for (part, (sha256, bytes)) in found {
            let PartFile {
                role,
                group,
                name,
                path,
            } = part;
            let path = path.strip_prefix(&context.root).unwrap_or(&path);
            shown.push(InputFile {
                input: input_of(role).to_owned(),
                path: path.display().to_string(),
                bytes,
                sha256,
            });
            files.push(InputDigest {
                role,
                group,
                name,
                sha256,
            });
        }
        let train = part_digest(&files, Role::Train).expect("a missing training file is an error");
        Ok(Self {
            files,
            shown,
            train,
        })
    }

    /// Returns the digests of the training part and, where both its files exist, of the test part.
    pub(super) fn digests(&self) -> DataDigests {
        let test = part_digest(&self.files, Role::Test);
        let rul = part_digest(&self.files, Role::Rul);
        DataDigests {
            train: self.train,
            test: test.zip(rul),
        }
    }

    /// Hashes all data files again, before something is registered that depends on them.
    ///
    /// # Errors
    /// A file has changed since, or cannot be read.
    pub(super) fn confirm(&self, context: &Context, job: &Job) -> Result<(), EngineError> {
        let now = Self::read(context, job, HashPolicy::Always, &ExpectedFiles::new())?;
        for file in &now.files {
            if !self.files.contains(file) {
                let changed = StageError::DataChanged(file.role);
                return Err(EngineError::in_stage(Stage::Register)(changed));
            }
        }
        Ok(())
    }
}

/// Returns the name of a role's files among the inputs of a key.
fn input_of(role: Role) -> &'static str {
    match role {
        Role::Train => "train",
        Role::Test => "test",
        Role::Rul => "rul",
        Role::Events => "events",
    }
}

fn in_validate(error: DataError) -> EngineError {
    EngineError::in_stage(Stage::Validate)(error.into())
}
