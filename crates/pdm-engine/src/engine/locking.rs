//! Checks a run against the lock of its pipeline, and updates the lock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::executor::changes;
use super::inputs::{ExpectedFiles, HashPolicy, Inputs, digest_cache};
use super::pipeline_run::PipelineRun;
use super::results::Results;
use super::step::{Prepared, Situation, step_of};
use super::{Context, EngineError, Job, RunPurpose};
use crate::cache::{CacheEntry, InputChange, InputFile};
use crate::cache::{LOG, LockFile, LockFileError, LockedStage, StageKey};
use crate::config::{ExecGraph, Layer, Node, Stage, is_locked_key};
use crate::pipeline::{calibrate, evaluate, train};
use pdm_core::codes::Code;
use pdm_core::content::Digest;
use pdm_core::events::Reporter;

/// What a run does with the lock of its pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockMode {
    /// Updates it at the end.
    #[default]
    Update,
    /// Fails where an update would change it.
    Locked,
    /// Uses only the data files it names, and leaves it as it is.
    Frozen,
}

impl LockMode {
    /// Returns whether the run needs a lock, and its data files must match it.
    pub(super) fn is_strict(self) -> bool {
        self != Self::Update
    }
}

/// Why a run does not match the lock.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// There is no pipeline file, and so no place for a lock.
    #[error("the embedded pipeline has no lock")]
    Embedded,
    /// There is no lock.
    #[error("there is no `{}`", .0.display())]
    Absent(PathBuf),
    /// The lock cannot be used.
    #[error("`{}` {source}", path.display())]
    Unusable {
        /// The lock.
        path: PathBuf,
        /// Why not.
        source: LockFileError,
    },
    /// The data files differ.
    #[error("the data are not those of `{}`: {}", path.display(), changes.join(", "))]
    Inputs {
        /// The lock.
        path: PathBuf,
        /// Which files differ, and how.
        changes: Vec<String>,
    },
    /// The options of a stage differ.
    #[error("stage `{stage}` is not the one in `{}`: {}", path.display(), changes.join(", "))]
    Key {
        /// The lock.
        path: PathBuf,
        /// The stage.
        stage: String,
        /// Which keys differ, how, and where they are written.
        changes: Vec<String>,
    },
    /// The same stage, on the same data, with the same options, made other bytes.
    #[error("stage `{stage}` made other bytes than `{}` says: {}", path.display(), files.join(", "))]
    Outputs {
        /// The lock.
        path: PathBuf,
        /// The stage.
        stage: String,
        /// Which files differ.
        files: Vec<String>,
    },
}

impl LockError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Embedded | Self::Absent(_) => Code::NoLock,
            Self::Unusable { .. } => Code::LockUnusable,
            Self::Inputs { .. } => Code::LockedData,
            Self::Key { .. } => Code::LockedStage,
            Self::Outputs { .. } => Code::NotReproduced,
        }
    }

    /// Returns what to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Embedded => "`pdm-ml init` writes a pipeline file",
            Self::Absent(_) => "run once without --locked and --frozen, and commit the file",
            Self::Unusable { .. } => {
                "restore it from Git, or delete it: a run without --locked writes it again"
            }
            Self::Inputs { .. } | Self::Key { .. } => {
                "if the change is intended, run once without --locked and --frozen, and commit the lock"
            }
            Self::Outputs { .. } => {
                "the cause is another processor, another version of a stage or a changed result; `pdm-ml run --force` computes it here"
            }
        }
    }
}

/// The lock of a pipeline as it was before a run.
#[derive(Debug, Default)]
pub(super) struct Lock {
    path: Option<PathBuf>,
    mode: LockMode,
    before: Option<LockFile>,
}

impl Lock {
    /// Reads the lock.
    ///
    /// # Errors
    /// A lock is asked for and cannot be used.
    pub(super) fn open(job: &Job, mode: LockMode) -> Result<Self, LockError> {
        let Some(path) = job.lock_path() else {
            if mode.is_strict() {
                return Err(LockError::Embedded);
            }
            return Ok(Self::default());
        };
        let before = match LockFile::read(&path) {
            Ok(before) => before,
            // The run will write it again.
            Err(_) if !mode.is_strict() => None,
            Err(source) => return Err(LockError::Unusable { path, source }),
        };
        if before.is_none() && mode.is_strict() {
            return Err(LockError::Absent(path));
        }
        Ok(Self {
            path: Some(path),
            mode,
            before,
        })
    }

