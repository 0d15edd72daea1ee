//! Compares a pipeline's model, or recorded runs, with other models on the same units.

use std::path::Path;

use serde::Serialize;

use super::pipeline_run::PipelineRun;
use super::{Context, EngineError, Job, Outcome};
use crate::config::Stage;
use crate::pipeline::evaluate::{
    OUT_OF_FOLD_PREDICTIONS, OUT_OF_FOLD_SCORECARD, PREDICTIONS, SCORECARD, score_on_unseen,
};
use crate::pipeline::{StageError, read_json};
use pdm_core::codes::Code;
use pdm_core::domain::Predictions;
use pdm_core::scoring::{Part, Scorecard, Scored, SideBySide, side_by_side};
use pdm_models::bundle::{BundleError, ModelBundle};
use pdm_store::registry::blocking::Registry;
use pdm_store::registry::{ModelRef, ReferenceError, RegistryError};
use pdm_tracking::tracking::{RunId, RunStore, TrackingError};

/// The format of these documents.
const FORMAT: u32 = 1;

/// A model to be compared with: found before anything runs, so that a typo costs no training.
pub struct ComparedModel {
    reference: String,
    name: String,
    source: ComparedSource,
}

/// What the other model is compared by.
enum ComparedSource {
    /// Predictions that were scored before.
    Scores(Vec<PartScores>),
    /// A model, which predicts the pipeline's units.
    Bundle(Box<ModelBundle>),
}

/// The scores of one part, with the predictions they were computed from.
struct PartScores {
    scorecard: Scorecard,
    predictions: Predictions,
}

/// A pipeline's model compared with another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Against {
    /// Version of this document's format.
    pub format: u32,
    /// The other model, as the user named it.
    pub reference: String,
    /// What it is, such as `version turbofan/3`.
    pub name: String,
    /// Each part the pipeline's model was scored on.
    pub parts: Vec<ComparedPart>,
}

/// Two models on one part: `a` is the other one, `b` the pipeline's, or the run named later.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedPart {
    /// The part.
    pub part: Part,
    /// The scores side by side, where both sides have predictions of the part.
    pub scores: Option<SideBySide>,
    /// Why the part is not compared, where it is not.
    pub why_not: Option<String>,
}

/// Two runs, compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparedRuns {
    /// The run that was named first.
    pub a: RunId,
    /// One of the runs named after it.
    pub b: RunId,
    /// Each part that one of the runs was scored on.
    pub parts: Vec<ComparedPart>,
}

/// Why a model cannot be compared with.
#[derive(Debug, thiserror::Error)]
pub enum AgainstError {
    /// The text has no form that a reference may have.
    #[error("`{0}` is not a run, a registered version or a bundle folder")]
    NoReference(String),
    /// The text is nearly the name of a registered version.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// The run cannot be read.
    #[error(transparent)]
    Run(#[from] TrackingError),
    /// The version cannot be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The folder is no bundle, or a damaged one.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A file that a run keeps cannot be read.
    #[error("the scores of run {run} cannot be read")]
    Kept {
        /// The run.
        run: RunId,
        /// Why not.
        source: Box<StageError>,
    },
    /// The run was scored on nothing.
    #[error("run {run} has no scores with their predictions")]
    NoScores {
        /// The run.
        run: RunId,
    },
    /// The pipeline's own scores cannot be read, or the bundle cannot predict its units.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl AgainstError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::NoReference(_) => Code::NoOpponent,
            Self::Reference(error) => error.code(),
            Self::Run(error) => error.code(),
            Self::Registry(error) => error.code(),
            Self::Bundle(error) => error.code(),
            Self::Kept { source, .. } => source.code(),
            Self::NoScores { .. } => Code::NothingCompared,
            Self::Engine(error) => error.code(),
        }
    }
}

impl ComparedModel {
    /// Finds a model by the beginning of a run's id, by a reference into the registry, or by its bundle folder.
    ///
    /// # Errors
    /// The text names none of them, or what it names cannot be read.
    pub fn find(context: &Context, job: &Job, reference: &str) -> Result<Self, AgainstError> {
        let path = Path::new(reference);
        if path.is_dir() {
            return Self::of_bundle(reference, path);
        }
        if let Some(model) = model_reference(reference)? {
            return Self::of_version(context, job, reference, &model);
        }
        if is_run_prefix(reference) {
            return Self::of_run(context, job, reference);
        }
        Err(AgainstError::NoReference(reference.to_owned()))
    }

    fn of_bundle(reference: &str, folder: &Path) -> Result<Self, AgainstError> {
        let bundle = ModelBundle::open(folder, None)?;
        Ok(Self {
            reference: reference.to_owned(),
            name: format!("bundle {}", bundle.digest().short()),
            source: ComparedSource::Bundle(Box::new(bundle)),
        })
    }

