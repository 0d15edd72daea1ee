//! Why a shared cache cannot be used.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use pdm_core::events::{Interrupted, span};

/// Why a shared cache cannot be used. The run continues without it, unless it was interrupted.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The address or the environment does not say how to reach it.
    #[error("{0}")]
    Address(String),
    /// It returned an error.
    #[error("cannot {doing} `{key}`")]
    Store {
        /// What was tried, as a verb.
        doing: &'static str,
        /// Key of the object.
        key: String,
        /// The error.
        #[source]
        source: Box<object_store::Error>,
    },
    /// It did not answer in time.
    #[error("no answer within {}", span(*.0))]
    Silent(Duration),
    /// An object in it is not what it should be.
    #[error("`{key}` {what}")]
    Refused {
        /// Key of the object.
        key: String,
        /// What is wrong with it.
        what: String,
    },
    /// A local file cannot be read or written.
    #[error("cannot use `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The system has no resources for it.
    #[error("the network cannot be used")]
    Runtime(#[source] io::Error),
    /// A signal came while waiting for an answer.
    #[error("the work was stopped")]
    Interrupted(#[from] Interrupted),
}

impl RemoteError {
    /// Returns whether another request would fail, too.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::Address(_) | Self::Store { .. } | Self::Silent(_) | Self::Runtime(_)
        )
    }

    /// Returns the error with its causes, in one line.
    pub fn in_one_line(&self) -> String {
        let causes = std::iter::successors(std::error::Error::source(self), |cause| cause.source());
        causes.fold(self.to_string(), |words, cause| {
            let cause = cause.to_string();
            if words.contains(&cause) {
                words
            } else {
                format!("{words}: {cause}")
            }
        })
    }
}
