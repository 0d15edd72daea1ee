//! What a stage would need, held against the budget before it begins and after it ended.

use std::fs;

use super::resident::installed;
use super::train::more;
use super::{EngineError, PipelineRun};
use crate::config::Stage;
use crate::pipeline::{features, read_json, validate};
use pdm_core::events::{BudgetExceeded, Interrupted, size};
use pdm_models::data::{self, FileReport, QualityReport, Role};
use pdm_models::features::FittedFeatures;
use pdm_models::train::{
    Extent, memory_to_apply, memory_to_learn_features, memory_to_read, peak_memory,
};

/// Amounts are advised in steps of this many bytes.
const STEP: u64 = 64 << 20;

impl PipelineRun<'_> {
    /// Returns the peak memory a stage would need by an upper estimate, in bytes; nothing where that is not known yet, or
    /// where next to nothing is needed.
    pub(super) fn memory_estimate(&self, stage: Stage) -> Result<Option<u64>, EngineError> {
        let spec = &self.job.spec;
        let of_extent =
            |estimate: &dyn Fn(&Extent) -> u64| Ok(self.extent()?.map(|extent| estimate(&extent)));
        match stage {
            Stage::Validate => Ok(self
                .bytes_to_read()
                .map(|bytes| memory_to_read(bytes, threads()))),
            Stage::Features => Ok(self.rows()?.map(|rows| memory_to_learn_features(&rows))),
            Stage::Train => of_extent(&|extent| peak_memory(extent, &spec.model, &spec.train)),
            Stage::Calibrate | Stage::Evaluate => of_extent(&memory_to_apply),
            Stage::Gate | Stage::Register | Stage::Promote => Ok(None),
        }
    }

    /// Refuses a stage that would need more memory than its budget, or warns of more than there is.
    pub(super) fn refuse_unaffordable(&self, stage: Stage) -> Result<(), EngineError> {
        let limit = self
            .job
            .spec
            .project
            .budget
            .memory
            .map(|limit| limit.bytes());
        let needed = self.memory_estimate(stage)?.unwrap_or(0);
        match (limit, installed()) {
            (Some(limit), _) if needed > limit => Err(self.unaffordable(stage, needed, limit)),
            (None, Some(installed)) if needed > installed => {
                self.context.reporter.warn(format!(
                    "{} needs up to about {}, and this machine has {}; with a `project.budget.memory` it ends before the \
                     system ends it",
                    work_of(stage),
                    size(needed),
                    size(installed)
                ));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn unaffordable(&self, stage: Stage, needed: u64, limit: u64) -> EngineError {
        let exceeded = BudgetExceeded::MemoryBefore {
            work: work_of(stage),
            needed,
            limit,
        };
        match stage {
            Stage::Train => {
                let (kept, next) = (
                    "nothing was trained".to_owned(),
                    more(exceeded, &self.job.spec.model),
                );
                EngineError::Budget {
                    exceeded,
                    kept,
                    next,
                }
            }
            Stage::Validate
            | Stage::Features
            | Stage::Calibrate
            | Stage::Evaluate
            | Stage::Gate
            | Stage::Register
            | Stage::Promote => over_budget(stage, exceeded),
        }
    }

    /// Fails once the work should stop: between stages, and after one that does not look by itself.
    pub(super) fn look(&self, stage: Stage) -> Result<(), EngineError> {
        self.context
            .reporter
            .check()
            .map_err(|interrupted| match interrupted {
                Interrupted::Budget(exceeded) => over_budget(stage, exceeded),
                Interrupted::Signal { .. } | Interrupted::Abandoned => interrupted.into(),
            })
    }

    /// Returns the bytes of the data files that are there.
    fn bytes_to_read(&self) -> Option<u64> {
        let parts = data::parts(&self.job.spec.dataset, &self.context.root);
        let sizes = parts
            .iter()
            .filter_map(|part| fs::metadata(&part.path).ok())
            .map(|file| file.len());
        Some(sizes.sum()).filter(|bytes| *bytes > 0)
    }

    /// Returns how much there is to learn from, once the features are fitted.
    fn extent(&self) -> Result<Option<Extent>, EngineError> {
        let (Some(rows), Some(features)) = (self.rows()?, self.entries.get(&Stage::Features))
        else {
            return Ok(None);
        };
        let fitted: FittedFeatures = read_json(&features.path(features::FITTED))
            .map_err(EngineError::in_stage(Stage::Features))?;
        let (table_width, sequence_width) = (
            fitted.table_names().len() as u64,
            fitted.sequence_names().len() as u64,
        );
        Ok(Some(Extent {
            table_width,
            sequence_width,
            ..rows
        }))
    }

    /// Returns how many rows there are, once the data were judged.
    fn rows(&self) -> Result<Option<Extent>, EngineError> {
        let Some(validate) = self.entries.get(&Stage::Validate) else {
            return Ok(None);
        };
        let report: QualityReport = read_json(&validate.path(validate::REPORT))
            .map_err(EngineError::in_stage(Stage::Validate))?;
        // Of pooled subsets there are several files a role.
        let sum = |role, count: fn(&FileReport) -> u64| {
            report
                .files
                .iter()
                .filter(|file| file.role == role)
                .map(count)
                .sum::<u64>()
        };
        Ok(Some(Extent {
            units: sum(Role::Train, |file| file.units),
            rows: sum(Role::Train, |file| file.rows),
            test_rows: sum(Role::Test, |file| file.rows),
            channels: self.job.spec.dataset.schema().channels().count() as u64,
            table_width: 0,
            sequence_width: 0,
            threads: threads(),
        }))
    }
}

fn threads() -> u64 {
    rayon::current_num_threads() as u64
}

/// Returns the words that stand before "needs".
fn work_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Train => "training",
        Stage::Validate => "reading the data",
        Stage::Features => "learning features",
        Stage::Calibrate => "calibrating",
        Stage::Evaluate => "scoring",
        Stage::Gate | Stage::Register | Stage::Promote => stage.name(),
    }
}

fn over_budget(stage: Stage, exceeded: BudgetExceeded) -> EngineError {
    let next = match exceeded {
        BudgetExceeded::MemoryBefore { needed, .. } => format!("allow more: {}", allow(needed)),
        BudgetExceeded::Memory { used, .. } => format!("allow more: {}", allow(used + used / 4)),
        BudgetExceeded::Time { .. } => "allow more: `--set project.budget.time=…`".to_owned(),
    };
    EngineError::OverBudget {
        stage,
        exceeded,
        next,
    }
}

/// Returns what to type for a memory budget of so many bytes.
pub(super) fn allow(bytes: u64) -> String {
    format!(
        "`--set project.budget.memory={}MiB`",
        bytes.next_multiple_of(STEP) >> 20
    )
}
