//! Holding a run against the lock of its pipeline, and bringing the lock up to date.

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

/// What a run does about the lock of its pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LockMode {
    /// Brings it up to date at the end.
    #[default]
    Update,
    /// Fails where that would change it.
    Locked,
    /// Rests on the data files it names, and leaves it as it is.
    Frozen,
}

impl LockMode {
    /// Returns whether the run must have a lock, and rest on its data files.
    pub(super) fn is_strict(self) -> bool {
        self != Self::Update
    }
}

/// The run is not the one that is locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// There is no pipeline file that a lock could stand beside.
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
    /// The data files are others.
    #[error("the data are not those of `{}`: {}", path.display(), changes.join(", "))]
    Inputs {
        /// The lock.
        path: PathBuf,
        /// Which files differ, and how.
        changes: Vec<String>,
    },
    /// The options of a stage are others.
    #[error("stage `{stage}` is not the one in `{}`: {}", path.display(), changes.join(", "))]
    Key {
        /// The lock.
        path: PathBuf,
        /// The stage.
        stage: String,
        /// Which keys differ, how, and where they stand.
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
                "take the last one from Git, or remove it: a run without --locked writes it anew"
            }
            Self::Inputs { .. } | Self::Key { .. } => {
                "if that is meant, run once without --locked and --frozen, and commit the lock"
            }
            Self::Outputs { .. } => {
                "another processor, another version of a stage, or a result that somebody changed; `pdm-ml run --force` computes it here"
            }
        }
    }
}

/// The lock of a pipeline as a run found it.
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
            return if mode.is_strict() {
                Err(LockError::Embedded)
            } else {
                Ok(Self::default())
            };
        };
        let before = match LockFile::read(&path) {
            Ok(before) => before,
            // It will be written anew.
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

    /// Returns what the lock says a stage makes under a key.
    pub(super) fn outputs(&self, key: &StageKey) -> Option<&BTreeMap<String, Digest>> {
        let locked = self.before.as_ref()?.stage(&key.stage)?;
        Some(&locked.outputs).filter(|_| locked.digest == key.digest())
    }

    /// Refuses a key that is not the lock's, where that is asked for; `changes` tells how the lock's, resting on some data
    /// files, differs.
    pub(super) fn agree_on_key(
        &self,
        key: &StageKey,
        changes: impl FnOnce(&StageKey, &[InputFile]) -> Vec<String>,
    ) -> Result<(), LockError> {
        let Some((path, lock)) = self.binding().filter(|_| self.mode == LockMode::Locked) else {
            return Ok(());
        };
        let changes = match lock.stage(&key.stage) {
            Some(locked) if locked.digest == key.digest() => return Ok(()),
            Some(locked) => changes(&locked.key, &lock.inputs),
            None => vec!["the lock does not reach so far".to_owned()],
        };
        Err(LockError::Key {
            path: path.to_owned(),
            stage: key.stage.clone(),
            changes,
        })
    }

    /// Refuses a result that is not the lock's, where that is asked for; warns of it where the lock will be brought up to
    /// date, since the same inputs made other bytes.
    pub(super) fn agree_on_result(
        &self,
        entry: &CacheEntry,
        reporter: &Reporter,
    ) -> Result<(), LockError> {
        let Some((path, locked)) = self.path.as_deref().zip(self.outputs(entry.key())) else {
            return Ok(());
        };
        let (files, stage) = (differing(locked, entry), entry.key().stage.clone());
        match self.mode {
            _ if files.is_empty() => Ok(()),
            LockMode::Locked => Err(LockError::Outputs {
                path: path.to_owned(),
                stage,
                files,
            }),
            LockMode::Update | LockMode::Frozen => {
                let (files, path) = (files.join(", "), path.display());
                reporter.warn(format!(
                    "stage `{stage}` made other bytes than `{path}` says: {files}"
                ));
                Ok(())
            }
        }
    }

    /// Returns the lock with its place, where a run must keep to it.
    fn binding(&self) -> Option<(&Path, &LockFile)> {
        self.path
            .as_deref()
            .zip(self.before.as_ref())
            .filter(|_| self.mode.is_strict())
    }
}

