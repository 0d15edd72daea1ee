//! Executes the steps of a run: everything that all steps have in common.
//!
//! - [`Executor`] executes one step: check it against the lock, fetch from the shared cache, decide, claim, compute, commit,
//!   record the key, share;
//! - `scheduler` says which step may begin, on how many threads, and makes the first failure stop the others;
//! - `planner` walks the same graph and decides by the same code, but runs nothing;
//! - `decide` says whether a task must run, and why.

mod cancel;
mod decide;
mod planner;
mod scheduler;

pub(super) use cancel::CancelToken;
pub(super) use decide::{Decision, changes, changes_since_last, decide};
pub(super) use planner::Planner;
pub(super) use scheduler::{Finished, Scheduler};

use std::path::PathBuf;
use std::time::Instant;

use super::inputs::{ExpectedFiles, HashPolicy, digest_cache};
use super::locking::Lock;
use super::memory_watch::MemoryWatch;
use super::outcome::{StageAction, StageRow, UNCHANGED};
use super::pipeline_run::PipelineRun;
use super::record::RunRecord;
use super::remote::SharedCache;
use super::results::Results;
use super::step::{Compute, Prepared, RegistryChange, Situation, Step, Task, Work, step_of};
use super::{EngineError, Reuse, RunPurpose, memory};
use crate::cache::{CacheEntry, Claim, DigestCache, InputFile, Pending, StageKey};
use crate::config::{Node, Stage};
use crate::pipeline::Summary;
use pdm_core::events::{Event, Reporter};

/// Executes steps, one at a time on each thread; all threads share it.
pub(super) struct Executor<'e> {
    pub(super) run: &'e PipelineRun<'e>,
    /// The record of the run; none where the command keeps none.
    pub(super) record: Option<&'e RunRecord<'e>>,
    pub(super) purpose: &'e RunPurpose,
    pub(super) reuse: Reuse,
    /// The lock that the run must match.
    pub(super) lock: Lock,
    /// The cache that is shared with other machines.
    pub(super) shared: SharedCache,
    /// Digests of files that were hashed before.
    pub(super) hashes: DigestCache,
}

/// The result of a step.
pub(super) struct StepResult {
    pub(super) row: StageRow,
    /// What it made, now or before; none of a step that changes the registry.
    pub(super) entry: Option<CacheEntry>,
}

impl<'e> Executor<'e> {
    /// Returns an executor that keeps no record and no lock, for programs that make data.
    pub(super) fn without_record(run: &'e PipelineRun<'e>, purpose: &'e RunPurpose) -> Self {
        Self {
            run,
            record: None,
            purpose,
            reuse: Reuse::default(),
            lock: Lock::default(),
            shared: SharedCache::open(&run.context, run.job),
            hashes: digest_cache(&run.context, HashPolicy::Unchanged),
        }
    }

    /// Hashes the data files and checks them against the lock.
    ///
    /// # Errors
    /// The training file is missing, a file cannot be read, or the data are not those of the lock.
    pub(super) fn read_inputs(&self) -> Result<(), EngineError> {
        let policy = HashPolicy::of(self.reuse);
        let inputs = self.run.read_inputs(policy, &ExpectedFiles::new())?;
        Ok(self.lock.check_inputs(&inputs.shown)?)
    }

    /// Executes a step: takes its result from the cache, or runs it.
    ///
    /// # Errors
    /// It failed or was stopped, or does not match the lock; the cache or the registry cannot be used.
    ///
    /// # Panics
    /// Where a step it needs has no result; the scheduler prevents that.
    pub(super) fn execute(
        &self,
        step: &dyn Step,
        results: &Results,
    ) -> Result<StepResult, EngineError> {
        if step.reads_data() && self.run.inputs().is_none() {
            self.read_inputs()?;
        }
        step.refuse_concerns(self.run, results)?;
        match step.prepare(&self.situation(results))? {
            Prepared::Unknown => panic!("`{}` began before the steps it needs", step.name()),
            Prepared::Done(why) => Ok(self.skipped(step, why)),
            Prepared::Change(change) => self.change_registry(step, &*change, results),
            Prepared::Task(task) => self.execute_task(step, &task, results),
        }
    }

    fn situation<'s>(&'s self, results: &'s Results) -> Situation<'s> {
        Situation {
            run: self.run,
            purpose: self.purpose,
            results,
            expected: &NO_FILES,
            hashes: &self.hashes,
        }
    }

