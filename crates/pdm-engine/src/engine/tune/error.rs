//! Why a search failed.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::{NoPlace, SpecErrors};
use pdm_core::codes::Code;
use pdm_core::events::Interrupted;

/// Why a search failed.
#[derive(Debug, thiserror::Error)]
pub enum TuneError {
    /// The pipeline names nothing to search.
    #[error("the pipeline has no [tune], so there is nothing to search")]
    NothingToSearch,
    /// Another process holds the journal.
    #[error("another process is searching the same space: `{}` is locked", .0.display())]
    Busy(PathBuf),
    /// The journal cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file exists but is not a journal of this search.
    #[error("`{}` is not a journal of this search, or has a later format", .0.display())]
    NotAJournal(PathBuf),
    /// No trial could be scored.
    #[error("none of {trials} trials could be scored; the first: {first}")]
    NoneComplete {
        /// How many were tried.
        trials: usize,
        /// Why the first failed.
        first: String,
    },
    /// A signal asked the search to stop.
    #[error("the search was stopped: {done} trials are done{}", of_most(*most))]
    Interrupted {
        /// Trials done, including the file as it is.
        done: usize,
        /// Most trials asked for, including the file as it is; none for a whole grid.
        most: Option<usize>,
        /// The signal.
        source: Interrupted,
    },
    /// The chosen values have no place in the file.
    #[error("the chosen values cannot be written into the file; give them as {set}")]
    NoPlace {
        /// The values as arguments of a command.
        set: String,
        /// Which value, and why.
        source: NoPlace,
    },
    /// The written file would not be the pipeline that was scored.
    #[error("the chosen values cannot be written into the file; give them as {set}")]
    Unlike {
        /// The values as arguments of a command.
        set: String,
        /// The problems of the file with the values, where it has some.
        #[source]
        problems: Option<Box<SpecErrors>>,
    },
}

impl TuneError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::NothingToSearch => Code::NothingToSearch,
            Self::Busy(_) => Code::SearchBusy,
            Self::File { .. } => Code::FileAccess,
            Self::NotAJournal(_) => Code::NotAStudy,
            Self::NoneComplete { .. } => Code::NoTrialScored,
            Self::Interrupted { source, .. } => source.code(),
            Self::NoPlace { .. } | Self::Unlike { .. } => Code::WinnerNotWritten,
        }
    }

    /// Returns the next step, where one is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NothingToSearch => {
                "add [tune.space] with a line such as \"model.learning_rate\" = { low = 0.01, high = 0.1, log = true }"
            }
            Self::Busy(_) => "wait for it, or change the space or the seed",
            Self::NotAJournal(_) => "--fresh deletes it and starts from scratch",
            Self::NoneComplete { .. } => {
                "`pdm-ml train` shows the problem of the pipeline file in full"
            }
            Self::Interrupted { .. } => "run the same command again: it continues where it stopped",
            _ => return None,
        })
    }

    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::File {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

fn of_most(most: Option<usize>) -> String {
    match most {
        Some(most) => format!(" of at most {most}"),
        None => String::new(),
    }
}
