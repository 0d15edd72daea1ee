//! What ships: one folder, one digest.
//!
//! ```text
//! bundle.json            what it is, the input schema, and the SHA-256 of every other file; its own SHA-256 names the bundle
//! features.json          fitted features: regimes, scalers, health index
//! weights.safetensors    the model
//! calibration.json       how wide an interval must be
//! profile.json           what the training data looked like, for drift
//! ```
//!
//! A bundle holds no clock and no path: the same fit gives the same bytes. [`ModelBundle::open`] checks every digest
//! before it parses a byte.

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
