//! Writes data files.

use std::path::{Path, PathBuf};

use super::DataError;
use pdm_core::content::atomic_write;

/// Writes a file atomically and returns its path.
pub(super) fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, DataError> {
    let path = folder.join(name);
    atomic_write(&path, bytes).map_err(DataError::io("write", &path))?;
    Ok(path)
}
