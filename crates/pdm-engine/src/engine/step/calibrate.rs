//! The stage `calibrate`: learns interval widths from the out-of-fold predictions and assembles the bundle.

use super::{Compute, MemoryNeed, Prepared, Situation, Step, Task, Work, recorded};
use crate::cache::CacheEntry;
use crate::config::{Stage, StepName};
use crate::engine::EngineError;
use crate::engine::memory::extent;
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::results::Results;
use crate::pipeline::{Summary, calibrate};
use pdm_core::content::Digest;
use pdm_core::events::Event;
use pdm_models::train::memory_to_apply;

const STAGE: Stage = Stage::Calibrate;

pub(super) struct CalibrateStep;

impl Step for CalibrateStep {
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
        let Some(train) = at.results.stage(Stage::Train) else {
            return Ok(Prepared::Unknown);
        };
        let spec = &at.run.job.spec;
        Ok(Prepared::Task(Task {
            key: calibrate::stage_key(spec, inputs.train, features.digest(), train.digest()),
            files: inputs.shown.clone(),
            compute: Box::new(Calibration {
                run: at.run,
                data: inputs.train,
                features,
                train,
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
        Ok(Some(MemoryNeed {
            work: "calibrating",
            bytes: memory_to_apply(&extent),
        }))
    }

    fn artifacts(&self, entry: &CacheEntry) -> Vec<Event> {
        recorded(entry, &[calibrate::BUNDLE])
    }
}

struct Calibration<'s> {
    run: &'s PipelineRun<'s>,
    data: Digest,
    features: &'s CacheEntry,
    train: &'s CacheEntry,
}

impl Compute for Calibration<'_> {
    fn run(&self, work: &Work<'_>) -> Result<Summary, EngineError> {
        let spec = &self.run.job.spec;
        let dataset = self.run.dataset()?;
        let features = self.features.dir();
        let train = self.train.dir();
        let folder = work.pending.dir();
        calibrate::run(spec, dataset, self.data, [&features, &train], &folder)
            .map_err(EngineError::in_stage(STAGE))
    }
}
