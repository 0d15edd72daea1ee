use std::collections::BTreeSet;

use serde::Serialize;

use super::provision::provision;
use super::registered::open_version;
use super::retrain::Memory;
use super::{Context, EngineError, Job, Line};
use crate::bundle::ModelBundle;
use crate::data::Trajectory;
use crate::domain::UnitId;
use crate::monitor::{self, DriftOptions, DriftReport};
use crate::pipeline::stages::StageError;
use crate::pipeline::{RetrainOptions, Stage};
use crate::registry::{ModelRef, ModelVersion};

/// Whether units that came in differ from those the champion learnt from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// Which units are new, such as `since v12`.
    pub window: String,
    /// The champion's number.
    pub champion: u32,
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
    let mut line = Line::open(context, job)?;
    let champion = line
        .storeroom
        .registry
        .resolve(&ModelRef::alias(line.storeroom.model.clone(), line.storeroom.alias.clone()), None)?;
    let memory = Memory::read(&line.storeroom)?;
    let last = memory.last_judged().cloned().unwrap_or_else(|| champion.clone());
    let units = Units::read(&mut line, &champion, &last)?;
    let options = line.job.spec.retrain.clone().unwrap_or_default();
    units.drift(&mut line, &options)
}

/// What the champion, and the version that was judged last, have seen of the training units at hand.
pub(super) struct Units {
    champion: (u32, ModelBundle),
    last: (u32, BTreeSet<UnitId>),
}

impl Units {
    /// Opens both versions, fetched before or now; the data must be valid.
    pub(super) fn read(line: &mut Line<'_>, champion: &ModelVersion, last: &ModelVersion) -> Result<Self, EngineError> {
        let open = |version: &ModelVersion| open_version(line.context, &line.storeroom.registry, version);
        let seen = |bundle: &ModelBundle| bundle.features().fitted_on().iter().cloned().collect();
        let bundle = open(champion)?;
        let last_seen = if last.bundle == champion.bundle { seen(&bundle) } else { seen(&open(last)?) };
        if bundle.manifest().schema != *line.dataset()?.schema() {
            return Err(EngineError::in_stage(Stage::Validate)(StageError::Schema));
        }
        Ok(Self { champion: (champion.version, bundle), last: (last.version, last_seen) })
    }

    /// Returns how many training units came in since the version that was judged last, and its number.
    pub(super) fn came_in(&self, line: &mut Line<'_>) -> Result<(usize, u32), EngineError> {
        let (version, seen) = &self.last;
        let new = line.dataset()?.train().iter().filter(|unit| !seen.contains(&unit.unit)).count();
        Ok((new, *version))
    }

    /// Compares the newest units that are enough to tell anything: those since the version that was judged last, else those
    /// since the champion.
    pub(super) fn drift(&self, line: &mut Line<'_>, options: &RetrainOptions) -> Result<Drift, EngineError> {
        let (number, bundle) = &self.champion;
        let learnt: BTreeSet<_> = bundle.features().fitted_on().iter().cloned().collect();
        let (reference, other): (Vec<&Trajectory>, Vec<&Trajectory>) =
            line.dataset()?.train().iter().partition(|unit| learnt.contains(&unit.unit));
        let (last, seen) = &self.last;
        let newest: Vec<_> = other.iter().copied().filter(|unit| !seen.contains(&unit.unit)).collect();
        let enough = newest.len() >= options.drift_units;
        let (new, since) = if enough { (newest, last) } else { (other, number) };
        let (fdr, minimum_units) = (options.drift_fdr, options.drift_units);
        let report = monitor::drift(bundle.features(), &reference, &new, &DriftOptions { fdr, minimum_units });
        Ok(Drift { window: format!("since v{since}"), champion: *number, report })
    }
}
