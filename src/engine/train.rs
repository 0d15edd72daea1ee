use std::path::Path;
use std::time::Duration;

use super::budget::within_budget;
use super::{EngineError, Line};
use crate::data::{QualityReport, Role};
use crate::events::{BudgetExceeded, Event, Interrupted, span};
use crate::features::FittedFeatures;
use crate::pipeline::Stage;
use crate::pipeline::cache::Pending;
use crate::pipeline::stages::{Kept, StageError, Summary, features, read_json, train, validate};
use crate::train::{Extent, peak_memory};

impl Line<'_> {
    /// Trains within its budget, going on where an earlier run stopped unless `partial` results are not wanted.
    pub(super) fn train(
        &mut self,
        folder: &Path,
        pending: &Pending,
        partial: bool,
        run: &str,
    ) -> Result<Summary, EngineError> {
        let in_stage = EngineError::in_stage(Stage::Train);
        let fitted: FittedFeatures =
            read_json(&self.entry(Stage::Features).path(features::FITTED)).map_err(&in_stage)?;
        self.refuse_unaffordable()?;
        let before = self.take_up(pending, partial, run)?;
        let (spec, resume) = (&self.job.spec, pending.resume_dir()?);
        let reporter = within_budget(&spec.project.budget, &self.context.reporter);
        let trained = train::run(spec, self.dataset()?, &fitted, [folder, resume], &reporter);
        trained.map_err(|error| match budget_of(&error) {
            Some(exceeded) => stopped(exceeded, &before, resume, spec.split.folds),
            None => in_stage(error),
        })
    }

    /// Returns the peak memory training would need, in bytes, once data and features are known.
    pub(super) fn memory_estimate(&self) -> Result<Option<u64>, EngineError> {
        let (Some(validate), Some(features)) = (self.entries.get(&Stage::Validate), self.entries.get(&Stage::Features))
        else {
            return Ok(None);
        };
        let report: QualityReport =
            read_json(&validate.path(validate::REPORT)).map_err(EngineError::in_stage(Stage::Validate))?;
        let fitted: FittedFeatures =
            read_json(&features.path(features::FITTED)).map_err(EngineError::in_stage(Stage::Features))?;
        let spec = &self.job.spec;
        Ok(Some(peak_memory(&extent(&report, &fitted), &spec.model, &spec.train)))
    }

    /// Returns how long a stage took when this pipeline ran it last, in milliseconds, with whatever options.
    pub(super) fn last_elapsed_ms(&self, stage: Stage) -> Option<u64> {
        let key = self.cache.last_key(&self.job.spec.project.name, stage.name())?;
        self.cache.lookup(&key).into_entry().map(|entry| entry.elapsed_ms())
    }

    /// Refuses training that would need more memory than its budget, and warns of training that took more time.
    fn refuse_unaffordable(&self) -> Result<(), EngineError> {
        let budget = &self.job.spec.project.budget;
        if let (Some(limit), Some(needed)) = (budget.memory.map(|limit| limit.bytes()), self.memory_estimate()?)
            && needed > limit
        {
            let exceeded = BudgetExceeded::MemoryBefore { needed, limit };
            return Err(EngineError::Budget { exceeded, kept: "nothing was trained".to_owned(), next: more(exceeded) });
        }
        let last = self.last_elapsed_ms(Stage::Train).map(Duration::from_millis);
        if let Some((limit, last)) = budget.time.map(|limit| limit.duration()).zip(last)
            && last > limit
        {
            let (limit, last) = (span(limit), span(last));
            self.context.reporter.note(format!("the last training took {last}; this one stops after {limit}"));
        }
        Ok(())
    }

    /// Tells what is kept of earlier work, or removes it, and signs the folder; returns what there is to go on from.
    fn take_up(&self, pending: &Pending, partial: bool, run: &str) -> Result<Kept, EngineError> {
        let (in_stage, reporter) = (EngineError::in_stage(Stage::Train), &self.context.reporter);
        let found = Kept::look(pending.resume_dir()?).map_err(&in_stage)?;
        let folds = self.job.spec.split.folds;
        let kept = if partial { found.clone() } else { Kept::default() };
        let of = found.run.as_ref().filter(|run| !run.is_empty());
        let from = of.map_or("an earlier run".to_owned(), |run| format!("run {run}"));
        let words = found.words(folds);
        match (found.is_empty(), partial) {
            (true, _) => {}
            (false, false) => {
                pending.discard_partial()?;
                reporter.note(format!("starting afresh: {words} kept from {from} are removed"));
            }
            (false, true) => {
                reporter.note(format!("going on with {}: {words} kept from {from}", found.next(folds)));
                let tag = |value: &String| Event::Tag { key: "resumed_from".to_owned(), value: value.clone() };
                of.map(tag).into_iter().for_each(|tag| reporter.emit(tag));
            }
        }
        Kept::sign(pending.resume_dir()?, run).map_err(in_stage)?;
        Ok(kept)
    }
}

fn extent(report: &QualityReport, fitted: &FittedFeatures) -> Extent {
    let of = |role| report.files.iter().find(|file| file.role == role);
    let train = of(Role::Train);
    Extent {
        units: train.map_or(0, |file| file.units),
        rows: train.map_or(0, |file| file.rows),
        test_rows: of(Role::Test).map_or(0, |file| file.rows),
        channels: fitted.schema().channels().count() as u64,
        table_width: fitted.table_names().len() as u64,
        sequence_width: fitted.sequence_names().len() as u64,
        threads: rayon::current_num_threads() as u64,
    }
}

/// Returns the budget that ended a stage.
fn budget_of(error: &StageError) -> Option<BudgetExceeded> {
    match super::error::interruption(error)? {
        Interrupted::Budget(exceeded) => Some(exceeded),
        Interrupted::Signal { .. } => None,
    }
}

fn stopped(exceeded: BudgetExceeded, before: &Kept, resume: &Path, folds: usize) -> EngineError {
    let kept = Kept::look(resume).unwrap_or_default();
    let next = match exceeded {
        BudgetExceeded::Time { .. } if kept.folds > before.folds || kept.checkpoint => {
            format!("run the same command again to go on with {}, or {}", kept.next(folds), more(exceeded))
        }
        // The same budget again would end at the same place.
        _ => more(exceeded),
    };
    EngineError::Budget { exceeded, kept: format!("{} are kept", kept.words(folds)), next }
}

/// Returns how to allow more.
fn more(exceeded: BudgetExceeded) -> String {
    const STEP: u64 = 64 << 20;
    let allow = |bytes: u64| format!("`--set project.budget.memory={}MiB`", bytes.next_multiple_of(STEP) >> 20);
    match exceeded {
        BudgetExceeded::MemoryBefore { needed, .. } => {
            format!("allow more: {}; or need less: fewer features, or a larger train.row_stride", allow(needed))
        }
        BudgetExceeded::Memory { used, .. } => format!("allow more: {}", allow(used + used / 4)),
        BudgetExceeded::Time { limit, .. } => {
            let seconds = (2 * limit.as_secs()).max(1);
            let (number, unit) = if seconds % 60 == 0 { (seconds / 60, "min") } else { (seconds, "s") };
            format!("allow more: `--set project.budget.time={number}{unit}`")
        }
    }
}
