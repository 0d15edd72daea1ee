//! Versions as OCI artifacts: an image layout on disk that tools like `oras` and `skopeo` push to any container registry.
//!
//! ```text
//! oci-layout                   marks an image layout
//! index.json                   refers to the manifest and its tag
//! blobs/sha256/<64 digits>     the manifest, its configuration, and each file as a layer
//! ```
//!
//! The manifest follows CNCF ModelPack (model-spec v1), so that its tools can distinguish weights, their configuration and
//! documents (scorecard, predictions, gate report). It does not depend on time or machine: the same version gives the same bytes.
//!
//! The structs hold only the fields that are written; `oci-spec` would add a dozen crates for building containers.

mod export;
mod manifest;
mod media;

pub use export::Exported;

#[cfg(test)]
mod tests;
