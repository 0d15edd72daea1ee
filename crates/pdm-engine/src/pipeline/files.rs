//! Reads and writes the JSON files of stages.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StageError;
use pdm_core::content::{MOST_OF_A_NOTE, atomic_write, finite_json, read_at_most};

/// Reads a value that an earlier stage wrote.
///
/// # Errors
/// The file does not exist, or is not what it should be.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StageError> {
    let bytes = read_at_most(path, MOST_OF_A_NOTE)
        .map_err(|source| StageError::io("read", path, source))?;
    serde_json::from_slice(&bytes).map_err(|source| StageError::Json {
        path: path.to_owned(),
        source,
    })
}

/// Writes a value for later stages, or a fold from which a killed run continues, completely or not at all. A number that JSON
/// cannot hold is an error here, not only when the file is read.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), StageError> {
    let json = |source| StageError::Json {
        path: path.to_owned(),
        source,
    };
    let bytes = finite_json(value).map_err(json)?;
    atomic_write(path, &bytes).map_err(|source| StageError::io("write", path, source))
}
