//! The stage `promote`: points the alias to the version.

use super::register::blocked_by_gates;
use super::{Prepared, RegistryChange, Situation, Step};
use crate::cache::CacheEntry;
use crate::config::{Stage, StepName};
use crate::engine::inputs::Inputs;
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::registered::open_version;
use crate::engine::registry_view::{Judgeable, RegistryView};
use crate::engine::results::Results;
use crate::engine::retrain::changes_since;
use crate::engine::{EngineError, RunPurpose};
use crate::pipeline::Summary;
use pdm_core::events::Event;
use pdm_core::gates::GateReport;
use pdm_core::scoring::Verdict;
use pdm_store::registry::{Consent, Promotion};

const STAGE: Stage = Stage::Promote;

pub(super) struct PromoteStep;

impl Step for PromoteStep {
    fn name(&self) -> StepName {
        STAGE.into()
    }

    fn reads_data(&self) -> bool {
        true
    }

    fn is_reproducible(&self) -> bool {
        false
    }

    fn blocked(&self, results: &Results, _: &RunPurpose) -> Result<Option<String>, EngineError> {
        blocked_by_gates(results)
    }

    fn prepare<'s>(&'s self, at: &Situation<'s>) -> Result<Prepared<'s>, EngineError> {
        let Some(inputs) = at.run.inputs() else {
            return Ok(Prepared::Unknown);
        };
        let Some(model) = at.results.judgeable()? else {
            return Ok(Prepared::Unknown);
        };
        let view = at.run.registry()?;
        if let Some(why) = nothing_to_promote(view, model, at.run.job.spec.registry.promote)? {
            return Ok(Prepared::Done(why));
        }
        let Some(version) = view.version_of(model)? else {
            return Ok(Prepared::Unknown);
        };
        let Some(report) = at.results.gate_report()? else {
            return Ok(Prepared::Unknown);
        };
        Ok(Prepared::Change(Box::new(PromotionOfVersion {
            run: at.run,
            inputs,
            purpose: at.purpose,
            version: version.version,
            report,
        })))
    }

    fn artifacts(&self, _: &CacheEntry) -> Vec<Event> {
        Vec::new()
    }
}

/// Returns why there is nothing to promote, whatever the gates decide.
fn nothing_to_promote(
    view: &RegistryView,
    model: Judgeable,
    promotes: bool,
) -> Result<Option<String>, EngineError> {
    let alias = &view.alias;
    if let Some(champion) = view.champion()?
        && model.is(&champion)
    {
        let version = champion.version;
        return Ok(Some(format!("this model is {alias} already (v{version})")));
    }
    if !promotes {
        return Ok(Some("registry.promote = false".to_owned()));
    }
    let Some(version) = view.rolled_back(model.bundle)? else {
        return Ok(None);
    };
    let name = &view.model;
    Ok(Some(format!(
        "v{version} was rolled back; `pdm-ml promote --model {name}/{version}` promotes it again"
    )))
}

struct PromotionOfVersion<'s> {
    run: &'s PipelineRun<'s>,
    inputs: &'s Inputs,
    purpose: &'s RunPurpose,
    version: u32,
    report: GateReport,
}

impl RegistryChange for PromotionOfVersion<'_> {
    fn apply(&self, _: &str) -> Result<Summary, EngineError> {
        // `retrain` has compared the data before the run.
        if matches!(
            self.purpose,
            RunPurpose::Requested | RunPurpose::RegisterRefused
        ) {
            self.warn_of_lost_data()?;
        }
        let view = self.run.registry()?;
        let promotion = Promotion {
            model: view.model.clone(),
            version: self.version,
            alias: view.alias.clone(),
            reason: self.reason(),
            consent: Consent::Gates(Box::new(self.report.clone())),
            policy: view.policy,
        };
        let moved = view
            .registry
            .promote(&promotion, &self.run.context.stamp())?;
        let to = moved.to;
        let alias = moved.alias;
        let text = match (moved.entry, moved.from) {
            (None, _) => format!("v{to} is {alias} already"),
            (Some(_), None) => format!("v{to} is now {alias} (first)"),
            (Some(_), Some(from)) => format!("v{to} is now {alias} (was v{from})"),
        };
        Ok(Summary::new(text).figure("version", to))
    }

    /// The gates compared the model with the champion before it. Judged again as the champion, its result is in the cache for the
    /// next run, which then has nothing to do.
    fn outdates(&self) -> Option<Stage> {
        Some(Stage::Gate)
    }
}

impl PromotionOfVersion<'_> {
    /// Returns why the alias moves, for the registry's log.
    fn reason(&self) -> String {
        let reasons = self.report.reasons(Verdict::Pass);
        match self.purpose {
            RunPurpose::Requested | RunPurpose::RegisterRefused => {
                format!(
                    "pipeline {} passed its gates",
                    self.run.job.spec.project.name
                )
            }
            RunPurpose::Retrain { reason, .. } if reasons.is_empty() => reason.clone(),
            RunPurpose::Retrain { reason, .. } => format!("{reason}; {reasons}"),
        }
    }

    /// Warns of units and rows that the champion learnt from and this model did not.
    fn warn_of_lost_data(&self) -> Result<(), EngineError> {
        let view = self.run.registry()?;
        let Some(champion) = view.champion()? else {
            return Ok(());
        };
        if champion.origin.data == self.inputs.train {
            return Ok(());
        }
        let reporter = &self.run.context.reporter;
        let number = champion.version;
        let bundle = match open_version(&self.run.context, &view.registry, &champion) {
            Ok(bundle) => bundle,
            Err(error) => {
                reporter.warn(format!(
                    "v{number} cannot be opened, so its training data were not compared: {error}"
                ));
                return Ok(());
            }
        };
        let (changes, _) = changes_since(&bundle, self.run.dataset()?);
        if changes.has_losses() {
            reporter.warn(format!(
                "the new {} was trained on less data than v{number}: {}",
                view.alias,
                changes.losses()
            ));
        }
        Ok(())
    }
}
