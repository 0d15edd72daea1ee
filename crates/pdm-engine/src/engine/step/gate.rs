//! The stage `gate`: judges the scores, and compares them with those of the champion.

use super::{Compute, Prepared, Situation, Step, Task, Work, recorded};
use crate::cache::CacheEntry;
use crate::config::{Stage, StepName};
use crate::engine::EngineError;
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::registered::open_version;
use crate::engine::registry_view::Judgeable;
use crate::pipeline::evaluate::{SCORECARD, score_on_unseen};
use crate::pipeline::gate::{AliasHolder, Defender, Rival};
use crate::pipeline::{Summary, gate, read_json};
use pdm_core::events::Event;
use pdm_core::scoring::{Part, Scorecard};
use pdm_store::registry::ModelVersion;

const STAGE: Stage = Stage::Gate;

pub(super) struct GateStep;

impl Step for GateStep {
    fn name(&self) -> StepName {
        STAGE.into()
    }

    fn reads_data(&self) -> bool {
        true
    }

    fn is_reproducible(&self) -> bool {
        false
    }

    fn prepare<'s>(&'s self, at: &Situation<'s>) -> Result<Prepared<'s>, EngineError> {
        let Some(inputs) = at.run.inputs() else {
            return Ok(Prepared::Unknown);
        };
        let Some(evaluate) = at.results.stage(Stage::Evaluate) else {
            return Ok(Prepared::Unknown);
        };
        let Some(model) = at.results.judgeable()? else {
            return Ok(Prepared::Unknown);
        };
        let holder = at.run.registry()?.holder(model)?;
        let spec = &at.run.job.spec;
        Ok(Prepared::Task(Task {
            key: gate::stage_key(spec, model.bundle, evaluate.digest(), &holder),
            files: inputs.shown.clone(),
            compute: Box::new(GateJudgement {
                run: at.run,
                evaluate,
                model,
                holder,
            }),
        }))
    }

    fn artifacts(&self, entry: &CacheEntry) -> Vec<Event> {
        recorded(entry, &[gate::REPORT])
    }
}

struct GateJudgement<'s> {
    run: &'s PipelineRun<'s>,
    evaluate: &'s CacheEntry,
    model: Judgeable,
    holder: AliasHolder,
}

impl Compute for GateJudgement<'_> {
    fn run(&self, work: &Work<'_>) -> Result<Summary, EngineError> {
        let rival = match &self.holder {
            AliasHolder::NoVersion => Rival::NoChampion,
            AliasHolder::Itself(version) => Rival::Itself(version.version),
            AliasHolder::Version(version) => Rival::Champion(Box::new(self.defender(version)?)),
        };
        let evaluate = self.evaluate.dir();
        let folder = work.pending.dir();
        gate::run(
            &self.run.job.spec,
            self.model.bundle,
            &rival,
            [&evaluate, &folder],
        )
        .map_err(EngineError::in_stage(STAGE))
    }
}

impl GateJudgement<'_> {
    /// Returns the champion's scores. Where they were made under another protocol and there is a test part or a holdout, the
    /// champion is scored again under the challenger's protocol. Out of fold that would be unfair, because the champion learnt
    /// from these units.
    fn defender(&self, version: &ModelVersion) -> Result<Defender, EngineError> {
        let in_stage = EngineError::in_stage(STAGE);
        let registry = self.run.registry()?;
        let registered = registry.defender(version)?;
        let card: Scorecard = read_json(&self.evaluate.path(SCORECARD)).map_err(&in_stage)?;
        let same = registered.scorecard.protocol_digest == card.protocol_digest;
        if same || card.protocol.part == Part::OutOfFold || version.bundle == self.model.bundle {
            return Ok(registered);
        }
        let bundle = open_version(&self.run.context, &registry.registry, version)?;
        let dataset = self.run.dataset()?;
        let baseline = card.baseline.prediction;
        let spec = &self.run.job.spec;
        let scored = score_on_unseen(spec, dataset, card.protocol, &bundle, baseline);
        let (scorecard, predictions) = scored.map_err(&in_stage)?;
        Ok(Defender {
            scorecard,
            predictions,
            ..registered
        })
    }
}
