//! Media types and annotations. ModelPack: `specs-go/v1` of github.com/modelpack/model-spec; the others: the OCI image
//! specification 1.1.

use crate::registry::manifest::FileEntry;

pub(super) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Artifact type of a manifest.
pub(super) const MODEL: &str = "application/vnd.cncf.model.manifest.v1+json";
pub(super) const CONFIG: &str = "application/vnd.cncf.model.config.v1+json";

const WEIGHT: &str = "application/vnd.cncf.model.weight.v1.raw";
const WEIGHT_CONFIG: &str = "application/vnd.cncf.model.weight.config.v1.raw";
pub(super) const DOCUMENT: &str = "application/vnd.cncf.model.doc.v1.raw";

/// File name of a layer, for `oras pull`.
pub(super) const TITLE: &str = "org.opencontainers.image.title";
/// File name of a layer, for ModelPack tools.
pub(super) const FILE_PATH: &str = "org.cncf.model.filepath";
/// Tag of a manifest.
pub(super) const TAG: &str = "org.opencontainers.image.ref.name";
pub(super) const CREATED: &str = "org.opencontainers.image.created";
pub(super) const VERSION: &str = "org.opencontainers.image.version";

/// Returns the media type of a bundle file: JSON files are configuration, all others are weights.
pub(super) fn of(file: &FileEntry) -> &'static str {
    if file.path.as_str().ends_with(".json") {
        WEIGHT_CONFIG
    } else {
        WEIGHT
    }
}

/// Returns whether container registries accept this as a tag (OCI distribution specification 1.1, "Pulling manifests").
pub(super) fn is_tag(tag: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let follows = |byte: u8| plain(byte) || matches!(byte, b'.' | b'-');
    tag.len() <= 128 && tag.bytes().next().is_some_and(plain) && tag.bytes().all(follows)
}
