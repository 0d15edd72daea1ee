//! The steps of a run: the eight named stages, each in a file of its own, and the programs of `[[stage]]`.
//!
//! A [`Step`] says what it depends on and what it would do; the executor does everything that all steps have in common: keys,
//! cache, shared cache, lock, claims, record, events. [`step_of`] is the only place that lists all steps.

mod calibrate;
mod evaluate;
mod features;
mod gate;
mod program;
mod promote;
mod register;
mod train;
mod validate;

use std::path::PathBuf;

use super::budget::over_budget;
use super::inputs::ExpectedFiles;
use super::pipeline_run::PipelineRun;
use super::results::Results;
use super::{EngineError, Job, RunPurpose};
use crate::cache::{CacheEntry, DigestCache, InputChange, InputFile, Pending, StageKey};
use crate::config::{Node, Stage, StepName};
use crate::pipeline::Summary;
use pdm_core::events::{BudgetExceeded, Event, Reporter};

/// One unit of work of the executor.
pub(super) trait Step: Sync {
    /// Returns the name in tables, caches and messages.
    fn name(&self) -> StepName;

    /// Returns whether the step needs the digests of the data files, which are hashed before it.
    fn reads_data(&self) -> bool;

    /// Returns whether the result depends only on the pipeline file, the project's files and the environment. Such results are
    /// locked and shared with other machines; results that depend on the registry are not.
    fn is_reproducible(&self) -> bool;

    /// Returns why the step is blocked by an earlier one, where it is.
    ///
    /// # Errors
    /// The earlier result cannot be read.
    fn blocked(&self, _: &Results, _: &RunPurpose) -> Result<Option<String>, EngineError> {
        Ok(None)
    }

    /// Refuses to go on under `--strict` where there are concerns.
    ///
    /// # Errors
    /// [`EngineError::Strict`], or an earlier result cannot be read.
    fn refuse_concerns(&self, _: &PipelineRun<'_>, _: &Results) -> Result<(), EngineError> {
        Ok(())
    }

    /// Returns what the step would do.
    ///
    /// # Errors
    /// An earlier result, an input or the registry cannot be read.
    fn prepare<'s>(&'s self, at: &Situation<'s>) -> Result<Prepared<'s>, EngineError>;

    /// Returns an upper estimate of the peak memory that the step needs; none where it needs almost none, or where that is not
    /// known yet.
    ///
    /// # Errors
    /// An earlier result cannot be read.
    fn memory(&self, _: &PipelineRun<'_>, _: &Results) -> Result<Option<MemoryNeed>, EngineError> {
        Ok(None)
    }

    /// Returns the error for a budget that stopped the step, or would stop it.
    fn over_budget(&self, _: &Job, exceeded: BudgetExceeded) -> EngineError {
        over_budget(self.name(), exceeded)
    }

    /// Returns where in the pipeline file an option of the step is, such as `pdm.toml:12`.
    fn location(&self, job: &Job, path: &str) -> Option<String> {
        job.origins.place(path)
    }

    /// Returns what differs between the files of an input then and now; nothing where no data files are behind the input.
    fn compare_files(
        &self,
        input: &str,
        then: &[InputFile],
        now: &[InputFile],
    ) -> Vec<InputChange> {
        match data_behind(self.name().name(), input) {
            Some(role) => InputChange::between(role, then, now),
            None => Vec::new(),
        }
    }

    /// Returns the files of a result that are recorded with a run.
    fn artifacts(&self, entry: &CacheEntry) -> Vec<Event>;
}

/// What a step decides by: the run, and the results so far.
pub(super) struct Situation<'s> {
    pub(super) run: &'s PipelineRun<'s>,
    pub(super) purpose: &'s RunPurpose,
    pub(super) results: &'s Results,
    /// Files that will exist, whether or not they do now.
    pub(super) expected: &'s ExpectedFiles,
    /// Digests of files that were hashed before.
    pub(super) hashes: &'s DigestCache,
}