    /// Returns the outputs that the lock records for a stage under a key.
    pub(super) fn outputs(&self, key: &StageKey) -> Option<&BTreeMap<String, Digest>> {
        let locked = self.before.as_ref()?.stage(&key.stage)?;
        if locked.digest != key.digest() {
            return None;
        }
        Some(&locked.outputs)
    }

    /// Refuses a key that differs from the lock's, under `--locked`; `changes` says how the lock's key, with its data files,
    /// differs.
    pub(super) fn check_key(
        &self,
        key: &StageKey,
        changes: impl FnOnce(&StageKey, &[InputFile]) -> Vec<String>,
    ) -> Result<(), LockError> {
        if self.mode != LockMode::Locked {
            return Ok(());
        }
        let Some((path, lock)) = self.binding() else {
            return Ok(());
        };
        let changes = match lock.stage(&key.stage) {
            Some(locked) if locked.digest == key.digest() => return Ok(()),
            Some(locked) => changes(&locked.key, &lock.inputs),
            None => vec!["the lock does not have it".to_owned()],
        };
        Err(LockError::Key {
            path: path.to_owned(),
            stage: key.stage.clone(),
            changes,
        })
    }

    /// Refuses a result that differs from the lock's, under `--locked`. Otherwise it is a warning: the same inputs made other
    /// bytes.
    pub(super) fn check_result(
        &self,
        entry: &CacheEntry,
        reporter: &Reporter,
    ) -> Result<(), LockError> {
        let (Some(path), Some(locked)) = (&self.path, self.outputs(entry.key())) else {
            return Ok(());
        };
        let files = differing(locked, entry);
        if files.is_empty() {
            return Ok(());
        }
        let stage = entry.key().stage.clone();
        if self.mode == LockMode::Locked {
            return Err(LockError::Outputs {
                path: path.clone(),
                stage,
                files,
            });
        }
        reporter.warn(format!(
            "stage `{stage}` made other bytes than `{}` says: {}",
            path.display(),
            files.join(", ")
        ));
        Ok(())
    }

    /// Returns the lock with its path, where the run must match it.
    fn binding(&self) -> Option<(&Path, &LockFile)> {
        if !self.mode.is_strict() {
            return None;
        }
        Some((self.path.as_deref()?, self.before.as_ref()?))
    }
}

/// Checks data and options against the lock of a pipeline, as far as that is possible without running a stage; returns the path
/// of the lock.
///
/// # Errors
/// There is no lock, or it is for other data or other options.
pub fn check_lock(context: &Context, job: &Job) -> Result<PathBuf, EngineError> {
    let lock = Lock::open(job, LockMode::Locked)?;
    let path = lock.path.clone().ok_or(LockError::Embedded)?;
    let run = PipelineRun::open(context, job)?;
    let inputs = run.data()?;
    lock.check_inputs(&inputs.shown)?;
    let hashes = digest_cache(context, HashPolicy::Unchanged);
    let situation = Situation {
        run: &run,
        purpose: &RunPurpose::Requested,
        results: &Results::default(),
        expected: &ExpectedFiles::new(),
        hashes: &hashes,
    };
    for stage in [Stage::Validate, Stage::Features] {
        let step = step_of(Node::Named(stage), job);
        if let Prepared::Task(task) = step.prepare(&situation)? {
            lock.check_key(&task.key, |old, files| {
                changes(&run, &*step, old, files, &task)
            })?;
        }
    }
    lock.check_options(job, inputs)?;
    Ok(path)
}

impl Lock {
    /// Refuses options of the later stages that differ from the lock's; the results of earlier stages are not compared.
    fn check_options(&self, job: &Job, inputs: &Inputs) -> Result<(), LockError> {
        let Some((path, lock)) = self.binding() else {
            return Ok(());
        };
        let spec = &job.spec;
        let data = inputs.digests();
        // Any digest will do for the results of earlier stages: only options and versions are compared.
        let any = data.train;
        let keys = [
            train::stage_key(spec, data.train, any),
            calibrate::stage_key(spec, data.train, any, any),
            evaluate::stage_key(spec, data, any, any),
        ];
        for key in keys {
            let stage = key.stage.clone();
            let change = match lock.stage(&stage) {
                None => "the lock does not have it",
                Some(locked) if locked.key.semantic_version != key.semantic_version => {
                    "this release computes another result"
                }
                Some(locked) if locked.key.parameters != key.parameters => {
                    "its options have changed"
                }
                Some(_) => continue,
            };
            return Err(LockError::Key {
                path: path.to_owned(),
                stage,
                changes: vec![change.to_owned()],
            });
        }
        Ok(())
    }