    fn execute_task(
        &self,
        step: &dyn Step,
        task: &Task<'_>,
        results: &Results,
    ) -> Result<StepResult, EngineError> {
        let is_reproducible = step.is_reproducible();
        if is_reproducible {
            let changes =
                |old: &StageKey, files: &[InputFile]| changes(self.run, step, old, files, task);
            self.lock.check_key(&task.key, changes)?;
        }
        let fetched = self.fetch(step, task)?;
        let (row, entry) = match decide(self.run, step, task, !self.reuse.cached) {
            Decision::Cached(entry) => {
                let why = fetched.unwrap_or_else(|| UNCHANGED.to_owned());
                self.use_cached(step, task, *entry, why)?
            }
            Decision::Run(why) => self.compute(step, task, why, results)?,
        };
        if is_reproducible {
            self.lock.check_result(&entry, self.reporter())?;
            if row.action == StageAction::Ran {
                self.shared.share(&entry, self.reporter())?;
            }
        }
        Ok(StepResult {
            row,
            entry: Some(entry),
        })
    }

    /// Fetches a result that the local cache lacks, where another machine shared it; returns from where, as a fragment.
    fn fetch(&self, step: &dyn Step, task: &Task<'_>) -> Result<Option<String>, EngineError> {
        if !self.reuse.cached || !step.is_reproducible() {
            return Ok(None);
        }
        let locked = self.lock.outputs(&task.key);
        let cache = &self.run.cache;
        Ok(self
            .shared
            .fetch(cache, &task.key, locked, self.reporter())?)
    }

    /// Takes a result from the cache, and puts back those of its files that the project lacks.
    fn use_cached(
        &self,
        step: &dyn Step,
        task: &Task<'_>,
        entry: CacheEntry,
        why: String,
    ) -> Result<(StageRow, CacheEntry), EngineError> {
        let lost = task.compute.lost_outputs(&entry);
        task.compute.put_back(&lost)?;
        self.record_key(task)?;
        let why = with_lost(why, &lost, self.run, "put back");
        self.emit_cached(step, &why);
        let row = StageRow {
            stage: step.name(),
            action: StageAction::Cached,
            why,
            summary: summary_of(&entry),
            elapsed_ms: 0,
        };
        Ok((row, entry))
    }

    fn compute(
        &self,
        step: &dyn Step,
        task: &Task<'_>,
        why: String,
        results: &Results,
    ) -> Result<(StageRow, CacheEntry), EngineError> {
        let started = self.begin(step, &why);
        memory::refuse_unaffordable(self.run, step, results)?;
        self.check(step)?;
        let entry = match self.claim(task)? {
            Claim::Ready(entry) => {
                let why = "another process finished it".to_owned();
                return self.use_cached(step, task, *entry, why);
            }
            Claim::Work(pending) => self.fill(step, &*task.compute, *pending)?,
        };
        self.record_key(task)?;
        let summary = summary_of(&entry);
        let row = self.finish(step, why, summary, started);
        Ok((row, entry))
    }

    fn change_registry(
        &self,
        step: &dyn Step,
        change: &dyn RegistryChange,
        results: &Results,
    ) -> Result<StepResult, EngineError> {
        let why = "its inputs are new".to_owned();
        let started = self.begin(step, &why);
        self.check(step)?;
        let summary = change.apply(&self.run_id())?;
        if let Some(stage) = change.outdates() {
            self.repeat(stage, results);
        }
        Ok(StepResult {
            row: self.finish(step, why, summary, started),
            entry: None,
        })
    }

    /// Computes a stage again for the next run; this run keeps the result it used.
    fn repeat(&self, stage: Stage, results: &Results) {
        let step = step_of(Node::Named(stage), self.run.job);
        if let Err(error) = self.try_repeat(&*step, results) {
            self.reporter()
                .warn(format!("the next run will repeat `{stage}`: {error}"));
        }
    }

    fn try_repeat(&self, step: &dyn Step, results: &Results) -> Result<(), EngineError> {
        let Prepared::Task(task) = step.prepare(&self.situation(results))? else {
            return Ok(());
        };
        let interrupt = self.reporter().interrupt();
        match self.run.cache.claim(&task.key, interrupt, || {})? {
            Claim::Ready(_) => {}
            Claim::Work(pending) => {
                self.fill(step, &*task.compute, *pending)?;
            }
        }
        self.record_key(&task)
    }

