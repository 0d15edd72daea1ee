//! The stage `evaluate`: scores the bundle under the protocol.

use super::{Compute, MemoryNeed, Prepared, Situation, Step, Task, Work, recorded};
use crate::cache::CacheEntry;
use crate::config::{Stage, StepName};
use crate::engine::EngineError;
use crate::engine::memory::extent;
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::results::Results;
use crate::pipeline::calibrate::BUNDLE;
use crate::pipeline::evaluate::DataDigests;
use crate::pipeline::{Summary, evaluate};
use pdm_core::content::Digest;
use pdm_core::events::Event;
use pdm_models::bundle::ModelBundle;
use pdm_models::train::memory_to_apply;

const STAGE: Stage = Stage::Evaluate;

pub(super) struct EvaluateStep;

impl Step for EvaluateStep {
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
        let Some(train) = at.results.stage(Stage::Train) else {
            return Ok(Prepared::Unknown);
        };
        let Some(calibrate) = at.results.stage(Stage::Calibrate) else {
            return Ok(Prepared::Unknown);
        };
        let spec = &at.run.job.spec;
        let data = inputs.digests();
        Ok(Prepared::Task(Task {
            key: evaluate::stage_key(spec, data, train.digest(), calibrate.digest()),
            files: inputs.shown.clone(),
            compute: Box::new(Evaluation {
                run: at.run,
                data,
                train,
                calibrate,
                bundle: at.results.bundle_digest(),
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
            work: "scoring",
            bytes: memory_to_apply(&extent),
        }))
    }

    fn artifacts(&self, entry: &CacheEntry) -> Vec<Event> {
        let wanted = [
            evaluate::SCORECARD,
            evaluate::OUT_OF_FOLD_SCORECARD,
            evaluate::PREDICTIONS,
            evaluate::PREDICTIONS_TABLE,
            evaluate::OUT_OF_FOLD_PREDICTIONS,
        ];
        recorded(entry, &wanted)
    }
}

struct Evaluation<'s> {
    run: &'s PipelineRun<'s>,
    data: DataDigests,
    train: &'s CacheEntry,
    calibrate: &'s CacheEntry,
    bundle: Option<Digest>,
}

impl Compute for Evaluation<'_> {
    fn run(&self, work: &Work<'_>) -> Result<Summary, EngineError> {
        let spec = &self.run.job.spec;
        let bundle = ModelBundle::open(&self.calibrate.path(BUNDLE), self.bundle)?;
        let dataset = self.run.dataset()?;
        let train = self.train.dir();
        let folder = work.pending.dir();
        evaluate::run(spec, dataset, self.data, &bundle, [&train, &folder])
            .map_err(EngineError::in_stage(STAGE))
    }
}
