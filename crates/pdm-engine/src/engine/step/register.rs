//! The stage `register`: makes the bundle an immutable version.

use super::{Prepared, RegistryChange, Situation, Step};
use crate::cache::CacheEntry;
use crate::config::{Stage, StepName};
use crate::engine::inputs::Inputs;
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::results::Results;
use crate::engine::{EngineError, RunPurpose, concerns};
use crate::pipeline::calibrate::BUNDLE;
use crate::pipeline::evaluate::{PREDICTIONS, SCORECARD};
use crate::pipeline::{Summary, read_json};
use pdm_core::content::Digest;
use pdm_core::events::Event;
use pdm_core::gates::GateReport;
use pdm_core::scoring::Verdict;
use pdm_store::registry::{NewFile, NewVersion, VersionOrigin};

const STAGE: Stage = Stage::Register;

pub(super) struct RegisterStep;

impl Step for RegisterStep {
    fn name(&self) -> StepName {
        STAGE.into()
    }

    fn reads_data(&self) -> bool {
        true
    }

    fn is_reproducible(&self) -> bool {
        false
    }

    /// A model that gates refuse is registered only where that was asked for.
    fn blocked(
        &self,
        results: &Results,
        purpose: &RunPurpose,
    ) -> Result<Option<String>, EngineError> {
        match purpose {
            RunPurpose::Requested => blocked_by_gates(results),
            RunPurpose::RegisterRefused | RunPurpose::Retrain { .. } => Ok(None),
        }
    }

    fn refuse_concerns(&self, run: &PipelineRun<'_>, results: &Results) -> Result<(), EngineError> {
        concerns::refuse(run, results)
    }

    fn prepare<'s>(&'s self, at: &Situation<'s>) -> Result<Prepared<'s>, EngineError> {
        let Some(inputs) = at.run.inputs() else {
            return Ok(Prepared::Unknown);
        };
        let Some(model) = at.results.judgeable()? else {
            return Ok(Prepared::Unknown);
        };
        if let Some(known) = at.run.registry()?.version_of(model)? {
            let version = known.version;
            return Ok(Prepared::Done(format!(
                "this model is registered as v{version}"
            )));
        }
        let Some(calibrate) = at.results.stage(Stage::Calibrate) else {
            return Ok(Prepared::Unknown);
        };
        let Some(evaluate) = at.results.stage(Stage::Evaluate) else {
            return Ok(Prepared::Unknown);
        };
        let Some(report) = at.results.gate_report()? else {
            return Ok(Prepared::Unknown);
        };
        Ok(Prepared::Change(Box::new(Registration {
            run: at.run,
            inputs,
            bundle: model.bundle,
            calibrate,
            evaluate,
            report,
        })))
    }

    fn artifacts(&self, _: &CacheEntry) -> Vec<Event> {
        Vec::new()
    }
}

/// Returns why nothing is registered or promoted, where the gates do not pass.
pub(super) fn blocked_by_gates(results: &Results) -> Result<Option<String>, EngineError> {
    let Some(report) = results.gate_report()? else {
        return Ok(None);
    };
    Ok(match report.verdict {
        Verdict::Pass => None,
        Verdict::Fail => Some("a gate failed".to_owned()),
        Verdict::Undecided => Some("a gate is undecided".to_owned()),
    })
}

struct Registration<'s> {
    run: &'s PipelineRun<'s>,
    inputs: &'s Inputs,
    bundle: Digest,
    calibrate: &'s CacheEntry,
    evaluate: &'s CacheEntry,
    report: GateReport,
}

impl RegistryChange for Registration<'_> {
    fn apply(&self, run_id: &str) -> Result<Summary, EngineError> {
        self.inputs.confirm(&self.run.context, self.run.job)?;
        let in_stage = EngineError::in_stage(STAGE);
        let view = self.run.registry()?;
        let new = NewVersion {
            model: view.model.clone(),
            bundle: self.bundle,
            files: NewFile::read_folder(&self.calibrate.path(BUNDLE))?,
            scorecard: read_json(&self.evaluate.path(SCORECARD)).map_err(&in_stage)?,
            predictions: read_json(&self.evaluate.path(PREDICTIONS)).map_err(&in_stage)?,
            report: Some(self.report.clone()),
            origin: self.origin(run_id),
        };
        let registered = view.registry.register(&new, &self.run.context.stamp())?;
        let model = registered.version.model;
        let version = registered.version.version;
        Ok(Summary::new(format!("{model} v{version}")).figure("version", version))
    }
}

impl Registration<'_> {
    fn origin(&self, run_id: &str) -> VersionOrigin {
        let spec = &self.run.job.spec;
        VersionOrigin {
            kind: spec.model.kind().to_owned(),
            data: self.inputs.train,
            pipeline: spec.project.name.clone(),
            run: run_id.to_owned(),
            seed: spec.project.seed,
            created: self.run.context.stamp().time,
        }
    }
}