    fn claim(&self, task: &Task<'_>) -> Result<Claim, EngineError> {
        let cache = &self.run.cache;
        let interrupt = self.reporter().interrupt();
        let waiting = || {
            let stage = &task.key.stage;
            self.reporter().warn(format!(
                "another process is working on `{stage}`; waiting for it"
            ));
        };
        if self.reuse.cached {
            return Ok(cache.claim(&task.key, interrupt, waiting)?);
        }
        let pending = cache.begin(&task.key, interrupt, waiting)?;
        Ok(Claim::Work(Box::new(pending)))
    }

    fn fill(
        &self,
        step: &dyn Step,
        compute: &dyn Compute,
        pending: Pending,
    ) -> Result<CacheEntry, EngineError> {
        let watch = MemoryWatch::begin();
        let summary = compute.run(&Work {
            pending: &pending,
            reporter: self.reporter(),
            partial: self.reuse.partial,
            run_id: &self.run_id(),
        })?;
        self.check(step)?;
        let summary =
            serde_json::to_value(summary).expect("a fragment and named figures have a JSON form");
        // A program has a process of its own, whose memory is not known.
        let pending = match step.name().named() {
            Some(_) => pending.with_peak(watch.peak()),
            None => pending,
        };
        Ok(pending.commit(summary)?)
    }

    /// Fails once the work should stop: between steps, and after one that does not check on its own.
    fn check(&self, step: &dyn Step) -> Result<(), EngineError> {
        let checked = self.reporter().check();
        checked.map_err(|interrupted| memory::stopped_by(step.name(), interrupted))
    }

    /// Records the key that a step used last, and the files behind it.
    fn record_key(&self, task: &Task<'_>) -> Result<(), EngineError> {
        let pipeline = &self.run.job.spec.project.name;
        let cache = &self.run.cache;
        Ok(cache.record_key_with_files(pipeline, &task.key, &task.files)?)
    }

    fn begin(&self, step: &dyn Step, why: &str) -> Instant {
        if let Some(record) = self.record {
            record.begin();
            if let Some(inputs) = self.run.inputs() {
                record.inputs(&inputs.files);
            }
        }
        self.reporter().emit(Event::StageStarted {
            stage: step.name().name().to_owned(),
            why: why.to_owned(),
        });
        Instant::now()
    }

    fn finish(&self, step: &dyn Step, why: String, summary: Summary, started: Instant) -> StageRow {
        let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.reporter().emit(Event::StageFinished {
            stage: step.name().name().to_owned(),
            summary: summary.text.clone(),
            elapsed_ms,
        });
        StageRow {
            stage: step.name(),
            action: StageAction::Ran,
            why,
            summary,
            elapsed_ms,
        }
    }

    fn skipped(&self, step: &dyn Step, why: String) -> StepResult {
        self.emit_cached(step, &why);
        StepResult {
            row: StageRow {
                stage: step.name(),
                action: StageAction::Skipped,
                why,
                summary: Summary::default(),
                elapsed_ms: 0,
            },
            entry: None,
        }
    }

    fn emit_cached(&self, step: &dyn Step, why: &str) {
        self.reporter().emit(Event::StageCached {
            stage: step.name().name().to_owned(),
            why: why.to_owned(),
        });
    }

    fn reporter(&self) -> &Reporter {
        &self.run.context.reporter
    }

    fn run_id(&self) -> String {
        self.record.and_then(RunRecord::id).unwrap_or_default()
    }
}

/// A run takes files as they are; only a plan expects files that do not exist yet.
static NO_FILES: ExpectedFiles = ExpectedFiles::new();

/// Returns the summary of a cached result; an empty one where it cannot be read.
pub(super) fn summary_of(entry: &CacheEntry) -> Summary {
    serde_json::from_value(entry.summary().clone()).unwrap_or_default()
}

/// Returns a reason with the lost outputs that are put back.
fn with_lost(
    why: String,
    lost: &[(PathBuf, PathBuf)],
    run: &PipelineRun<'_>,
    word: &str,
) -> String {
    if lost.is_empty() {
        return why;
    }
    let root = &run.context.root;
    let mut shown = Vec::new();
    for (path, _) in lost {
        let path = path.strip_prefix(root).unwrap_or(path);
        shown.push(format!("`{}`", path.display()));
    }
    format!("{why}; {} {word}", shown.join(", "))
}
