//! The JSON of requests and answers; only the fields that are used.

use serde::{Deserialize, Serialize};

use crate::tracking::Number;

#[derive(Debug, Deserialize)]
pub(super) struct ExperimentAnswer {
    pub(super) experiment: Experiment,
}

#[derive(Debug, Deserialize)]
pub(super) struct Experiment {
    pub(super) experiment_id: String,
    pub(super) lifecycle_stage: String,
}

#[derive(Debug, Serialize)]
pub(super) struct CreateExperiment<'a> {
    pub(super) name: &'a str,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ExperimentId {
    pub(super) experiment_id: String,
}

#[derive(Debug, Serialize)]
pub(super) struct SearchRuns<'a> {
    pub(super) experiment_ids: &'a [String],
    pub(super) filter: String,
    pub(super) run_view_type: &'static str,
    pub(super) order_by: [&'static str; 1],
    pub(super) max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunsAnswer {
    #[serde(default)]
    pub(super) runs: Vec<RemoteRun>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunAnswer {
    pub(super) run: RemoteRun,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct RemoteRun {
    pub(super) info: RunInfo,
    #[serde(default)]
    pub(super) data: RunData,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct RunInfo {
    pub(super) run_id: String,
    pub(super) experiment_id: String,
    pub(super) status: String,
    pub(super) lifecycle_stage: String,
    #[serde(default)]
    pub(super) artifact_uri: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct RunData {
    #[serde(default)]
    pub(super) tags: Vec<WirePair>,
}

impl RemoteRun {
    pub(super) fn is_deleted(&self) -> bool {
        self.info.lifecycle_stage == "deleted"
    }

    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        self.data
            .tags
            .iter()
            .find(|tag| tag.key == key)
            .map(|tag| tag.value.as_str())
    }

    /// Returns the number in a tag; 0 if there is none.
    pub(super) fn number(&self, key: &str) -> u64 {
        self.tag(key)
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    }
}

#[derive(Debug, Serialize)]
pub(super) struct CreateRun<'a> {
    pub(super) experiment_id: &'a str,
    pub(super) start_time: i64,
    pub(super) run_name: &'a str,
    pub(super) tags: Vec<WirePair>,
}

#[derive(Debug, Serialize)]
pub(super) struct RunName<'a> {
    pub(super) run_id: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct UpdateRun<'a> {
    pub(super) run_id: &'a str,
    pub(super) status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) end_time: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(super) struct LogBatch<'a> {
    pub(super) run_id: &'a str,
    pub(super) metrics: &'a [WireMetric],
    pub(super) params: &'a [WirePair],
    pub(super) tags: &'a [WirePair],
}

#[derive(Debug, Serialize)]
pub(super) struct LogInputs<'a> {
    pub(super) run_id: &'a str,
    pub(super) datasets: Vec<DatasetInput>,
}

#[derive(Debug, Serialize)]
pub(super) struct DatasetInput {
    pub(super) tags: Vec<WirePair>,
    pub(super) dataset: Dataset,
}

#[derive(Debug, Serialize)]
pub(super) struct Dataset {
    pub(super) name: String,
    pub(super) digest: String,
    pub(super) source_type: &'static str,
    /// JSON in a string.
    pub(super) source: String,
    /// JSON in a string.
    pub(super) profile: String,
}

#[derive(Debug, Serialize)]
pub(super) struct CreateUpload<'a> {
    pub(super) path: &'a str,
    pub(super) num_parts: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    #[serde(default)]
    pub(super) upload_id: Option<String>,
    pub(super) credentials: Vec<PartAddress>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PartAddress {
    pub(super) url: String,
    pub(super) part_number: u64,
    #[serde(default)]
    pub(super) headers: std::collections::BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
pub(super) struct EndUpload<'a> {
    pub(super) path: &'a str,
    pub(super) upload_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parts: Option<Vec<SentPart>>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct SentPart {
    pub(super) part_number: u64,
    pub(super) etag: String,
    pub(super) url: String,
}

/// A parameter or a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct WirePair {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

impl WirePair {
    pub(super) fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct WireMetric {
    pub(super) key: String,
    pub(super) value: Number,
    pub(super) timestamp: i64,
    pub(super) step: i64,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Nothing {}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorAnswer {
    #[serde(default)]
    pub(super) error_code: String,
    #[serde(default)]
    pub(super) message: String,
}
