//! The data files a line begins with: by digest for keys, by path for people.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{Context, EngineError, Job, PipelineRun, Reuse};
use crate::cache::{DigestCache, InputFile};
use crate::config::Stage;
use crate::pipeline::StageError;
use pdm_core::content::Digest;
use pdm_models::data::{self, DataError, InputDigest, PartFile, Role};

/// Name of the file that remembers digests, in the project's folder for what can be made again.
const MEMORY: &str = "inputs.json";

/// Whether a file is hashed that nothing seems to have happened to since it was hashed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HashPolicy {
    /// It is not: what the file system says of it is as it was.
    Unchanged,
    /// It is, whatever the file system says.
    Nothing,
}

impl HashPolicy {
    /// Returns what a run may rest on: computing everything again, and keeping to a lock, mean looking closely.
    pub(super) fn of(reuse: Reuse) -> Self {
        if reuse.cached && !reuse.lock.is_strict() {
            Self::Unchanged
        } else {
            Self::Nothing
        }
    }
}

/// Digests and sizes of files that will be there, whether or not they are now.
pub(super) type ExpectedFiles = BTreeMap<PathBuf, (Digest, u64)>;

/// Opens what is remembered of files that were hashed before.
pub(super) fn digest_cache(context: &Context, trust: HashPolicy) -> DigestCache {
    let memory = DigestCache::open(context.state_dir().join(MEMORY));
    if trust == HashPolicy::Nothing {
        memory.hashing_all()
    } else {
        memory
    }
}

/// Returns the digests of the data files that are there, or `known` to be there soon.
///
/// # Errors
/// The training file is missing, or a file cannot be read.
fn look(
    context: &Context,
    job: &Job,
    trust: HashPolicy,
    known: &ExpectedFiles,
) -> Result<(Vec<InputDigest>, Vec<InputFile>), EngineError> {
    let memory = digest_cache(context, trust);
    let (known, digest) = (
        |path: &Path| known.get(path).copied(),
        |path: &Path| memory.digest(path),
    );
    let found =
        data::input_files(&job.spec.dataset, &context.root, known, digest).map_err(in_validate)?;
    memory.save();
    let of = |(PartFile { role, group, path }, (sha256, bytes))| {
        let shown = path
            .strip_prefix(&context.root)
            .unwrap_or(&path)
            .display()
            .to_string();
        let file = InputFile {
            input: input_of(role).to_owned(),
            path: shown,
            bytes,
            sha256,
        };
        (
            InputDigest {
                role,
                group,
                sha256,
            },
            file,
        )
    };
    Ok(found.into_iter().map(of).unzip())
}

/// Forgets the digests that are remembered: a file holds other bytes than its size and times told.
pub(super) fn forget(context: &Context) {
    DigestCache::forget(&context.state_dir().join(MEMORY));
}

/// Returns what the files of a role are called among the inputs of a key.
fn input_of(role: Role) -> &'static str {
    match role {
        Role::Train => "train",
        Role::Test => "test",
        Role::Rul => "rul",
    }
}

impl PipelineRun<'_> {
    /// Takes the digests of the data files; those that are `known` need not be there yet.
    ///
    /// # Errors
    /// The training file is missing, or a file cannot be read.
    pub(super) fn learn_files(&mut self, known: &ExpectedFiles) -> Result<(), EngineError> {
        (self.files, self.inputs) = look(self.context, self.job, HashPolicy::Unchanged, known)?;
        Ok(())
    }

    /// Takes the digests of the data files for a run, and refuses others than the lock's where that is asked for.
    ///
    /// # Errors
    /// As [`Self::learn_files`], or the data are not those of the lock.
    pub(super) fn meet_data(&mut self, reuse: Reuse) -> Result<(), EngineError> {
        (self.files, self.inputs) = look(
            self.context,
            self.job,
            HashPolicy::of(reuse),
            &ExpectedFiles::new(),
        )?;
        self.agree_on_inputs()
    }

    /// Hashes all data files again, before something is registered that rests on them.
    pub(super) fn confirm_inputs(&self) -> Result<(), EngineError> {
        let (files, _) = look(
            self.context,
            self.job,
            HashPolicy::Nothing,
            &ExpectedFiles::new(),
        )?;
        match files.iter().find(|file| !self.files.contains(file)) {
            Some(file) => Err(EngineError::in_stage(Stage::Register)(
                StageError::DataChanged(file.role),
            )),
            None => Ok(()),
        }
    }
}

fn in_validate(error: DataError) -> EngineError {
    EngineError::in_stage(Stage::Validate)(error.into())
}
