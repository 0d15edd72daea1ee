//! Errors of reading, writing and installing data.

use std::io;
use std::path::{Path, PathBuf};

use super::install::RefusedFile;
use super::{Finding, Role, causes};
use pdm_core::codes::Code;

/// An error while reading, writing or installing data.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A required file does not exist.
    #[error("{role} file `{}` does not exist", path.display())]
    Missing {
        /// What the file is for.
        role: Role,
        /// Its expected path.
        path: PathBuf,
        /// How to get it.
        hint: String,
    },
    /// The path is a directory or a device.
    #[error("`{}` is not a file", .0.display())]
    NotAFile(PathBuf),
    /// A folder or a pattern stands for no table.
    #[error("no table is found at `{}`: the data are files that end in .csv, .tsv or .parquet, also with .gz or .zst", .0.display())]
    NoTables(PathBuf),
    /// A file operation failed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// The operation, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the file system.
        source: io::Error,
    },
    /// The path is an address of a server or a bucket.
    #[error("`{address}` is an address; data are read from local files only")]
    Address {
        /// The address, without secrets.
        address: String,
    },
    /// The file extension is unknown.
    #[error("`{}` has an unknown extension; expected {expected}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The known extensions.
        expected: &'static str,
    },
    /// A file for prediction is damaged.
    #[error("unusable input: {}", summary(findings, *total))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The first findings of each kind.
        findings: Vec<Finding>,
        /// Number of all findings.
        total: u64,
    },
    /// A zip archive cannot be read.
    #[error("cannot read archive `{}`", path.display())]
    Archive {
        /// The archive; nested archives follow a `!`.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<zip::result::ZipError>,
    },
    /// An archive is larger than any copy of the data set.
    #[error("archive `{}` is not a copy of the data set: {problem}", path.display())]
    ArchiveTooLarge {
        /// The archive.
        path: PathBuf,
        /// The limit that it exceeds.
        problem: String,
    },
    /// Files have names of the data set, but other contents.
    #[error("`{}` has {} with other contents than NASA published: {}", from.display(), count(refused.len()), listed(refused))]
    Refused {
        /// Where they came from.
        from: PathBuf,
        /// The files, with both digests.
        refused: Vec<RefusedFile>,
    },
    /// The source contains no file of the data set.
    #[error("`{}` contains no file of the C-MAPSS data set", .0.display())]
    NothingToInstall(PathBuf),
    /// A file would overwrite one that this program did not write.
    #[error("`{}` already exists and is not {what}; nothing was changed", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// What it would have to be in order to be replaced.
        what: &'static str,
    },
    /// The options of a simulation are invalid.
    #[error("cannot simulate: `{}` {}", .0.path, .0.message)]
    Simulate(pdm_core::domain::Problem),
}

impl DataError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing { .. } | Self::NoTables(_) => Code::DataMissing,
            Self::NotAFile(_) => Code::NotADataFile,
            Self::Io { .. } => Code::FileAccess,
            Self::Address { .. } => Code::DataAddress,
            Self::UnknownFormat { .. } => Code::UnknownDataFormat,
            Self::Invalid { findings, .. } => findings
                .first()
                .map_or(Code::DataInvalid, |finding| finding.expectation.code()),
            Self::Archive { .. } | Self::ArchiveTooLarge { .. } => Code::Archive,
            Self::Refused { .. } => Code::NotPublished,
            Self::NothingToInstall(_) => Code::NothingToInstall,
            Self::InTheWay { .. } => Code::WouldOverwrite,
            Self::Simulate(problem) => problem.code,
        }
    }

    /// Returns what to do about the error, if known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { hint, .. } => Some(hint.clone()),
            Self::Refused { .. } => {
                Some("nothing was installed; fetch the original archive, or remove these copies from the source".into())
            }
            Self::NothingToInstall(_) => {
                Some("give the folder or the .zip with train_FD001.txt and the other files".into())
            }
            Self::InTheWay { .. } => Some(
                "move it or choose another folder; `--force` of `data fetch` and `data simulate` overwrites it"
                    .into(),
            ),
            Self::Simulate(problem) => problem.hint.clone(),
            Self::Address { .. } => Some(super::address::FETCH_FIRST.to_owned()),
            Self::NotAFile(_)
            | Self::NoTables(_)
            | Self::Io { .. }
            | Self::UnknownFormat { .. }
            | Self::Invalid { .. }
            | Self::Archive { .. }
            | Self::ArchiveTooLarge { .. } => None,
        }
    }

    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Returns the first cause and the number of findings with other causes.
fn summary(findings: &[Finding], total: u64) -> String {
    let causes = causes(findings);
    let Some(first) = causes.first() else {
        return String::new();
    };
    let others = total.saturating_sub(first.count);
    if others > 0 {
        format!("{first} (and {others} more)")
    } else {
        first.to_string()
    }
}

fn count(files: usize) -> String {
    if files == 1 {
        "1 file".to_owned()
    } else {
        format!("{files} files")
    }
}

fn listed(refused: &[RefusedFile]) -> String {
    let one = |file: &RefusedFile| {
        let RefusedFile {
            name,
            expected,
            found,
            ..
        } = file;
        match found {
            Some(found) => format!("{name} has sha256 {found}, expected {expected}"),
            None => format!("{name} is too large, expected sha256 {expected}"),
        }
    };
    refused.iter().map(one).collect::<Vec<_>>().join("; ")
}