/// Checks data and options against the lock of a pipeline, as far as they say without any work; returns where the lock is.
///
/// # Errors
/// There is no lock, or it is of other data or other options.
pub fn check_lock(context: &Context, job: &Job) -> Result<PathBuf, EngineError> {
    let lock = Lock::open(job, LockMode::Locked)?;
    let path = lock.path.clone().ok_or(LockError::Embedded)?;
    let run = PipelineRun::open(context, job)?;
    let inputs = run.data()?;
    lock.agree_on_inputs(&inputs.shown)?;
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
            lock.agree_on_key(&task.key, |old, files| {
                changes(&run, &*step, old, files, &task)
            })?;
        }
    }
    lock.agree_on_options(job, inputs)?;
    Ok(path)
}

impl Lock {
    /// Refuses options of the later stages other than the lock's, whatever the stages before them make.
    fn agree_on_options(&self, job: &Job, inputs: &Inputs) -> Result<(), LockError> {
        let Some((path, lock)) = self.binding() else {
            return Ok(());
        };
        let spec = &job.spec;
        let data = inputs.digests();
        // The results of earlier stages are no options, so that any digest can take their place here.
        let any = data.train;
        let keys = [
            train::stage_key(spec, data.train, any),
            calibrate::stage_key(spec, data.train, any, any),
            evaluate::stage_key(spec, data, any, any),
        ];
        for key in keys {
            let stage = key.stage.clone();
            let change = match lock.stage(&stage) {
                None => "the lock does not reach so far",
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

    /// Refuses data other than the lock's, where that is asked for. Their paths may differ.
    pub(super) fn agree_on_inputs(&self, inputs: &[InputFile]) -> Result<(), LockError> {
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

    /// Brings the lock up to date with the results that are there, where it should be and something changed.
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
            .is_some_and(|before| before.says_the_same(&now))
        {
            return;
        }
        let reporter = &run.context.reporter;
        let shown = path.display();
        if let Some(set) = set_aside(run.job) {
            if before.is_some() {
                reporter.note(format!(
                    "`{shown}` is not changed: it locks the file, without what `{set}` sets"
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

    /// Returns the lock of the results that are there, and of those that it had before.
    fn now(&self, run: &PipelineRun<'_>, results: &Results) -> LockFile {
        let spec = &run.job.spec;
        let stages = Stage::ALL.into_iter().filter(|stage| *stage < Stage::Gate);
        let stages = stages
            .map_while(|stage| results.stage(stage))
            .map(LockedStage::of)
            .collect();
        let graph = ExecGraph::of(spec);
        let programs = results
            .programs()
            .filter(|(exec, _)| graph.stands_before(*exec, Stage::Gate))
            .map(|(_, entry)| LockedStage::of(entry))
            .collect();
        let inputs = run
            .inputs()
            .map_or(Vec::new(), |inputs| inputs.shown.clone());
        let now = LockFile::new(&spec.project.name, inputs, stages).with_exec(programs);
        let mut now = match &self.before {
            Some(before) => now.continued_by(before),
            None => now,
        };
        let is_there = |name: &str| spec.stages.iter().any(|stage| stage.name == name);
        now.exec.retain(|locked| is_there(&locked.key.stage));
        now
    }
}

/// Returns the contents of files, whatever their paths.
fn contents(files: &[InputFile]) -> Vec<(&str, Digest)> {
    let mut contents: Vec<_> = files
        .iter()
        .map(|file| (file.input.as_str(), file.sha256))
        .collect();
    contents.sort();
    contents
}

/// Returns the first thing that was set beside the file and changes what a stage does.
fn set_aside(job: &Job) -> Option<String> {
    let mut origins = job
        .origins
        .as_slice()
        .iter()
        .filter(|origin| is_locked_key(&origin.key));
    let set = origins.find(|origin| matches!(origin.layer, Layer::Set | Layer::Environment))?;
    set.source.place()
}

fn differing(locked: &BTreeMap<String, Digest>, entry: &CacheEntry) -> Vec<String> {
    let now = entry.outputs().iter().filter(|output| output.path != LOG);
    let now: BTreeMap<_, _> = now.map(|output| (&output.path, output.sha256)).collect();
    let gone = locked
        .keys()
        .filter(|path| !now.contains_key(path))
        .map(|path| format!("`{path}` is gone"));
    let other = now
        .iter()
        .filter_map(|(path, sha256)| match locked.get(*path) {
            Some(before) if before == sha256 => None,
            Some(before) => Some(format!(
                "`{path}` ({}… → {}…)",
                before.short(),
                sha256.short()
            )),
            None => Some(format!("`{path}` is new")),
        });
    gone.chain(other).collect()
}
