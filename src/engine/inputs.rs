//! The data files a line begins with: by digest for keys, by path for people.

use super::{Context, EngineError, Job, Line, Reuse};
use crate::data::{self, DataError, InputDigest, PartFile, Role};
use crate::pipeline::Stage;
use crate::pipeline::cache::{InputFile, StatCache};
use crate::pipeline::stages::StageError;

/// Name of the file that remembers digests, in the project's folder for what can be made again.
const MEMORY: &str = "inputs.json";

/// Whether a file is hashed that nothing seems to have happened to since it was hashed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// It is not: what the file system says of it is as it was.
    Unchanged,
    /// It is, whatever the file system says.
    Nothing,
}

/// Returns the digests of the data files that are there.
///
/// # Errors
/// The training file is missing, or a file cannot be read.
pub(super) fn look(
    context: &Context,
    job: &Job,
    trust: Trust,
) -> Result<(Vec<InputDigest>, Vec<InputFile>), EngineError> {
    let memory = StatCache::open(context.scratch().join(MEMORY));
    let mut memory = if trust == Trust::Nothing { memory.distrusting() } else { memory };
    let found = data::input_files(&job.spec.dataset, &context.root, |path| memory.digest(path)).map_err(in_validate)?;
    memory.save();
    let of = |(PartFile { role, group, path }, (sha256, bytes))| {
        let shown = path.strip_prefix(&context.root).unwrap_or(&path).display().to_string();
        let file = InputFile { input: input_of(role).to_owned(), path: shown, bytes, sha256 };
        (InputDigest { role, group, sha256 }, file)
    };
    Ok(found.into_iter().map(of).unzip())
}

/// Forgets the digests that are remembered: a file holds other bytes than its size and times told.
pub(super) fn forget(context: &Context) {
    StatCache::forget(&context.scratch().join(MEMORY));
}

/// Returns what the files of a role are called among the inputs of a key.
fn input_of(role: Role) -> &'static str {
    match role {
        Role::Train => "train",
        Role::Test => "test",
        Role::Rul => "rul",
    }
}

impl Line<'_> {
    /// Hashes all data files, where a run must not rest on what the file system says of them.
    pub(super) fn look_closely(&mut self, reuse: Reuse) -> Result<(), EngineError> {
        if reuse.cached && !reuse.lock.is_strict() {
            return Ok(());
        }
        (self.files, self.inputs) = look(self.context, self.job, Trust::Nothing)?;
        Ok(())
    }

    /// Hashes all data files again, before something is registered that rests on them.
    pub(super) fn confirm_inputs(&self) -> Result<(), EngineError> {
        let (files, _) = look(self.context, self.job, Trust::Nothing)?;
        match files.iter().find(|file| !self.files.contains(file)) {
            Some(file) => Err(EngineError::in_stage(Stage::Register)(StageError::DataChanged(file.role))),
            None => Ok(()),
        }
    }
}

fn in_validate(error: DataError) -> EngineError {
    EngineError::in_stage(Stage::Validate)(error.into())
}
