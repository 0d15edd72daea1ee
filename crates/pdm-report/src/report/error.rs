//! The errors of reports.

use std::io;
use std::path::{Path, PathBuf};

use polars::error::PolarsError;

use pdm_core::codes::Code;

/// A table cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file's name ends in neither `.csv` nor `.parquet`.
    #[error("`{}` ends in neither .csv nor .parquet, so the format is unknown", .0.display())]
    UnknownFormat(PathBuf),
    /// The file cannot be written.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file could not be written; [`ReportError::Write`] adds the path.
    #[error("cannot write the file")]
    Io(#[from] io::Error),
    /// The table cannot be encoded.
    #[error("cannot encode the table")]
    Encode(#[from] PolarsError),
}

impl ReportError {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownFormat(_) => Code::UnknownTableFormat,
            Self::Write { .. } | Self::Io(_) => Code::FileAccess,
            Self::Encode(_) => Code::TableNotWritten,
        }
    }

    /// Adds the path to an error of the file system.
    pub(super) fn at(self, path: &Path) -> Self {
        match self {
            Self::Io(source) => Self::Write {
                path: path.to_owned(),
                source,
            },
            other => other,
        }
    }
}
