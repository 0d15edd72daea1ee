//! The judgement of a model by its gates.

use serde::Serialize;

use super::bound::Bound;
use pdm_core::content::Digest;
use pdm_core::domain::Prediction;
use pdm_core::gates::{Champion, Observed};
use pdm_core::scoring::{Metric, Scorecard, Verdict};

/// The judgement of a model by the gates of a pipeline; or why the run ended before its gates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Name of the pipeline.
    pub pipeline: String,
    /// The pipeline file, relative to its repository; `None` for the embedded one.
    pub file: Option<String>,
    /// Verdict of all gates together; `None` if they were not reached.
    pub verdict: Option<Verdict>,
    /// The judged model.
    pub evidence: Option<JudgedModel>,
    /// The gates, in order.
    pub gates: Vec<GateLine>,
    /// Why the run ended early; empty if it did not.
    pub troubles: Vec<EarlyEnd>,
}

/// The judged model, on which units, and how.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgedModel {
    /// Bundle of the model.
    pub bundle: Digest,
    /// The model's version in the registry, if it has one.
    pub version: Option<u32>,
    /// Name of the model in the registry.
    pub model: String,
    /// Version it was compared with; `None` if there is no champion yet.
    pub champion: Option<Champion>,
    /// How often each fit was repeated with other random numbers.
    pub seeds: usize,
    /// The protocol as text.
    pub protocol: String,
    /// The model's scores, with the protocol and the options of their intervals.
    pub scorecard: Scorecard,
    /// The predictions they were computed from; for the drawings.
    #[serde(skip)]
    pub predictions: Vec<Prediction>,
}

/// One gate and its verdict.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateLine {
    /// The score that is judged.
    pub metric: Metric,
    /// Name of the rule.
    pub rule: String,
    /// The rule.
    pub bound: Bound,
    /// The verdict.
    pub verdict: Verdict,
    /// What was judged; `None` if there was nothing to judge.
    pub observed: Option<Observed>,
    /// Units the interval is over.
    pub units: usize,
    /// The verdict in one sentence, without a period.
    pub why: String,
    /// Where the gate is written; `None` if it is in no file.
    pub place: Option<FileLine>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileLine {
    /// The file, relative to its repository.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// Why a run ended before its gates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EarlyEnd {
    /// The kind of failure, in one word, such as `data_invalid`.
    pub kind: String,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The line in question, if known.
    pub place: Option<FileLine>,
}

impl GateLine {
    /// Returns the allowed range of the judged value; its ends may be infinite.
    pub fn allowed(&self) -> Option<[f64; 2]> {
        let champion = match &self.observed {
            Some(Observed::Difference(difference)) => Some(difference.champion.abs()),
            Some(Observed::Score(_)) | None => None,
        };
        self.bound.allowed(champion)
    }

    /// Returns the title of the gate, such as `rmse at most 25 cycles`.
    pub fn title(&self) -> String {
        format!("{} {}", self.metric, self.bound.words(self.metric))
    }
}

impl Judgement {
    /// Returns the number of gates with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.gates
            .iter()
            .filter(|gate| gate.verdict == verdict)
            .count()
    }
}