    /// Refuses data that differ from the lock's, under `--locked` and `--frozen`. Their paths may differ.
    pub(super) fn check_inputs(&self, inputs: &[InputFile]) -> Result<(), LockError> {
        let Some((path, lock)) = self.binding() else {
            return Ok(());
        };
        if contents(&lock.inputs) == contents(inputs) {
            return Ok(());
        }
        let mut changes = Vec::new();
        for input in ["train", "test", "rul"] {
            let between = InputChange::between(input, &lock.inputs, inputs);
            changes.extend(between.iter().map(InputChange::text));
        }
        Err(LockError::Inputs {
            path: path.to_owned(),
            changes,
        })
    }

    /// Writes the results to the lock, where it is to be updated and something changed.
    pub(super) fn update(&self, run: &PipelineRun<'_>, results: &Results) {
        let Self {
            path: Some(path),
            mode: LockMode::Update,
            before,
        } = self
        else {
            return;
        };
        let now = self.now(run, results);
        if before
            .as_ref()
            .is_some_and(|before| before.locks_the_same(&now))
        {
            return;
        }
        let reporter = &run.context.reporter;
        let shown = path.display();
        if let Some(set) = set_outside_file(run.job) {
            if before.is_some() {
                reporter.note(format!(
                    "`{shown}` is not changed: it locks the pipeline file as written, without `{set}`"
                ));
            }
            return;
        }
        if let Err(error) = now.write(path) {
            reporter.warn(format!(
                "`{shown}` cannot be written, so nothing is locked: {error}"
            ));
        }
    }

    /// Returns the lock with the results of this run, and those of later stages that it had before.
    fn now(&self, run: &PipelineRun<'_>, results: &Results) -> LockFile {
        let spec = &run.job.spec;
        let stages = Stage::ALL
            .into_iter()
            .filter(|stage| *stage < Stage::Gate)
            .map_while(|stage| results.stage(stage))
            .map(LockedStage::of)
            .collect();
        let graph = ExecGraph::of(spec);
        let mut programs = Vec::new();
        for (exec, entry) in results.programs() {
            if graph.comes_before(exec, Stage::Gate) {
                programs.push(LockedStage::of(entry));
            }
        }
        let inputs = match run.inputs() {
            Some(inputs) => inputs.shown.clone(),
            None => Vec::new(),
        };
        let now = LockFile::new(&spec.project.name, inputs, stages).with_exec(programs);
        let mut now = match &self.before {
            Some(before) => now.continued_by(before),
            None => now,
        };
        now.exec.retain(|locked| {
            spec.stages
                .iter()
                .any(|stage| stage.name == locked.key.stage)
        });
        now
    }
}

/// Returns the inputs and digests of files, without their paths.
fn contents(files: &[InputFile]) -> Vec<(&str, Digest)> {
    let mut contents: Vec<_> = files
        .iter()
        .map(|file| (file.input.as_str(), file.sha256))
        .collect();
    contents.sort();
    contents
}

/// Returns the first thing that is set outside the pipeline file and changes what a stage does.
fn set_outside_file(job: &Job) -> Option<String> {
    let set = job.origins.as_slice().iter().find(|origin| {
        is_locked_key(&origin.key) && matches!(origin.layer, Layer::Set | Layer::Environment)
    })?;
    set.source.place()
}

fn differing(locked: &BTreeMap<String, Digest>, entry: &CacheEntry) -> Vec<String> {
    let mut now = BTreeMap::new();
    for output in entry.outputs() {
        if output.path != LOG {
            now.insert(&output.path, output.sha256);
        }
    }
    let mut differences = Vec::new();
    for path in locked.keys() {
        if !now.contains_key(path) {
            differences.push(format!("`{path}` is missing"));
        }
    }
    for (path, sha256) in now {
        match locked.get(path) {
            Some(before) if *before == sha256 => {}
            Some(before) => differences.push(format!(
                "`{path}` ({}… → {}…)",
                before.short(),
                sha256.short()
            )),
            None => differences.push(format!("`{path}` is new")),
        }
    }
    differences
}
