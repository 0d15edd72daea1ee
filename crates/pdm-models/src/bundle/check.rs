//! Checks that the parts of a bundle are consistent. Digests prove that a bundle is unchanged, not that it is trustworthy, so
//! all parts are checked against the schema and the limits of a pipeline before they are used.

use super::manifest::{BundleManifest, CALIBRATION, FEATURES, MANIFEST, PROFILE, WEIGHTS};
use super::{BundleError, ModelBundle, ReferenceProfile};
use crate::features::FittedFeatures;
use crate::models::{Family, Predictor};
use pdm_core::domain::Problem;

/// Maximum number of quantile levels of a profile.
const MOST_LEVELS: usize = 1000;

/// Checks a manifest against the limits of a pipeline before its options are used.
///
/// # Errors
/// An option or the target exceeds a limit.
pub(super) fn manifest(manifest: &BundleManifest) -> Result<(), BundleError> {
    let problems = manifest
        .model
        .problems()
        .into_iter()
        .map(|problem| problem.within("model"));
    let mut problems = problems.chain(
        manifest
            .target
            .problems()
            .into_iter()
            .map(|problem| problem.within("target")),
    );
    match problems.next() {
        Some(Problem { path, message, .. }) => Err(unfit(
            MANIFEST,
            format!("has the option `{path}`, which {message}"),
        )),
        None => Ok(()),
    }
}

/// Checks fitted features against the manifest, and their parts against each other.
///
/// # Errors
/// They are inconsistent.
pub(super) fn features(
    features: &FittedFeatures,
    manifest: &BundleManifest,
) -> Result<(), BundleError> {
    if features.schema() != &manifest.schema {
        return Err(BundleError::Manifest {
            problem: "and features.json have different schemas".to_owned(),
        });
    }
    features
        .problem()
        .map_or(Ok(()), |problem| Err(unfit(FEATURES, problem)))
}

impl ModelBundle {
    /// Checks the model, the calibration and the profile against the features.
    ///
    /// # Errors
    /// One of them is inconsistent.
    pub(super) fn check(&self) -> Result<(), BundleError> {
        if let Some(problem) = width_problem(self.model.as_ref(), self.features.widths()) {
            return Err(unfit(WEIGHTS, problem));
        }
        if let Some(problem) = self.calibration.problem() {
            return Err(unfit(CALIBRATION, problem));
        }
        profile_problem(&self.profile, &self.features)
            .map_or(Ok(()), |problem| Err(unfit(PROFILE, problem)))
    }
}

fn unfit(file: &'static str, problem: String) -> BundleError {
    BundleError::Unfit { file, problem }
}

/// Returns a message if a model reads other inputs than the features have; `widths` are those of the table and of the sequence.
fn width_problem(model: &dyn Predictor, widths: [usize; 2]) -> Option<String> {
    let [table, sequence] = widths;
    let differs = |what: &str, has: usize, gives: usize| {
        (has != gives).then(|| {
            format!("are for a model that reads {has} columns of the {what}, which has {gives}")
        })
    };
    match model.family()? {
        Family::Linear(linear) => differs("feature table", linear.coefficients.len(), table),
        Family::Gbdt(forest) => differs("feature table", forest.width(), table),
        Family::Neural(network) => differs("sequence", network.inputs, sequence),
        Family::Ensemble(ensemble) => ensemble
            .members
            .iter()
            .find_map(|member| width_problem(member.as_ref(), widths)),
        Family::Stack(stack) => {
            differs("feature table", stack.table_width(), table).or_else(|| {
                stack
                    .weighed()
                    .find_map(|(member, _)| width_problem(member, widths))
            })
        }
    }
}

fn profile_problem(profile: &ReferenceProfile, features: &FittedFeatures) -> Option<String> {
    let regimes = features.regime_count();
    if profile.rows.len() != regimes {
        return Some(format!(
            "has {} operating regimes, but there are {regimes}",
            profile.rows.len()
        ));
    }
    if profile.levels.len() > MOST_LEVELS {
        return Some(format!(
            "has {} quantile levels, more than {MOST_LEVELS}",
            profile.levels.len()
        ));
    }
    let schema = features.schema();
    for channel in &profile.channels {
        let name = &channel.channel;
        if channel.regime >= regimes || schema.channel(name).is_none() {
            return Some(format!(
                "has `{name}` in regime {}, which does not exist",
                channel.regime
            ));
        }
        if channel.quantiles.len() != profile.levels.len()
            || channel.min > channel.max
            || channel.sd < 0.0
        {
            return Some(format!("describes `{name}` with inconsistent numbers"));
        }
    }
    let histories = profile.histories.as_ref()?;
    let ascend = histories.first_cycle.is_sorted() && histories.cycles.is_sorted();
    if !ascend || histories.level_rows == 0 {
        return Some("describes histories with inconsistent numbers".to_owned());
    }
    let levels = histories
        .levels
        .iter()
        .map(|level| ("level", &level.channel));
    let repetitions = histories
        .repetitions
        .iter()
        .map(|repetition| ("repetitions", &repetition.channel));
    let unknown = levels
        .chain(repetitions)
        .find(|(_, channel)| !features.sensors().contains(*channel));
    unknown.map(|(what, channel)| {
        format!("has the {what} of `{channel}`, which the model does not read")
    })
}
