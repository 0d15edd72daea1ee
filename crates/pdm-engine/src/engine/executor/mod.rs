//! Brings the steps of a run about: the one place for everything that all steps have in common.
//!
//! - [`Executor`] takes one step: agree with the lock, fetch from the shared cache, decide, claim, compute, commit, remember,
//!   share, record;
//! - `scheduler` says which step may begin, on how many threads, and lets the first failure stop the others;
//! - `planner` walks the same graph, asks the same questions by the same code, and runs nothing;
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

/// Takes steps, one at a time on each thread; everything it holds is shared.
pub(super) struct Executor<'e> {
    pub(super) run: &'e PipelineRun<'e>,
    /// The record of the run; none where the command keeps none.
    pub(super) record: Option<&'e RunRecord<'e>>,
    pub(super) purpose: &'e RunPurpose,
    pub(super) reuse: Reuse,
    /// What the run must keep to.
    pub(super) lock: Lock,
    /// Results of other machines.
    pub(super) shared: SharedCache,
    /// Digests of files that were hashed before.
    pub(super) hashes: DigestCache,
}

/// What came of a step.
pub(super) struct Taken {
    pub(super) row: StageRow,
    /// What it made, or made before; none of a step that changes the registry.
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

    /// Takes the digests of the data files, and refuses others than the lock's where that is asked for.
    ///
    /// # Errors
    /// The training file is missing, a file cannot be read, or the data are not those of the lock.
    pub(super) fn read_inputs(&self) -> Result<(), EngineError> {
        let policy = HashPolicy::of(self.reuse);
        let inputs = self.run.read_inputs(policy, &ExpectedFiles::new())?;
        Ok(self.lock.agree_on_inputs(&inputs.shown)?)
    }

    /// Brings a step about: from the cache, or by running it.
    ///
    /// # Errors
    /// It failed or was stopped, or is not the one that is locked; the cache or the registry cannot be used.
    ///
    /// # Panics
    /// Where the steps before it were not taken; the scheduler sees to that.
    pub(super) fn take(&self, step: &dyn Step, results: &Results) -> Result<Taken, EngineError> {
        if step.reads_data() && self.run.inputs().is_none() {
            self.read_inputs()?;
        }
        step.refuse_concerns(self.run, results)?;
        match step.prepare(&self.situation(results))? {
            Prepared::Unknown => panic!("`{}` began before the steps it needs", step.name()),
            Prepared::Done(why) => Ok(self.skipped(step, why)),
            Prepared::Change(change) => self.change_registry(step, &*change, results),
            Prepared::Task(task) => self.take_task(step, &task, results),
        }
    }

    fn situation<'s>(&'s self, results: &'s Results) -> Situation<'s> {
        Situation {
            run: self.run,
            purpose: self.purpose,
            results,
            expected: &NOTHING_EXPECTED,
            hashes: &self.hashes,
        }
    }

    fn take_task(
        &self,
        step: &dyn Step,
        task: &Task<'_>,
        results: &Results,
    ) -> Result<Taken, EngineError> {
        let keeps = step.is_reproducible();
        if keeps {
            let changes =
                |old: &StageKey, files: &[InputFile]| changes(self.run, step, old, files, task);
            self.lock.agree_on_key(&task.key, changes)?;
        }
        let fetched = self.fetch(step, task)?;
        let (row, entry) = match decide(self.run, step, task, !self.reuse.cached) {
            Decision::Cached(entry) => {
                let why = fetched.unwrap_or_else(|| UNCHANGED.to_owned());
                self.use_cached(step, task, *entry, why)?
            }
            Decision::Run(why) => self.compute(step, task, why, results)?,
        };
        if keeps {
            self.lock.agree_on_result(&entry, self.reporter())?;
            if row.action == StageAction::Ran {
                self.shared.share(&entry, self.reporter())?;
            }
        }
        Ok(Taken {
            row,
            entry: Some(entry),
        })
    }

    /// Fetches a result that is not here, where another machine shared it; returns from where.
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

    /// Takes a result from the cache, and puts back what the project has lost of it.
    fn use_cached(
        &self,
        step: &dyn Step,
        task: &Task<'_>,
        entry: CacheEntry,
        why: String,
    ) -> Result<(StageRow, CacheEntry), EngineError> {
        let lost = task.compute.lost_outputs(&entry);
        task.compute.put_back(&lost)?;
        self.remember(task)?;
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
        self.remember(task)?;
        let summary = summary_of(&entry);
        let row = self.finish(step, why, summary, started);
        Ok((row, entry))
    }

    fn change_registry(
        &self,
        step: &dyn Step,
        change: &dyn RegistryChange,
        results: &Results,
    ) -> Result<Taken, EngineError> {
        let why = "its inputs are new".to_owned();
        let started = self.begin(step, &why);
        self.check(step)?;
        let summary = change.apply(&self.run_id())?;
        if let Some(stage) = change.outdates() {
            self.repeat(stage, results);
        }
        Ok(Taken {
            row: self.finish(step, why, summary, started),
            entry: None,
        })
    }

    /// Computes a stage once more for the next run; the result of this run stays the one it used.
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
            Claim::Work(pending) => drop(self.fill(step, &*task.compute, *pending)?),
        }
        self.remember(&task)
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
        // The memory of a program is not that of this process.
        let pending = match step.name().named() {
            Some(_) => pending.with_peak(watch.peak()),
            None => pending,
        };
        Ok(pending.commit(summary)?)
    }

    /// Fails once the work should stop: between steps, and after one that does not check by itself.
    fn check(&self, step: &dyn Step) -> Result<(), EngineError> {
        let checked = self.reporter().check();
        checked.map_err(|interrupted| memory::stopped_by(step.name(), interrupted))
    }

    /// Notes that a step used this key, and the files behind it.
    fn remember(&self, task: &Task<'_>) -> Result<(), EngineError> {
        let pipeline = &self.run.job.spec.project.name;
        let cache = &self.run.cache;
        Ok(cache.remember_files(pipeline, &task.key, &task.files)?)
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

    fn skipped(&self, step: &dyn Step, why: String) -> Taken {
        self.emit_cached(step, &why);
        Taken {
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

/// A run takes files as they are; only a plan expects some.
static NOTHING_EXPECTED: ExpectedFiles = ExpectedFiles::new();

/// Returns what a step said when it ended; an unreadable summary costs only its text.
pub(super) fn summary_of(entry: &CacheEntry) -> Summary {
    serde_json::from_value(entry.summary().clone()).unwrap_or_default()
}

/// Returns a reason, and which lost outputs are put back.
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
