//! The JSON of an OCI image layout and of ModelPack.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::media;
use crate::registry::manifest::ModelVersion;
use pdm_core::content::Digest;

/// Points to a blob. Field names and order are the specification's.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: &'static str,
    pub(super) digest: String,
    pub(super) size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) artifact_type: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    pub(super) fn of(media_type: &'static str, blob: Digest, size: u64) -> Self {
        let digest = format!("sha256:{blob}");
        Self {
            media_type,
            digest,
            size,
            artifact_type: None,
            annotations: BTreeMap::new(),
        }
    }

    /// Returns a layer that holds one file.
    pub(super) fn layer(media_type: &'static str, path: &str, blob: Digest, size: u64) -> Self {
        let annotations = [media::TITLE, media::FILE_PATH]
            .map(|name| (name.to_owned(), path.to_owned()))
            .into();
        Self {
            annotations,
            ..Self::of(media_type, blob, size)
        }
    }
}

/// The file `oci-layout`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OciLayout {
    image_layout_version: &'static str,
}

impl OciLayout {
    pub(super) const NEW: Self = Self {
        image_layout_version: "1.0.0",
    };
}

/// The file `index.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Index {
    schema_version: u8,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

impl Index {
    /// Returns the index of one manifest.
    pub(super) fn of(manifest: Descriptor, tag: &str) -> Self {
        let annotations = [(media::TAG.to_owned(), tag.to_owned())].into();
        let manifest = Descriptor {
            artifact_type: Some(media::MODEL),
            annotations,
            ..manifest
        };
        Self {
            schema_version: 2,
            media_type: media::INDEX,
            manifests: vec![manifest],
        }
    }
}

/// The manifest of a model.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OciManifest {
    schema_version: u8,
    media_type: &'static str,
    artifact_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
    annotations: BTreeMap<String, String>,
}

impl OciManifest {
    pub(super) fn of(version: &ModelVersion, config: Descriptor, layers: Vec<Descriptor>) -> Self {
        let origin = &version.origin;
        let annotations = [
            (media::TITLE, version.model.to_string()),
            (media::VERSION, version.version.to_string()),
            (media::CREATED, origin.created.to_string()),
            ("pdm-ml.bundle", format!("sha256:{}", version.bundle)),
            ("pdm-ml.training-data", format!("sha256:{}", origin.data)),
            ("pdm-ml.kind", origin.kind.clone()),
            ("pdm-ml.pipeline", origin.pipeline.clone()),
            ("pdm-ml.run", origin.run.clone()),
            ("pdm-ml.seed", origin.seed.to_string()),
        ];
        let annotations = annotations
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Self {
            schema_version: 2,
            media_type: media::MANIFEST,
            artifact_type: media::MODEL,
            config,
            layers,
            annotations,
        }
    }
}

/// ModelPack's configuration of a model (`schema/config-schema.json`).
#[derive(Debug, Serialize)]
pub(super) struct Config {
    descriptor: About,
    config: Technical,
    modelfs: ModelFs,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct About {
    created_at: Timestamp,
    family: String,
    name: String,
    version: String,
    title: String,
}

#[derive(Debug, Serialize)]
struct Technical {
    architecture: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelFs {
    r#type: &'static str,
    /// Digests of the layers before compression; none is compressed.
    diff_ids: Vec<String>,
}

impl Config {
    pub(super) fn of(version: &ModelVersion, layers: &[Descriptor]) -> Self {
        let name = version.model.to_string();
        let kind = version.origin.kind.clone();
        let safetensors = version
            .files
            .iter()
            .any(|file| file.path.as_str().ends_with(".safetensors"));
        Self {
            descriptor: About {
                created_at: version.origin.created,
                family: kind.clone(),
                title: format!("Remaining useful life by {name}"),
                name,
                version: version.version.to_string(),
            },
            config: Technical {
                architecture: kind,
                format: safetensors.then_some("safetensors"),
            },
            modelfs: ModelFs {
                r#type: "layers",
                diff_ids: layers.iter().map(|layer| layer.digest.clone()).collect(),
            },
        }
    }
}
