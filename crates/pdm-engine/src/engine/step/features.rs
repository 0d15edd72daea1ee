//! The stage `features`: fits features on all training units and ranks the sensors.

use super::{Compute, MemoryNeed, Prepared, Situation, Step, Task, Work};
use crate::cache::CacheEntry;
use crate::config::{Stage, StepName};
use crate::engine::EngineError;
use crate::engine::memory::rows;
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::results::Results;
use crate::pipeline::{Summary, features};
use pdm_core::events::Event;
use pdm_models::train::memory_to_learn_features;

const STAGE: Stage = Stage::Features;

pub(super) struct FeaturesStep;

impl Step for FeaturesStep {
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
        Ok(Prepared::Task(Task {
            key: features::stage_key(&at.run.job.spec, inputs.train),
            files: inputs.shown.clone(),
            compute: Box::new(FeatureFit { run: at.run }),
        }))
    }

    fn memory(
        &self,
        run: &PipelineRun<'_>,
        results: &Results,
    ) -> Result<Option<MemoryNeed>, EngineError> {
        let Some(rows) = rows(run, results)? else {
            return Ok(None);
        };
        Ok(Some(MemoryNeed {
            work: "learning features",
            bytes: memory_to_learn_features(&rows),
        }))
    }

    fn artifacts(&self, _: &CacheEntry) -> Vec<Event> {
        Vec::new()
    }
}

struct FeatureFit<'s> {
    run: &'s PipelineRun<'s>,
}

impl Compute for FeatureFit<'_> {
    fn run(&self, work: &Work<'_>) -> Result<Summary, EngineError> {
        let dataset = self.run.dataset()?;
        features::run(&self.run.job.spec, dataset, &work.pending.dir())
            .map_err(EngineError::in_stage(STAGE))
    }
}
