//! The errors of tracking.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::RunId;
use pdm_core::codes::Code;
use pdm_core::events::size;

/// An error while writing, reading or copying a run.
#[derive(Debug, thiserror::Error)]
pub enum TrackingError {
    /// A file of the store cannot be accessed.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// No run has an id with this prefix.
    #[error("no run in {} has an id that begins with `{prefix}`", dir.display())]
    NoSuchRun {
        /// The prefix given.
        prefix: String,
        /// Folder of the store.
        dir: PathBuf,
    },
    /// Several runs have an id with this prefix.
    #[error("the ids of {} runs begin with `{prefix}`: {}", candidates.len(), candidates.join(", "))]
    Ambiguous {
        /// The prefix given.
        prefix: String,
        /// Short ids of these runs.
        candidates: Vec<String>,
    },
    /// The first line of a journal is not an opening line.
    #[error("{} is not the journal of a run: its first line does not open a run", path.display())]
    NotAJournal {
        /// The journal.
        path: PathBuf,
    },
    /// The journal was written by a later release.
    #[error("{} has format {found}; this release reads {known}", path.display())]
    LaterFormat {
        /// The journal.
        path: PathBuf,
        /// Its format version.
        found: u64,
        /// The format version this release knows.
        known: u64,
    },
    /// An artifact's name is not a plain relative path.
    #[error("`{name}` cannot name an artifact: {why}")]
    ArtifactName {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A bucket does not accept the name of a file.
    #[error("`{name}` cannot be a key in a bucket: {why}")]
    ArtifactKey {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Another process is copying the same run.
    #[error("another process is copying run {run}")]
    Busy {
        /// The run.
        run: RunId,
    },
    /// The address is not that of a server.
    #[error("address `{url}` {why}")]
    Url {
        /// The address, without credentials.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The credentials are incomplete or cannot be sent.
    #[error("credentials: {why}")]
    Credentials {
        /// What is wrong, without the secret.
        why: String,
    },
    /// The HTTP client cannot be built.
    #[error("cannot set up HTTP")]
    Http(#[source] reqwest::Error),
    /// There was no answer.
    #[error("no answer to {method} {url}")]
    Unreachable {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
        /// The cause.
        source: reqwest::Error,
    },
    /// The server answered with an error.
    #[error("{method} {url} answered {status}{}: {message}", if code.is_empty() { String::new() } else { format!(" {code}") })]
    Refused {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
        /// HTTP status.
        status: u16,
        /// MLflow's `error_code`; empty if the answer was not MLflow's.
        code: String,
        /// The message of the server, shortened.
        message: String,
        /// The requested time until the next request.
        retry_after: Option<Duration>,
    },
    /// The answer is incomplete.
    #[error("the answer to {method} {url} was cut short")]
    CutShort {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
    },
    /// The connection broke during the answer.
    #[error("the connection broke during the answer to {method} {url}")]
    BrokenOff {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
        /// The cause.
        source: io::Error,
    },
    /// The answer is too large.
    #[error("the answer to {method} {url} has more than {}", size(*most))]
    AnswerTooLarge {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
        /// Most bytes that are read.
        most: u64,
    },
    /// The run's experiment was deleted on the server.
    #[error(
        "the experiment `{name}` was deleted on {server}; `pdm-ml track sync --restore` restores it"
    )]
    ExperimentDeleted {
        /// Name of the experiment.
        name: String,
        /// Address of the server.
        server: String,
    },
    /// An environment variable has a wrong value.
    #[error("`{name}` is `{value}`, not {expected}")]
    Setting {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// The expected value.
        expected: &'static str,
    },
    /// The server's bucket does not accept artifacts.
    #[error("artifacts in {location}: {why}")]
    Bucket {
        /// The bucket's address.
        location: String,
        /// The cause.
        why: String,
        /// Whether a retry may succeed.
        is_transient: bool,
    },
    /// The answer is not from an MLflow server.
    #[error("the answer to {method} {url} is not from an MLflow server: {excerpt}")]
    NotMlflow {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
        /// The beginning of the answer.
        excerpt: String,
    },
}

const CHECK_ADDRESS: &str = "check that mlflow_url in [tracking], or MLFLOW_TRACKING_URI, is the address of an MLflow server";

impl TrackingError {
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::File { .. } => Code::FileAccess,
            Self::NoSuchRun { .. } => Code::UnknownRun,
            Self::Ambiguous { .. } => Code::AmbiguousRun,
            Self::NotAJournal { .. } => Code::NotAJournal,
            Self::LaterFormat { .. } => Code::NewerJournal,
            Self::ArtifactName { .. } | Self::ArtifactKey { .. } => Code::ArtifactName,
            Self::Busy { .. } => Code::RunBusy,
            Self::Url { .. } => Code::ServerAddress,
            Self::Credentials { .. } => Code::Credentials,
            Self::Setting { .. } => Code::BadSetting,
            Self::Http(_) => Code::HttpSetUp,
            Self::Unreachable { .. } | Self::CutShort { .. } | Self::BrokenOff { .. } => {
                Code::ServerUnavailable
            }
            Self::AnswerTooLarge { .. } => Code::AnswerTooLarge,
            Self::ExperimentDeleted { .. } => Code::ExperimentDeleted,
            Self::Refused { .. } | Self::Bucket { .. } if self.is_transient() => {
                Code::ServerUnavailable
            }
            Self::Refused { .. } => Code::ServerRefused,
            Self::Bucket { .. } => Code::ArtifactBucket,
            Self::NotMlflow { .. } => Code::NotMlflow,
        }
    }

    /// Returns the error and its causes on one line, for a warning.
    pub fn in_one_line(&self) -> String {
        let causes = std::iter::successors(
            self.source(),
            |cause: &&(dyn std::error::Error + 'static)| (*cause).source(),
        );
        causes.fold(self.to_string(), |words, cause| format!("{words}: {cause}"))
    }

    /// Returns the hint, if there is one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchRun { .. } => Some("`pdm-ml runs list` shows the runs"),
            Self::Ambiguous { .. } => Some("give more characters of the id"),
            Self::LaterFormat { .. } => Some("use the release that wrote it, or a newer one"),
            Self::Busy { .. } => Some("try again when it is done"),
            Self::Unreachable { .. } => {
                Some("check that the server is running and the address is right")
            }
            Self::Refused {
                status: 401 | 403, ..
            } => Some(
                "check the variables named by token_env, username_env and password_env in [tracking]",
            ),
            Self::Refused {
                status: 404, code, ..
            } if code.is_empty() => Some(CHECK_ADDRESS),
            Self::NotMlflow { .. } | Self::AnswerTooLarge { .. } => Some(CHECK_ADDRESS),
            Self::ExperimentDeleted { .. } => Some("or set another `experiment` in [tracking]"),
            Self::Refused { status: 507, .. } => Some("the server's disk is full"),
            _ => None,
        }
    }

    /// Returns the time until the next request that the server asks for.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns whether a retry may succeed.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::CutShort { .. }
            | Self::BrokenOff { .. }
            | Self::Busy { .. } => true,
            Self::Bucket { is_transient, .. } => *is_transient,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}