    /// Takes a version by what it was registered with: the scores of the part it was judged on.
    fn of_version(
        context: &Context,
        job: &Job,
        reference: &str,
        model: &ModelRef,
    ) -> Result<Self, AgainstError> {
        let registry = Registry::open(&job.spec.registry.url, context.open_options()?)?;
        let version = registry.resolve(model, None)?;
        let (scorecard, predictions) = registry.evidence(&version)?;
        Ok(Self {
            reference: reference.to_owned(),
            name: format!("version {}/{}", version.model, version.version),
            source: ComparedSource::Scores(vec![PartScores {
                scorecard,
                predictions,
            }]),
        })
    }

    fn of_run(context: &Context, job: &Job, reference: &str) -> Result<Self, AgainstError> {
        let store = RunStore::open(context.resolve(&job.spec.tracking.dir));
        let run = store.find(reference)?;
        let scores = scores_of_run(&store, run)?;
        if scores.is_empty() {
            return Err(AgainstError::NoScores { run });
        }
        Ok(Self {
            reference: reference.to_owned(),
            name: format!("run {run}"),
            source: ComparedSource::Scores(scores),
        })
    }

    /// Compares the pipeline's model with this one, on each part it was scored on.
    ///
    /// # Errors
    /// The pipeline's scores cannot be read, or the bundle cannot predict its units.
    pub fn compare(
        &self,
        context: &Context,
        job: &Job,
        outcome: &Outcome,
    ) -> Result<Against, AgainstError> {
        let ours = own_scores(outcome)?;
        let rescored;
        let theirs = match &self.source {
            ComparedSource::Scores(scores) => scores,
            ComparedSource::Bundle(bundle) => {
                rescored = scores_of_bundle(context, job, bundle, &ours)?;
                &rescored
            }
        };
        let mut parts = compared_parts(theirs, &ours);
        // Out of fold first: looking at it costs nothing, however often.
        parts.sort_by_key(|part| part.part != Part::OutOfFold);
        for part in &mut parts {
            if part.scores.is_none() {
                part.why_not = Some(self.why_not(part.part, &ours));
            }
        }
        Ok(Against {
            format: FORMAT,
            reference: self.reference.clone(),
            name: self.name.clone(),
            parts,
        })
    }

    fn why_not(&self, part: Part, ours: &[PartScores]) -> String {
        if !ours
            .iter()
            .any(|scores| scores.scorecard.protocol.part == part)
        {
            return format!("this pipeline has no predictions of the {part}");
        }
        match &self.source {
            ComparedSource::Bundle(_) => {
                "a bundle has no predictions, and it may have been trained on these units"
                    .to_owned()
            }
            ComparedSource::Scores(_) => format!("{} has no predictions of the {part}", self.name),
        }
    }
}

impl Against {
    /// Returns whether any part was compared.
    pub fn is_any_compared(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part.scores, Some(SideBySide::Compared { .. })))
    }

    /// Returns whether a part was not compared because it was scored under another protocol.
    pub fn is_any_unlike(&self) -> bool {
        self.parts
            .iter()
            .any(|part| matches!(part.scores, Some(SideBySide::Unlike { .. })))
    }
}

/// Compares the first of some runs with each of the others.
///
/// # Errors
/// A file that a run keeps cannot be read.
pub fn compare_runs(store: &RunStore, runs: &[RunId]) -> Result<Vec<ComparedRuns>, AgainstError> {
    let Some((first, others)) = runs.split_first() else {
        return Ok(Vec::new());
    };
    let ours = scores_of_run(store, *first)?;
    let mut compared = Vec::new();
    for other in others {
        let theirs = scores_of_run(store, *other)?;
        let mut parts = compared_parts(&ours, &theirs);
        for part in &mut parts {
            let without = if scores_of_part(&ours, part.part).is_none() {
                first
            } else if scores_of_part(&theirs, part.part).is_none() {
                other
            } else {
                continue;
            };
            part.why_not = Some(format!(
                "run {without} has no predictions of the {}",
                part.part
            ));
        }
        parts.sort_by_key(|part| part.part != Part::OutOfFold);
        compared.push(ComparedRuns {
            a: *first,
            b: *other,
            parts,
        });
    }
    Ok(compared)
}

