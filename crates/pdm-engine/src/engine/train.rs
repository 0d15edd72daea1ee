use std::path::Path;
use std::time::Duration;

use super::budget::within_time;
use super::memory::allow;
use super::{EngineError, PipelineRun};
use crate::cache::{Cost, Pending};
use crate::config::{PipelineSpec, Stage};
use crate::pipeline::{PartialTraining, StageError, Summary, features, read_json, train};
use pdm_core::events::{BudgetExceeded, Event, Interrupted, span};
use pdm_models::features::FittedFeatures;
use pdm_models::models::ModelOptions;

impl PipelineRun<'_> {
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
        self.job
            .spec
            .idle_options()
            .into_iter()
            .for_each(|idle| self.context.reporter.warn(idle));
        self.mention_time();
        let before = self.take_up(pending, partial, run)?;
        let (spec, resume) = (&self.job.spec, pending.resume_dir()?);
        let reporter = within_time(&spec.project.budget, &self.context.reporter);
        let trained = train::run(spec, self.dataset()?, &fitted, [folder, resume], &reporter);
        trained.map_err(|error| match budget_of(&error) {
            Some(exceeded) => stopped(exceeded, &before, resume, spec),
            None => in_stage(error),
        })
    }

    /// Returns what a stage cost when this pipeline ran it last, with whatever options.
    pub(super) fn last_cost(&self, stage: Stage) -> Option<Cost> {
        let key = self
            .cache
            .last_key(&self.job.spec.project.name, stage.name())?;
        self.cache
            .lookup(&key)
            .into_entry()
            .map(|entry| entry.cost())
    }

    /// Tells of training that took longer than its budget.
    fn mention_time(&self) {
        let budget = &self.job.spec.project.budget;
        let last = self
            .last_cost(Stage::Train)
            .map(|cost| Duration::from_millis(cost.elapsed_ms));
        if let Some((limit, last)) = budget.time.map(|limit| limit.duration()).zip(last)
            && last > limit
        {
            let (limit, last) = (span(limit), span(last));
            self.context.reporter.note(format!(
                "the last training took {last}; this one stops after {limit}"
            ));
        }
    }

    /// Tells what is kept of earlier work, or removes it, and signs the folder; returns what there is to go on from.
    fn take_up(
        &self,
        pending: &Pending,
        partial: bool,
        run: &str,
    ) -> Result<PartialTraining, EngineError> {
        let (in_stage, reporter) = (EngineError::in_stage(Stage::Train), &self.context.reporter);
        let found = PartialTraining::look(pending.resume_dir()?).map_err(&in_stage)?;
        let folds = self.job.spec.split.folds;
        let kept = if partial {
            found.clone()
        } else {
            PartialTraining::default()
        };
        let of = found.run.as_ref().filter(|run| !run.is_empty());
        let from = of.map_or("an earlier run".to_owned(), |run| format!("run {run}"));
        let words = found.words(folds);
        match (found.is_empty(), partial) {
            (true, _) => {}
            (false, false) => {
                pending.discard_partial()?;
                reporter.note(format!(
                    "starting afresh: {words} kept from {from} are removed"
                ));
            }
            (false, true) => {
                reporter.note(format!(
                    "going on with {}: {words} kept from {from}",
                    found.next(folds)
                ));
                let tag = |value: &String| Event::Tag {
                    key: "resumed_from".to_owned(),
                    value: value.clone(),
                };
                of.map(tag).into_iter().for_each(|tag| reporter.emit(tag));
            }
        }
        PartialTraining::sign(pending.resume_dir()?, run).map_err(in_stage)?;
        Ok(kept)
    }
}

/// Returns the budget that ended a stage.
fn budget_of(error: &StageError) -> Option<BudgetExceeded> {
    match super::error::interruption(error)? {
        Interrupted::Budget(exceeded) => Some(exceeded),
        Interrupted::Signal { .. } | Interrupted::Abandoned => None,
    }
}

fn stopped(
    exceeded: BudgetExceeded,
    before: &PartialTraining,
    resume: &Path,
    spec: &PipelineSpec,
) -> EngineError {
    let (folds, more) = (spec.split.folds, more(exceeded, &spec.model));
    let kept = PartialTraining::look(resume).unwrap_or_default();
    let next = match exceeded {
        BudgetExceeded::Time { .. } if kept.folds > before.folds || kept.checkpoint => {
            format!(
                "run the same command again to go on with {}, or {}",
                kept.next(folds),
                more
            )
        }
        // The same budget again would end at the same place.
        BudgetExceeded::Time { .. }
        | BudgetExceeded::Memory { .. }
        | BudgetExceeded::MemoryBefore { .. } => more,
    };
    let be = if kept.folds == 0 { "is" } else { "are" };
    EngineError::Budget {
        exceeded,
        kept: format!("{} {be} kept", kept.words(folds)),
        next,
    }
}

/// Returns how to allow training more.
pub(super) fn more(exceeded: BudgetExceeded, model: &ModelOptions) -> String {
    match exceeded {
        BudgetExceeded::MemoryBefore { needed, .. } => {
            let less = model.family().needs_less();
            format!("allow more: {}; or need less: {less}", allow(needed))
        }
        BudgetExceeded::Memory { used, .. } => format!("allow more: {}", allow(used + used / 4)),
        BudgetExceeded::Time { limit, .. } => {
            let seconds = (2 * limit.as_secs()).max(1);
            let (number, unit) = if seconds % 60 == 0 {
                (seconds / 60, "min")
            } else {
                (seconds, "s")
            };
            format!("allow more: `--set project.budget.time={number}{unit}`")
        }
    }
}
