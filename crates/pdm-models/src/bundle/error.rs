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
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A part of a bundle holds a number that JSON cannot hold, so it could not be read again.
    #[error("`{name}` of the bundle cannot be written")]
    Unwritable {
        /// Name of the file within the bundle.
        name: &'static str,
        /// Which number it is.
        source: serde_json::Error,
    },
    /// The folder holds no manifest.
    #[error("`{}` is not a bundle: it has no bundle.json", path.display())]
    NotABundle {
        /// The folder.
        path: PathBuf,
    },
    /// A file the manifest lists is gone.
    #[error("`{}` is missing from the bundle", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file differs from what was assembled; it was not parsed.
    #[error("`{}` was changed: its SHA-256 is {found}, the bundle says {expected}", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// What the manifest or the registry says.
        expected: Digest,
        /// What the file has.
        found: Digest,
    },
    /// A file with the right digest cannot be understood.
    #[error("`{}` cannot be read as {what}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it should be.
        what: &'static str,
        /// Why not.
        source: serde_json::Error,
    },
    /// The bundle was written by a later version of this program.
    #[error("`{}` has bundle format {found}; this program knows up to {known}", path.display())]
    Version {
        /// The manifest.
        path: PathBuf,
        /// Format of the manifest.
        found: u32,
        /// Newest known format.
        known: u32,
    },
    /// A file name in the manifest leaves the folder, or a needed file is not listed.
    #[error("the bundle's manifest {problem}")]
    Manifest {
        /// What is wrong, as a fragment.
        problem: String,
    },
    /// A part of the bundle does not fit the others, or breaks a limit that every pipeline keeps.
    #[error("`{file}` of the bundle {problem}")]
    Unfit {
        /// Name of the file within the bundle.
        file: &'static str,
        /// What is wrong, as a fragment.
        problem: String,
    },
    /// A folder, a pipe or a device stands where a file of the bundle belongs.
    #[error("`{}` is not a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// A file is larger than any part of a bundle.
    #[error("`{}` has {bytes} bytes, and a part of a bundle has at most {most}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// The largest that is read.
        most: u64,
    },
    /// The weights do not belong to the model.
    #[error("the weights cannot be loaded")]
    Weights(#[from] ModelError),
}

impl BundleError {
    /// Returns which kind of error this is.
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
