//! Why the cache cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

use pdm_core::codes::Code;
use pdm_core::events::Interrupted;

/// Why the cache cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// A signal came while waiting for another process.
    #[error("the work was stopped")]
    Interrupted(#[from] Interrupted),
    /// The file system returned an error.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A stage left something that is neither a file nor a folder.
    #[error("`{}` is neither a file nor a folder, so it cannot be cached", .0.display())]
    NotAFile(PathBuf),
    /// A stage left a file whose name is not UTF-8.
    #[error("the file name `{}` is not UTF-8", .0.display())]
    NotUtf8(PathBuf),
    /// The entry cannot be written as JSON.
    #[error("the cache entry cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

impl CacheError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Interrupted(interrupted) => interrupted.code(),
            Self::Io { .. } => Code::FileAccess,
            Self::NotAFile(_) | Self::NotUtf8(_) | Self::Json(_) => Code::CacheEntry,
        }
    }
}

/// Adds to an I/O error what was tried, and where.
pub(super) trait At<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, CacheError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, CacheError> {
        self.map_err(|source| CacheError::Io {
            doing,
            path: path.to_owned(),
            source,
        })
    }
}

/// Removes a folder, if it exists.
pub(super) fn remove_folder(path: &Path) -> Result<(), CacheError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).at("remove", path),
        _ => Ok(()),
    }
}
