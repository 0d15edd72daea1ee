//! What goes over the wire, as far as it is used here.

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
    pub(super) experiment_ids: [&'a str; 1],
    pub(super) filter: String,
    pub(super) run_view_type: &'static str,
    pub(super) order_by: [&'static str; 1],
    pub(super) max_results: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct RunsAnswer {
    #[serde(default)]
    pub(super) runs: Vec<RemoteRun>,
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
    pub(super) tags: Vec<Pair>,
}

impl RemoteRun {
    pub(super) fn is_deleted(&self) -> bool {
        self.info.lifecycle_stage == "deleted"
    }

    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        self.data.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }
}

#[derive(Debug, Serialize)]
pub(super) struct CreateRun<'a> {
    pub(super) experiment_id: &'a str,
    pub(super) start_time: i64,
    pub(super) run_name: &'a str,
    pub(super) tags: Vec<Pair>,
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
    pub(super) metrics: &'a [Metric],
    pub(super) params: &'a [Pair],
    pub(super) tags: &'a [Pair],
}

/// A parameter or a tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) key: String,
    #[serde(default)]
    pub(super) value: String,
}

impl Pair {
    pub(super) fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Metric {
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
