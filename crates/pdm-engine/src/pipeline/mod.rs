//! What each stage computes: a key of everything it depends on, and a function from inputs to files in a folder.
//!
//! A stage knows neither the cache nor the registry nor the terminal; the engine calls it.

pub mod calibrate;
pub mod evaluate;
pub mod features;
pub mod gate;
pub mod train;
pub mod trial;
pub mod validate;

mod curves;
mod error;
mod files;
mod kept;
mod protocol;
mod summary;

pub use curves::{LEARNING_CURVES, LEARNING_CURVES_TABLE};
pub use error::StageError;
pub use files::read_json;
pub use kept::PartialTraining;
pub use summary::Summary;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cache::StageKey;
use crate::config::Stage;
use pdm_core::content::Digest;

/// Returns the version of what a stage computes. It is part of the cache key in place of the program's version, so that an upgrade
/// does not retrain everything.
pub fn semantic_version(stage: Stage) -> u32 {
    match stage {
        Stage::Validate => validate::VERSION,
        Stage::Features => features::VERSION,
        Stage::Train => train::VERSION,
        Stage::Calibrate => calibrate::VERSION,
        Stage::Evaluate => evaluate::VERSION,
        Stage::Gate => gate::VERSION,
        // They make no result.
        Stage::Register | Stage::Promote => 1,
    }
}

/// Builds the key of a stage from the options it uses and the digests of what it reads.
fn key<const N: usize>(
    stage: Stage,
    parameters: Value,
    inputs: [(&str, Option<Digest>); N],
) -> StageKey {
    let mut known = BTreeMap::new();
    for (name, digest) in inputs {
        if let Some(digest) = digest {
            known.insert(name.to_owned(), digest);
        }
    }
    StageKey {
        stage: stage.name().to_owned(),
        semantic_version: semantic_version(stage),
        parameters,
        inputs: known,
    }
}
