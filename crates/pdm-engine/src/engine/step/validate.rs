//! The stage `validate`: reads the data files and checks them against the expectations.

use super::{Compute, MemoryNeed, Prepared, Situation, Step, Task, Work, recorded};
use crate::cache::CacheEntry;
use crate::config::{Stage, StepName};
use crate::engine::EngineError;
use crate::engine::memory::{bytes_to_read, threads};
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::results::Results;
use crate::pipeline::{Summary, validate};
use pdm_core::events::Event;
use pdm_models::train::memory_to_read;

const STAGE: Stage = Stage::Validate;

pub(super) struct ValidateStep;

impl Step for ValidateStep {
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
            key: validate::stage_key(&at.run.job.spec, &inputs.files),
            files: inputs.shown.clone(),
            compute: Box::new(DataValidation { run: at.run }),
        }))
    }

    fn memory(
        &self,
        run: &PipelineRun<'_>,
        _: &Results,
    ) -> Result<Option<MemoryNeed>, EngineError> {
        let Some(bytes) = bytes_to_read(run) else {
            return Ok(None);
        };
        Ok(Some(MemoryNeed {
            work: "reading the data",
            bytes: memory_to_read(bytes, threads()),
        }))
    }

    fn artifacts(&self, entry: &CacheEntry) -> Vec<Event> {
        recorded(entry, &[validate::REPORT])
    }
}

struct DataValidation<'s> {
    run: &'s PipelineRun<'s>,
}

impl Compute for DataValidation<'_> {
    fn run(&self, work: &Work<'_>) -> Result<Summary, EngineError> {
        let spec = &self.run.job.spec;
        let validated = validate::run(spec, &self.run.context.root, &work.pending.dir());
        let (dataset, report, summary) = validated.map_err(EngineError::in_stage(STAGE))?;
        self.run.keep(dataset, &report)?;
        Ok(summary)
    }
}
