//! Versions as OCI artifacts: an image layout on disk that `oras`, `skopeo` and their like push to any registry of containers.
//!
//! ```text
//! oci-layout                   says that this is an image layout
//! index.json                   names the manifest, and gives it a tag
//! blobs/sha256/<64 digits>     the manifest, its configuration, and a layer for each file, as it is
//! ```
//!
//! The manifest is one of CNCF ModelPack (model-spec v1), so that tools that know models know what is what: weights, what goes
//! with the weights, and documents (scorecard, predictions, gate report). Nothing in it depends on when or where it is made:
//! the same version gives the same bytes.
//!
//! The structs hold what is written and no more; `oci-spec` would bring a dozen crates for builders of containers.

mod export;
mod manifest;
mod media;

pub use export::Exported;

#[cfg(test)]
mod tests;
