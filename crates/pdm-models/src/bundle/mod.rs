//! Model bundles: one folder, one digest.
//!
//! ```text
//! bundle.json            the input schema and the SHA-256 of every other file; its own SHA-256 identifies the bundle
//! features.json          fitted features: regimes, scalers, health index
//! weights.safetensors    the model
//! calibration.json       the width of intervals
//! profile.json           the distribution of the training data, for drift and flags
//! ```
//!
//! A bundle contains neither times nor paths: the same fit gives the same bytes. [`ModelBundle::open`] checks every digest
//! before parsing.

mod assemble;
mod check;
mod error;
mod flags;
mod histories;
mod manifest;
mod open;
mod predict;
mod profile;
#[cfg(test)]
mod tests;

pub use assemble::{BundleParts, assemble};
pub use error::BundleError;
pub use histories::{KnownHistories, Repetition, UnitLevel};
pub use manifest::{BundleFile, BundleManifest, Provenance};
pub use open::ModelBundle;
pub use profile::{ChannelProfile, ReferenceProfile};