/// What a step would do.
pub(super) enum Prepared<'s> {
    /// Not known before earlier steps have run.
    Unknown,
    /// Nothing, because its effect exists already or is not wanted; why, as a fragment.
    Done(String),
    /// Change the registry.
    Change(Box<dyn RegistryChange + 's>),
    /// Make files, which are cached under a key.
    Task(Task<'s>),
}

/// A step that makes files, with everything it needs.
pub(super) struct Task<'s> {
    pub(super) key: StageKey,
    /// The files behind its inputs.
    pub(super) files: Vec<InputFile>,
    pub(super) compute: Box<dyn Compute + 's>,
}

/// Makes files from inputs.
pub(super) trait Compute {
    /// Computes the result into the folder of `work`.
    ///
    /// # Errors
    /// It cannot be computed, or was stopped.
    fn run(&self, work: &Work<'_>) -> Result<Summary, EngineError>;

    /// Returns the outputs that the project lacks although they are cached, each with the file to copy from.
    fn lost_outputs(&self, _: &CacheEntry) -> Vec<(PathBuf, PathBuf)> {
        Vec::new()
    }

    /// Puts lost outputs back.
    ///
    /// # Errors
    /// A file cannot be written.
    fn put_back(&self, _: &[(PathBuf, PathBuf)]) -> Result<(), EngineError> {
        Ok(())
    }

    /// Returns the files that a cached result puts into the project, with their digests and sizes.
    fn expected_files(&self, _: &CacheEntry) -> ExpectedFiles {
        ExpectedFiles::new()
    }
}

/// Where a result is computed, and for which run.
pub(super) struct Work<'w> {
    pub(super) pending: &'w Pending,
    pub(super) reporter: &'w Reporter,
    /// Whether to continue from what a stopped training left.
    pub(super) partial: bool,
    /// Id of the recorded run; empty where none is recorded.
    pub(super) run_id: &'w str,
}

/// A change of the registry, with everything it needs.
pub(super) trait RegistryChange {
    /// Makes the change.
    ///
    /// # Errors
    /// The registry refuses it or cannot be written.
    fn apply(&self, run_id: &str) -> Result<Summary, EngineError>;

    /// Returns a stage whose result the change makes out of date, so that the next run would repeat it.
    fn outdates(&self) -> Option<Stage> {
        None
    }
}

/// The memory that a step needs.
pub(super) struct MemoryNeed {
    /// What needs it, as in "training needs 3 GiB".
    pub(super) work: &'static str,
    pub(super) bytes: u64,
}

/// Returns a step of a pipeline.
pub(super) fn step_of(node: Node, job: &Job) -> Box<dyn Step + '_> {
    match node {
        Node::Exec(exec) => Box::new(program::ProgramStep::new(exec, job)),
        Node::Named(Stage::Validate) => Box::new(validate::ValidateStep),
        Node::Named(Stage::Features) => Box::new(features::FeaturesStep),
        Node::Named(Stage::Train) => Box::new(train::TrainStep),
        Node::Named(Stage::Calibrate) => Box::new(calibrate::CalibrateStep),
        Node::Named(Stage::Evaluate) => Box::new(evaluate::EvaluateStep),
        Node::Named(Stage::Gate) => Box::new(gate::GateStep),
        Node::Named(Stage::Register) => Box::new(register::RegisterStep),
        Node::Named(Stage::Promote) => Box::new(promote::PromoteStep),
    }
}

/// Returns whether an input of a stage includes a data file.
pub fn is_behind(stage: &str, input: &str, file: &InputFile) -> bool {
    data_behind(stage, input).is_some_and(|role| file.input == role)
}

/// Returns the role of the data files behind an input of a named stage; none where the input is the result of another stage.
fn data_behind<'n>(stage: &str, input: &'n str) -> Option<&'n str> {
    match (stage, input) {
        ("validate" | "features" | "train", "train") | (_, "data") => Some("train"),
        (_, "test" | "rul") => Some(input),
        _ => None,
    }
}

/// Returns the outputs of a named stage that begin with one of these paths, for the record of a run.
fn recorded(entry: &CacheEntry, wanted: &[&str]) -> Vec<Event> {
    let outputs = entry.outputs().iter();
    outputs
        .filter(|output| wanted.iter().any(|path| output.path.starts_with(path)))
        .map(|output| Event::Artifact {
            name: output.path.clone(),
            path: entry.path(&output.path),
        })
        .collect()
}
