use serde::Serialize;

use super::bound::Bound;
use pdm_core::content::Digest;
use pdm_core::domain::Prediction;
use pdm_core::scoring::{Metric, PairedDifference, Score, Scorecard, Verdict};

/// What the gates of a pipeline made of a model; or why the line did not come to its gates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Name of the pipeline.
    pub pipeline: String,
    /// The pipeline file, as seen from the top of its repository; none for the embedded one.
    pub file: Option<String>,
    /// Verdict over all gates; none where they were not reached.
    pub verdict: Option<Verdict>,
    /// What the verdicts rest on.
    pub evidence: Option<JudgedModel>,
    /// The gates, in order.
    pub gates: Vec<GateLine>,
    /// Why the line ended early; empty where it did not.
    pub troubles: Vec<EarlyEnd>,
}

/// Who was judged, on which units, and how.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgedModel {
    /// Bundle of the model.
    pub bundle: Digest,
    /// The model's version in the registry, where it has one.
    pub version: Option<u32>,
    /// Name of the model in the registry.
    pub model: String,
    /// Version it was compared with; none where there is no champion yet.
    pub champion: Option<OpponentVersion>,
    /// How often every fit was repeated with other random numbers.
    pub seeds: usize,
    /// The protocol in words.
    pub protocol: String,
    /// The model's scores, with the protocol and how their intervals were found.
    pub scorecard: Scorecard,
    /// The predictions they were computed from; for the drawings.
    #[serde(skip)]
    pub predictions: Vec<Prediction>,
}

/// The version a model was compared with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpponentVersion {
    /// Its number.
    pub version: u32,
    /// Its bundle.
    pub bundle: Digest,
}

/// One gate and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateLine {
    /// The score that is judged.
    pub metric: Metric,
    /// Name of the rule.
    pub rule: String,
    /// What must hold.
    pub bound: Bound,
    /// The verdict.
    pub verdict: Verdict,
    /// What was judged; none where there was nothing to judge.
    pub observed: Option<ReportedFigure>,
    /// Units the interval is over.
    pub units: usize,
    /// The verdict in one sentence, without a period.
    pub why: String,
    /// Where the gate is written; none for one that no file holds.
    pub place: Option<FileLine>,
}

/// What a gate judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportedFigure {
    /// The model's own score.
    Score(Score),
    /// How much worse it is than the champion, on the same units.
    Difference(PairedDifference),
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileLine {
    /// The file, as seen from the top of its repository.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// Something that ended the line before its gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EarlyEnd {
    /// What kind of trouble, in one word, such as `data_invalid`.
    pub kind: String,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Where it is wrong, where that is known.
    pub place: Option<FileLine>,
}

impl ReportedFigure {
    /// Returns what was found, and its interval: a score, or a difference in which negative is better.
    pub fn numbers(&self) -> [f64; 3] {
        match self {
            Self::Score(Score {
                value,
                lower,
                upper,
                ..
            }) => [*lower, *value, *upper],
            Self::Difference(PairedDifference {
                difference,
                lower,
                upper,
                ..
            }) => [*lower, *difference, *upper],
        }
    }
}

impl GateLine {
    /// Returns the range a number must lie in, on the axis of what was judged; ends may be infinite.
    pub fn allowed(&self) -> Option<[f64; 2]> {
        let champion = match &self.observed {
            Some(ReportedFigure::Difference(difference)) => Some(difference.champion.abs()),
            Some(ReportedFigure::Score(_)) | None => None,
        };
        self.bound.allowed(champion)
    }

    /// Returns the gate in few words, such as `rmse at most 25 cycles`.
    pub fn title(&self) -> String {
        format!("{} {}", self.metric, self.bound.words(self.metric))
    }
}

impl Judgement {
    /// Returns how many gates have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.gates
            .iter()
            .filter(|gate| gate.verdict == verdict)
            .count()
    }
}
