//! The JSON of requests and answers about registered models; only the fields that are used.

use serde::{Deserialize, Serialize};

use super::wire::{ExperimentId, WirePair};

#[derive(Debug, Serialize)]
pub(super) struct SearchExperiments {
    pub(super) max_results: u32,
    pub(super) view_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) page_token: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ExperimentsAnswer {
    #[serde(default)]
    pub(super) experiments: Vec<ExperimentId>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct FilesAnswer {
    #[serde(default)]
    pub(super) files: Vec<serde_json::Value>,
}

#[derive(Debug, Serialize)]
pub(super) struct CreateModel<'a> {
    pub(super) name: &'a str,
    pub(super) description: &'a str,
}

#[derive(Debug, Deserialize)]
pub(super) struct ModelAnswer {
    pub(super) registered_model: RemoteModel,
}

#[derive(Debug, Deserialize)]
pub(super) struct RemoteModel {
    #[serde(default)]
    pub(super) aliases: Vec<RemoteAlias>,
}

#[derive(Debug, Deserialize)]
pub(super) struct RemoteAlias {
    pub(super) alias: String,
    pub(super) version: String,
}

#[derive(Debug, Serialize)]
pub(super) struct CreateVersion<'a> {
    pub(super) name: &'a str,
    pub(super) source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) run_id: Option<&'a str>,
    pub(super) tags: Vec<WirePair>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VersionAnswer {
    pub(super) model_version: RemoteVersion,
}

#[derive(Debug, Deserialize)]
pub(super) struct VersionsAnswer {
    #[serde(default)]
    pub(super) model_versions: Vec<RemoteVersion>,
    #[serde(default)]
    pub(super) next_page_token: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct RemoteVersion {
    pub(super) name: String,
    pub(super) version: String,
    #[serde(default)]
    pub(super) tags: Vec<WirePair>,
}

impl RemoteVersion {
    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        self.tags
            .iter()
            .find(|tag| tag.key == key)
            .map(|tag| tag.value.as_str())
    }
}

#[derive(Debug, Serialize)]
pub(super) struct SetVersionTag<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

#[derive(Debug, Serialize)]
pub(super) struct SetAlias<'a> {
    pub(super) name: &'a str,
    pub(super) alias: &'a str,
    pub(super) version: &'a str,
}
