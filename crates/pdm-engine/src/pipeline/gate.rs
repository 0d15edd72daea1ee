//! Judges the scores by the pipeline's gates, also against the champion.

use std::path::Path;

use serde_json::json;

use super::evaluate::{PREDICTIONS, SCORECARD};
use super::files::write_json;
use super::{StageError, Summary, key, read_json};
use crate::cache::StageKey;
use crate::config::{PipelineSpec, Stage};
use pdm_core::content::{Digest, digest_of};
use pdm_core::domain::Predictions;
use pdm_core::gates::{Contender, GateReport, Opponent, judge};
use pdm_core::scoring::{Scorecard, Verdict};
use pdm_store::registry::ModelVersion;

/// Version of what this stage computes; raise it when the same inputs should give another result.
///
/// The second judges by intervals that hold on few units, and does not compare the champion with itself; the third words its
/// explanations in other sentences.
pub const VERSION: u32 = 3;

/// Name of the gate report among the outputs.
pub const REPORT: &str = "gates.json";

/// The champion, with its scores.
#[derive(Debug)]
pub struct Defender {
    /// Its number.
    pub version: u32,
    /// Its bundle.
    pub bundle: Digest,
    /// Its scorecard.
    pub scorecard: Scorecard,
    /// The predictions that scorecard was computed from.
    pub predictions: Predictions,
}

/// What the alias points to when a model is judged.
#[derive(Debug, Clone)]
pub enum AliasHolder {
    /// No version yet.
    NoVersion,
    /// The judged model itself, registered as this version.
    Itself(Box<ModelVersion>),
    /// Another version.
    Version(Box<ModelVersion>),
}

/// What a model is compared with.
#[derive(Debug)]
pub enum Rival {
    /// Nothing: there is no champion yet.
    NoChampion,
    /// Nothing: the model is the champion, with this number.
    Itself(u32),
    /// The champion.
    Champion(Box<Defender>),
}

/// Returns the key for this bundle, its scores and the champion.
pub fn stage_key(
    spec: &PipelineSpec,
    bundle: Digest,
    evaluate: Digest,
    holder: &AliasHolder,
) -> StageKey {
    let parameters = json!({ "gate": spec.gates });
    let named = |v: &ModelVersion| {
        digest_of(&(v.version, v.bundle, v.scorecard)).expect("digests have a JSON form")
    };
    let champion = match holder {
        AliasHolder::NoVersion => None,
        AliasHolder::Itself(version) => Some(
            digest_of(&("itself", named(version))).expect("a word and a digest have a JSON form"),
        ),
        AliasHolder::Version(version) => Some(named(version)),
    };
    key(
        Stage::Gate,
        parameters,
        [
            ("bundle", Some(bundle)),
            ("evaluate", Some(evaluate)),
            ("champion", champion),
        ],
    )
}

/// Judges and writes the report into `folder`; `evaluate` is the folder of that stage.
///
/// # Errors
/// A file that cannot be read or written. A gate that cannot be judged is undecided, not an error.
pub fn run(
    spec: &PipelineSpec,
    bundle: Digest,
    rival: &Rival,
    [evaluate, folder]: [&Path; 2],
) -> Result<Summary, StageError> {
    let scorecard: Scorecard = read_json(&evaluate.join(SCORECARD))?;
    let predictions: Predictions = read_json(&evaluate.join(PREDICTIONS))?;
    let challenger = Contender {
        bundle,
        scorecard: &scorecard,
        predictions: &predictions,
    };
    let opponent = match rival {
        Rival::NoChampion => Opponent::NoChampion,
        Rival::Itself(version) => Opponent::Itself(*version),
        Rival::Champion(defender) => {
            let Defender {
                version,
                bundle,
                scorecard,
                predictions,
            } = defender.as_ref();
            Opponent::Version(
                *version,
                Contender {
                    bundle: *bundle,
                    scorecard,
                    predictions,
                },
            )
        }
    };
    let report = judge(&spec.gates, challenger, opponent);
    write_json(&folder.join(REPORT), &report)?;
    Ok(summarise(&report))
}

fn summarise(report: &GateReport) -> Summary {
    let passed = report
        .rows
        .iter()
        .filter(|row| row.verdict == Verdict::Pass)
        .count();
    let against = match &report.champion {
        None => "no champion yet".to_owned(),
        Some(champion) if champion.bundle == report.challenger => {
            format!("it is the bundle of v{}", champion.version)
        }
        Some(champion) => format!("against v{}", champion.version),
    };
    Summary::new(format!(
        "{passed} of {} gates pass, {against}",
        report.rows.len()
    ))
    .figure("verdict", json!(report.verdict))
    .figure("passed", passed)
    .figure("gates", report.rows.len())
}
