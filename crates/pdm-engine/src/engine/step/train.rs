//! The stage `train`: cross-validates by unit, then fits on all training units, within a time budget and continuing from where an
//! earlier run stopped.

use std::path::Path;
use std::time::Duration;

use super::{Compute, MemoryNeed, Prepared, Situation, Step, Task, Work, recorded};
use crate::cache::CacheEntry;
use crate::config::{PipelineSpec, Stage, StepName};
use crate::engine::budget::{allow_memory, within_time};
use crate::engine::error::interruption;
use crate::engine::memory::extent;
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::results::Results;
use crate::engine::{EngineError, Job};
use crate::pipeline::{
    LEARNING_CURVES, LEARNING_CURVES_TABLE, PartialTraining, StageError, Summary, features,
    read_json, train,
};
use pdm_core::events::{BudgetExceeded, Event, Interrupted, span};
use pdm_models::features::FittedFeatures;
use pdm_models::models::ModelOptions;
use pdm_models::train::peak_memory;

const STAGE: Stage = Stage::Train;

pub(super) struct TrainStep;

impl Step for TrainStep {
    fn name(&self) -> StepName {
        STAGE.into()
    }

    fn reads_data(&self) -> bool {
        true
    }

    fn is_reproducible(&self) -> bool {
        true
    }

    fn prepare<'s>(&'s self, at: &Situation<'s>) -> Result<Prepared<'s>, EngineError> {
        let Some(inputs) = at.run.inputs() else {
            return Ok(Prepared::Unknown);
        };
        let Some(features) = at.results.stage(Stage::Features) else {
            return Ok(Prepared::Unknown);
        };
        Ok(Prepared::Task(Task {
            key: train::stage_key(&at.run.job.spec, inputs.train, features.digest()),
            files: inputs.shown.clone(),
            compute: Box::new(Training {
                run: at.run,
                features,
            }),
        }))
    }

    fn memory(
        &self,
        run: &PipelineRun<'_>,
        results: &Results,
    ) -> Result<Option<MemoryNeed>, EngineError> {
        let Some(extent) = extent(run, results)? else {
            return Ok(None);
        };
        let spec = &run.job.spec;
        Ok(Some(MemoryNeed {
            work: "training",
            bytes: peak_memory(&extent, &spec.model, &spec.train),
        }))
    }

    fn over_budget(&self, job: &Job, exceeded: BudgetExceeded) -> EngineError {
        EngineError::Budget {
            exceeded,
            kept: "nothing was trained".to_owned(),
            next: allow_more(exceeded, &job.spec.model),
        }
    }

    fn artifacts(&self, entry: &CacheEntry) -> Vec<Event> {
        recorded(entry, &[LEARNING_CURVES, LEARNING_CURVES_TABLE])
    }
}

struct Training<'s> {
    run: &'s PipelineRun<'s>,
    features: &'s CacheEntry,
}

impl Compute for Training<'_> {
    fn run(&self, work: &Work<'_>) -> Result<Summary, EngineError> {
        let in_stage = EngineError::in_stage(STAGE);
        let spec = &self.run.job.spec;
        let fitted: FittedFeatures =
            read_json(&self.features.path(features::FITTED)).map_err(&in_stage)?;
        for idle in spec.idle_options() {
            work.reporter.warn(idle);
        }
        self.warn_of_time(work);
        let before = self.open_partial(work)?;
        let resume = work.pending.resume_dir()?;
        let folder = work.pending.dir();
        let reporter = within_time(&spec.project.budget, work.reporter);
        let dataset = self.run.dataset()?;
        let trained = train::run(spec, dataset, &fitted, [&folder, resume], &reporter);
        trained.map_err(|error| match budget_of(&error) {
            Some(exceeded) => stopped(exceeded, &before, resume, spec),
            None => in_stage(error),
        })
    }
}

impl Training<'_> {
    /// Notes that the last training took longer than the budget.
    fn warn_of_time(&self, work: &Work<'_>) {
        let Some(limit) = self.run.job.spec.project.budget.time else {
            return;
        };
        let Some(cost) = self.run.last_cost(STAGE.name()) else {
            return;
        };
        let limit = limit.duration();
        let last = Duration::from_millis(cost.elapsed_ms);
        if last > limit {
            work.reporter.note(format!(
                "the last training took {}; this one stops after {}",
                span(last),
                span(limit)
            ));
        }
    }

    /// Reports or removes what a stopped training left, and signs the folder; returns what to continue from.
    fn open_partial(&self, work: &Work<'_>) -> Result<PartialTraining, EngineError> {
        let in_stage = EngineError::in_stage(STAGE);
        let resume = work.pending.resume_dir()?;
        let found = PartialTraining::read(resume).map_err(&in_stage)?;
        if !found.is_empty() {
            self.report_partial(&found, work)?;
        }
        PartialTraining::sign(resume, work.run_id).map_err(in_stage)?;
        if work.partial {
            Ok(found)
        } else {
            Ok(PartialTraining::default())
        }
    }

    fn report_partial(&self, found: &PartialTraining, work: &Work<'_>) -> Result<(), EngineError> {
        let folds = self.run.job.spec.split.folds;
        let words = found.words(folds);
        let run = found.run.as_ref().filter(|run| !run.is_empty());
        let from = match run {
            Some(run) => format!("run {run}"),
            None => "an earlier run".to_owned(),
        };
        if !work.partial {
            work.pending.discard_partial()?;
            work.reporter.note(format!(
                "starting from scratch: {words} of {from} are removed"
            ));
            return Ok(());
        }
        let next = found.next(folds);
        work.reporter
            .note(format!("continuing with {next}: {words} kept from {from}"));
        if let Some(run) = run {
            work.reporter.emit(Event::Tag {
                key: "resumed_from".to_owned(),
                value: run.clone(),
            });
        }
        Ok(())
    }
}

/// Returns the budget that ended a stage.
fn budget_of(error: &StageError) -> Option<BudgetExceeded> {
    match interruption(error)? {
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
    let folds = spec.split.folds;
    let more = allow_more(exceeded, &spec.model);
    let kept = PartialTraining::read(resume).unwrap_or_default();
    let next = match exceeded {
        BudgetExceeded::Time { .. } if kept.folds > before.folds || kept.checkpoint => {
            let rest = kept.next(folds);
            format!("run the same command again to continue with {rest}, or {more}")
        }
        // The same budget would stop at the same place again.
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

/// Returns how to raise the budget of training.
fn allow_more(exceeded: BudgetExceeded, model: &ModelOptions) -> String {
    match exceeded {
        BudgetExceeded::MemoryBefore { needed, .. } => {
            let less = model.family().needs_less();
            format!("allow more: {}; or use less: {less}", allow_memory(needed))
        }
        BudgetExceeded::Memory { used, .. } => {
            format!("allow more: {}", allow_memory(used + used / 4))
        }
        BudgetExceeded::Time { limit, .. } => {
            let seconds = (2 * limit.as_secs()).max(1);
            if seconds.is_multiple_of(60) {
                format!(
                    "allow more: `--set project.budget.time={}min`",
                    seconds / 60
                )
            } else {
                format!("allow more: `--set project.budget.time={seconds}s`")
            }
        }
    }
}
