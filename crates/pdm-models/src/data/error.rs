use std::io;
use std::path::{Path, PathBuf};

use super::install::RefusedFile;
use super::{Finding, Role, causes};
use pdm_core::codes::Code;
use pdm_core::content::Digest;

/// Data could not be read, written or installed.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file that is needed is not there.
    #[error("{role} file `{}` does not exist", path.display())]
    Missing {
        /// What the file is for.
        role: Role,
        /// Where it was looked for.
        path: PathBuf,
        /// What to do about it.
        hint: String,
    },
    /// The path leads to a directory or a device.
    #[error("`{}` is not a file", .0.display())]
    NotAFile(PathBuf),
    /// The file system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the file system answered.
        source: io::Error,
    },
    /// The path is an address of a server or a bucket.
    #[error("`{address}` is an address, and data are read from files of this machine")]
    Address {
        /// The address, without secrets.
        address: String,
    },
    /// The ending of the file name tells no format.
    #[error("`{}` ends in no known format; expected {expected}", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The endings that are known.
        expected: &'static str,
    },
    /// A file for prediction is damaged.
    #[error("unusable input: {}", told(findings, *total))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; the first of each kind.
        findings: Vec<Finding>,
        /// How many findings there are in all.
        total: u64,
    },
    /// A zip archive cannot be read.
    #[error("cannot read archive `{}`", path.display())]
    Archive {
        /// The archive; inner archives behind a `!`.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<zip::result::ZipError>,
    },
    /// An archive holds more than any copy of the data set does.
    #[error("archive `{}` is not a copy of the data set: {problem}", path.display())]
    ArchiveTooLarge {
        /// The archive.
        path: PathBuf,
        /// Which limit it breaks.
        problem: String,
    },
    /// Files carry the names of the data set, but not its contents.
    #[error("{} from `{}` differ from what NASA published: {}", count(refused.len()), from.display(), listed(refused))]
    Refused {
        /// Where they came from.
        from: PathBuf,
        /// The files, with both digests.
        refused: Vec<RefusedFile>,
    },
    /// Nothing at the source is a file of the data set.
    #[error("`{}` holds no file of the C-MAPSS data set", .0.display())]
    NothingToInstall(PathBuf),
    /// A file that somebody else made is where one is to be written.
    #[error("`{}` is there already and is not {what}; nothing was changed", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// What it would have to be to be replaced.
        what: &'static str,
    },
    /// A simulation was asked for with impossible options.
    #[error("cannot simulate: `{}` {}", .0.path, .0.message)]
    Simulate(pdm_core::domain::Problem),
}

impl DataError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Missing { .. } => Code::DataMissing,
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

    /// Returns what to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { hint, .. } => Some(hint.clone()),
            Self::Refused { .. } => {
                Some("nothing was installed; fetch the original archive, or remove these copies from the source".into())
            }
            Self::NothingToInstall(_) => {
                Some("give the folder or the .zip that holds train_FD001.txt and its siblings".into())
            }
            Self::InTheWay { .. } => Some(
                "move it away or choose another folder; `--force` of `data fetch` and `data simulate` writes over it"
                    .into(),
            ),
            Self::Simulate(problem) => problem.hint.clone(),
            Self::Address { .. } => Some(super::address::FETCH_FIRST.to_owned()),
            Self::NotAFile(_)
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

/// Returns the first cause, and how many findings have others.
fn told(findings: &[Finding], total: u64) -> String {
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
        format!(
            "{name} has sha256 {}, expected {expected}",
            found.map_or("of too large a file".into(), hex)
        )
    };
    refused.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn hex(digest: Digest) -> String {
    digest.to_string()
}