/// Compares part by part; a part that only one side has is listed without scores.
fn compared_parts(a: &[PartScores], b: &[PartScores]) -> Vec<ComparedPart> {
    let mut names: Vec<Part> = Vec::new();
    for scores in b.iter().chain(a) {
        let part = scores.scorecard.protocol.part;
        if !names.contains(&part) {
            names.push(part);
        }
    }
    let mut compared = Vec::new();
    for part in names {
        let scores = match (scores_of_part(a, part), scores_of_part(b, part)) {
            (Some(a), Some(b)) => Some(side_by_side(a.scored(), b.scored())),
            _ => None,
        };
        compared.push(ComparedPart {
            part,
            scores,
            why_not: None,
        });
    }
    compared
}

fn scores_of_part(scores: &[PartScores], part: Part) -> Option<&PartScores> {
    scores
        .iter()
        .find(|scores| scores.scorecard.protocol.part == part)
}

impl PartScores {
    fn scored(&self) -> Scored<'_> {
        Scored {
            card: &self.scorecard,
            predictions: &self.predictions,
        }
    }
}

/// Returns what the pipeline's model was scored on.
fn own_scores(outcome: &Outcome) -> Result<Vec<PartScores>, EngineError> {
    let Some(judged) = &outcome.scores else {
        return Ok(Vec::new());
    };
    let mut scores = vec![PartScores {
        scorecard: judged.scorecard.clone(),
        predictions: outcome.predictions()?,
    }];
    if let Some(path) = &outcome.out_of_fold_predictions
        && judged.on != Part::OutOfFold
    {
        let predictions = read_json(path).map_err(EngineError::in_stage(Stage::Evaluate))?;
        scores.push(PartScores {
            scorecard: judged.out_of_fold.clone(),
            predictions,
        });
    }
    Ok(scores)
}

/// Returns what a run was scored on, as far as it has the predictions; runs of earlier releases have none.
fn scores_of_run(store: &RunStore, run: RunId) -> Result<Vec<PartScores>, AgainstError> {
    let mut scores: Vec<PartScores> = Vec::new();
    for [card, predictions] in [
        [SCORECARD, PREDICTIONS],
        [OUT_OF_FOLD_SCORECARD, OUT_OF_FOLD_PREDICTIONS],
    ] {
        let card = store.artifact(run, card)?;
        let predictions = store.artifact(run, predictions)?;
        if !card.is_file() || !predictions.is_file() {
            continue;
        }
        let kept = |source: StageError| AgainstError::Kept {
            run,
            source: Box::new(source),
        };
        let scorecard: Scorecard = read_json(&card).map_err(kept)?;
        // Where no unit is held back, the judged part is the one out of fold.
        if scores_of_part(&scores, scorecard.protocol.part).is_none() {
            scores.push(PartScores {
                scorecard,
                predictions: read_json(&predictions).map_err(kept)?,
            });
        }
    }
    Ok(scores)
}

/// Scores a bundle under the pipeline's protocol, on the units that the pipeline does not train on.
fn scores_of_bundle(
    context: &Context,
    job: &Job,
    bundle: &ModelBundle,
    ours: &[PartScores],
) -> Result<Vec<PartScores>, EngineError> {
    let Some(unseen) = ours
        .iter()
        .find(|scores| scores.scorecard.protocol.part != Part::OutOfFold)
    else {
        return Ok(Vec::new());
    };
    let card = &unseen.scorecard;
    let run = PipelineRun::open(context, job)?;
    let dataset = run.dataset()?;
    let scored = score_on_unseen(
        &job.spec,
        dataset,
        card.protocol.clone(),
        bundle,
        card.baseline.prediction,
    );
    let (scorecard, predictions) = scored.map_err(EngineError::in_stage(Stage::Evaluate))?;
    Ok(vec![PartScores {
        scorecard,
        predictions,
    }])
}

/// Reads `name@alias`, `name/3` and, as container images are named, `name:v3`; none of them in a text without such a mark.
fn model_reference(text: &str) -> Result<Option<ModelRef>, ReferenceError> {
    if text.contains('@') || text.contains('/') {
        return text.parse().map(Some);
    }
    match text.split_once(':') {
        Some((model, version)) => format!("{model}/{version}").parse().map(Some),
        None => Ok(None),
    }
}

/// Returns whether a text may begin the id of a run.
fn is_run_prefix(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|char| char.is_ascii_hexdigit() || char == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_distinguished_by_their_form() {
        let model =
            |text: &str| model_reference(text).map(|model| model.map(|model| model.to_string()));
        assert_eq!(
            model("turbofan@champion"),
            Ok(Some("turbofan@champion".to_owned()))
        );
        assert_eq!(model("turbofan/3"), model("turbofan:v3"));
        assert_eq!(model("0193a1b2"), Ok(None));
        assert!(model("turbofan:newest").is_err());
        assert!(is_run_prefix("0193a1b2-c3d4") && !is_run_prefix("turbofan") && !is_run_prefix(""));
    }
}
