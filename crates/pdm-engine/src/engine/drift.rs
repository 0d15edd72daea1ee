//! Compares the units that came in with those that the champion learnt from.

use std::collections::BTreeSet;

use serde::Serialize;

use super::pipeline_run::PipelineRun;
use super::provide::provide_data;
use super::provision::provision;
use super::registered::open_version;
use super::retrain::RegistryHistory;
use super::{Context, EngineError, Job};
use crate::config::{RetrainOptions, Stage};
use crate::pipeline::StageError;
use pdm_core::domain::UnitId;
use pdm_models::bundle::ModelBundle;
use pdm_models::data::Trajectory;
use pdm_models::monitor::{self, DriftOptions, DriftReport};
use pdm_store::registry::{ModelRef, ModelVersion};

/// Most versions before the champion that are tried as the reference.
const MOST_REFERENCES: usize = 12;

/// How the units that came in differ from those that a judged model learnt from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Which units are new, such as `since v12`.
    pub window: String,
    /// The version whose training units they are compared with: the champion, where enough came in since.
    pub reference: u32,
    /// What was found.
    #[serde(flatten)]
    pub report: DriftReport,
}

/// Compares the units that came in with those the champion learnt from. Changes nothing.
///
/// # Errors
/// There is no champion, the data are not valid, or the registry or a bundle cannot be read.
pub fn drift(context: &Context, job: &Job) -> Result<Drift, EngineError> {
    provision(context, job)?;
    provide_data(context, job)?;
    let run = PipelineRun::open(context, job)?;
    let view = run.registry()?;
    let alias = ModelRef::alias(view.model.clone(), view.alias.clone());
    let champion = view.registry.resolve(&alias, None)?;
    let history = RegistryHistory::read(view)?;
    let options = run.job.spec.retrain.clone().unwrap_or_default();
    Units::read(&run, &champion, &history)?.drift(&run, &history, &options)
}

/// Which of the training units the champion and the version judged last have seen.
pub(super) struct Units {
    champion: (ModelVersion, ModelBundle),
    last: (u32, BTreeSet<UnitId>),
}

impl Units {
    /// Opens both versions and fetches them where needed; the data must be valid.
    pub(super) fn read(
        run: &PipelineRun<'_>,
        champion: &ModelVersion,
        history: &RegistryHistory,
    ) -> Result<Self, EngineError> {
        let bundle = open(run, champion)?;
        let last = history.last_judged().unwrap_or(champion);
        let seen = if last.bundle == champion.bundle {
            learnt(&bundle)
        } else {
            learnt(&open(run, last)?)
        };
        if bundle.manifest().schema != *run.dataset()?.schema() {
            return Err(EngineError::in_stage(Stage::Validate)(StageError::Schema));
        }
        Ok(Self {
            champion: (champion.clone(), bundle),
            last: (last.version, seen),
        })
    }

    /// Returns how many training units came in since the version judged last, and the number of that version.
    pub(super) fn came_in(&self, run: &PipelineRun<'_>) -> Result<(usize, u32), EngineError> {
        let (version, seen) = &self.last;
        let new = run
            .dataset()?
            .train()
            .iter()
            .filter(|unit| !seen.contains(&unit.unit))
            .count();
        Ok((new, *version))
    }

    /// Compares the newest units that are enough for a result with those of the champion: those since the version judged last,
    /// or those since the champion. Where both are too few, an earlier version is the reference.
    pub(super) fn drift(
        &self,
        run: &PipelineRun<'_>,
        history: &RegistryHistory,
        options: &RetrainOptions,
    ) -> Result<Drift, EngineError> {
        let (champion, bundle) = &self.champion;
        let (last, seen) = &self.last;
        let newest = compare(run, bundle, seen, options)?;
        if is_enough(&newest, options) {
            return Ok(Drift {
                window: format!("since v{last}"),
                reference: champion.version,
                report: newest,
            });
        }
        let since = |version: u32, report| Drift {
            window: format!("since v{version}"),
            reference: version,
            report,
        };
        let own = compare(run, bundle, &learnt(bundle), options)?;
        if is_enough(&own, options) {
            return Ok(since(champion.version, own));
        }
        for earlier in history.judged_before(champion).take(MOST_REFERENCES) {
            let bundle = open(run, earlier)?;
            if bundle.manifest().schema != *run.dataset()?.schema() {
                break;
            }
            let report = compare(run, &bundle, &learnt(&bundle), options)?;
            if is_enough(&report, options) {
                return Ok(since(earlier.version, report));
            }
        }
        Ok(since(champion.version, own))
    }
}

fn open(run: &PipelineRun<'_>, version: &ModelVersion) -> Result<ModelBundle, EngineError> {
    open_version(&run.context, &run.registry()?.registry, version)
}

fn learnt(bundle: &ModelBundle) -> BTreeSet<UnitId> {
    bundle.features().fitted_on().iter().cloned().collect()
}

fn is_enough(report: &DriftReport, options: &RetrainOptions) -> bool {
    report.new_units >= options.drift_units
}

/// Compares the training units that a bundle learnt from with those that are not in `seen`.
fn compare(
    run: &PipelineRun<'_>,
    bundle: &ModelBundle,
    seen: &BTreeSet<UnitId>,
    options: &RetrainOptions,
) -> Result<DriftReport, EngineError> {
    let learnt = learnt(bundle);
    let (reference, other): (Vec<&Trajectory>, Vec<&Trajectory>) = run
        .dataset()?
        .train()
        .iter()
        .partition(|unit| learnt.contains(&unit.unit));
    let new: Vec<_> = other
        .into_iter()
        .filter(|unit| !seen.contains(&unit.unit))
        .collect();
    let options = DriftOptions {
        fdr: options.drift_fdr,
        minimum_units: options.drift_units,
    };
    Ok(monitor::drift(
        bundle.features(),
        &reference,
        &new,
        &options,
    ))
}
