use std::io;
use std::path::{Path, PathBuf};

use crate::config::{NoPlace, SpecErrors};
use pdm_core::codes::Code;
use pdm_core::events::Interrupted;

/// A search did not come to its end.
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
    /// The file is there and is no journal of this search.
    #[error("`{}` is not a journal of this search, or of a later format", .0.display())]
    NotAJournal(PathBuf),
    /// No trial came to its end.
    #[error("none of {trials} trials could be scored; the first: {first}")]
    NoneComplete {
        /// How many were tried.
        trials: usize,
        /// Why the first failed.
        first: String,
    },
    /// A signal asked the search to stop.
    #[error("the search was stopped: {done} trials are done{}", most.map_or(String::new(), |most| format!(", at most {most} were asked for")))]
    Interrupted {
        /// Trials done, the file as it stands among them.
        done: usize,
        /// Trials asked for, counted alike; none for a whole grid.
        most: Option<usize>,
        /// The signal.
        source: Interrupted,
    },
    /// The chosen values have no place in the file.
    #[error("the chosen values cannot be written into the file; give them as {set}")]
    NoPlace {
        /// The values as they stand on a command line.
        set: String,
        /// Which value, and why.
        source: NoPlace,
    },
    /// The written file would not be the pipeline that was scored.
    #[error("the chosen values cannot be written into the file; give them as {set}")]
    Unlike {
        /// The values as they stand on a command line.
        set: String,
        /// What the file with the values would be told, if it would.
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
            Self::NotAJournal(_) => "--fresh begins anew and forgets it",
            Self::NoneComplete { .. } => "`pdm-ml train` tells more about the file as it stands",
            Self::Interrupted { .. } => "run the same command again: it goes on where it stopped",
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
