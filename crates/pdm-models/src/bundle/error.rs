//! Errors of writing and opening bundles.

use std::io;
use std::path::PathBuf;

use crate::models::ModelError;
use pdm_core::codes::Code;
use pdm_core::content::Digest;

/// A bundle cannot be written or must not be trusted.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// The operation, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A part of a bundle has a number that JSON cannot represent.
    #[error("`{name}` of the bundle cannot be written")]
    Unwritable {
        /// Name of the file within the bundle.
        name: &'static str,
        /// The path of the number.
        source: serde_json::Error,
    },
    /// The folder has no manifest.
    #[error("`{}` is not a bundle: it has no bundle.json", path.display())]
    NotABundle {
        /// The folder.
        path: PathBuf,
    },
    /// A file that the manifest lists is missing.
    #[error("`{}` is missing from the bundle", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file was changed after the bundle was written; it was not parsed.
    #[error("`{}` was changed: its SHA-256 is {found}, expected {expected}", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// The digest in the manifest or the registry.
        expected: Digest,
        /// The digest of the file.
        found: Digest,
    },
    /// A file with the right digest cannot be parsed.
    #[error("`{}` cannot be read as {what}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The expected content.
        what: &'static str,
        /// The cause.
        source: serde_json::Error,
    },
    /// The bundle was written by a later version of this program.
    #[error("`{}` has bundle format {found}; this program supports formats up to {known}", path.display())]
    Version {
        /// The manifest.
        path: PathBuf,
        /// Format of the manifest.
        found: u32,
        /// Newest known format.
        known: u32,
    },
    /// A file name in the manifest is outside the folder, or a required file is not listed.
    #[error("the bundle's manifest {problem}")]
    Manifest {
        /// What is wrong, as a fragment.
        problem: String,
    },
    /// A part of the bundle is inconsistent with the others, or exceeds a limit of pipelines.
    #[error("`{file}` of the bundle {problem}")]
    Unfit {
        /// Name of the file within the bundle.
        file: &'static str,
        /// What is wrong, as a fragment.
        problem: String,
    },
    /// A folder, a pipe or a device is in place of a file of the bundle.
    #[error("`{}` is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file is larger than any part of a bundle.
    #[error("`{}` has {bytes} bytes; the limit for a file of a bundle is {most}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// The weights do not belong to the model.
    #[error("the weights cannot be loaded")]
    Weights(#[from] ModelError),
}

impl BundleError {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::Io { .. } => Code::FileAccess,
            Self::Unwritable { .. } => Code::NotWritable,
            Self::NotABundle { .. } => Code::NotABundle,
            Self::Version { .. } => Code::NewerBundle,
            Self::Missing { .. }
            | Self::Digest { .. }
            | Self::Format { .. }
            | Self::Manifest { .. }
            | Self::Unfit { .. }
            | Self::NotAFile { .. }
            | Self::TooLarge { .. }
            | Self::Weights(_) => Code::BundleDamaged,
        }
    }

    /// Returns whether the bundle is damaged or was tampered with, rather than missing or unreadable.
    pub fn is_integrity(&self) -> bool {
        self.code() == Code::BundleDamaged
    }
}
