//! The description of a shared result.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cache::{CacheEntry, Cost};
use crate::cache::{LOG, StageKey};
use pdm_core::content::Digest;

/// The layout this program writes and reads.
const FORMAT: u32 = 1;
/// Most bytes of all outputs together that are fetched; a stage usually makes some megabytes.
pub(super) const MOST_BYTES: u64 = 4 << 30;

/// One output of a shared result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    /// Slash-separated path within the stage's outputs.
    pub(super) path: String,
    pub(super) sha256: Digest,
    pub(super) bytes: u64,
}

/// The result of a key, as the store describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ResultManifest {
    format: u32,
    key: StageKey,
    pub(super) outputs: Vec<Piece>,
    pub(super) summary: Value,
    pub(super) cost: Cost,
}

impl ResultManifest {
    pub(super) fn of(entry: &CacheEntry) -> Self {
        let piece = |output: &crate::cache::Output| Piece {
            path: output.path.clone(),
            sha256: output.sha256,
            bytes: output.bytes,
        };
        Self {
            format: FORMAT,
            key: entry.key().clone(),
            outputs: entry.outputs().iter().map(piece).collect(),
            summary: entry.summary().clone(),
            cost: entry.cost(),
        }
    }

    /// Reads the manifest of `key`; the error says what is wrong with it.
    pub(super) fn read(bytes: &[u8], key: &StageKey) -> Result<Self, String> {
        let manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| format!("is not valid: {error}"))?;
        if manifest.format != FORMAT {
            return Err(format!("has format {}, not {FORMAT}", manifest.format));
        }
        if manifest.key.digest() != key.digest() {
            return Err("belongs to another key".to_owned());
        }
        let mut paths = BTreeSet::new();
        for Piece { path, .. } in &manifest.outputs {
            let plain = Path::new(path)
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            if path.is_empty() || !plain || path.contains('\\') {
                return Err(format!(
                    "names `{path}`, which is outside the outputs of a stage"
                ));
            }
            if !paths.insert(path) {
                return Err(format!("names `{path}` twice"));
            }
        }
        let bytes = manifest
            .outputs
            .iter()
            .fold(0_u64, |sum, piece| sum.saturating_add(piece.bytes));
        if bytes > MOST_BYTES {
            return Err(format!(
                "names outputs of {bytes} bytes, but at most {MOST_BYTES} are fetched"
            ));
        }
        Ok(manifest)
    }

    /// Returns what differs from the locked outputs, as a fragment.
    pub(super) fn differs_from(&self, locked: &BTreeMap<String, Digest>) -> Option<String> {
        let outputs: BTreeMap<_, _> = self
            .outputs
            .iter()
            .map(|piece| (piece.path.clone(), piece.sha256))
            .collect();
        let names: BTreeSet<_> = outputs.keys().chain(locked.keys()).collect();
        for name in names {
            if name != LOG && outputs.get(name) != locked.get(name) {
                return Some(format!("has another `{name}` than the lock"));
            }
        }
        None
    }
}
