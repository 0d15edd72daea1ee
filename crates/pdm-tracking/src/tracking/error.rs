use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::RunId;
use pdm_core::codes::Code;
use pdm_core::events::size;

/// A run cannot be written, read or copied to a server.
#[derive(Debug, thiserror::Error)]
pub enum TrackingError {
    /// A file of the store does not obey.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, such as `read`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// No run has a name that begins so.
    #[error("no run begins with `{prefix}` in {}", dir.display())]
    NoSuchRun {
        /// What was asked for.
        prefix: String,
        /// Folder of the store.
        dir: PathBuf,
    },
    /// Several runs have names that begin so.
    #[error("`{prefix}` begins {} runs: {}", candidates.len(), candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// Short names of the runs it may mean.
        candidates: Vec<String>,
    },
    /// The first line of a journal does not open a run.
    #[error("{} does not begin with a run's opening line", path.display())]
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
    /// A bucket takes no file of that name.
    #[error("`{name}` cannot be a key in a bucket: {why}")]
    ArtifactKey {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// Another process copies the same run at this moment.
    #[error("another process is copying run {run}")]
    Busy {
        /// The run.
        run: RunId,
    },
    /// The address is not one of a server.
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
    /// No answer came.
    #[error("no answer to {method} {url}")]
    Unreachable {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
        /// What went wrong.
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
        /// MLflow's `error_code`; empty where the answer was not MLflow's.
        code: String,
        /// What the server said, shortened.
        message: String,
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The answer ended before its end.
    #[error("the answer to {method} {url} was cut short")]
    CutShort {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
    },
    /// The answer could not be read to its end.
    #[error("the answer to {method} {url} broke off")]
    BrokenOff {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
        /// What went wrong.
        source: io::Error,
    },
    /// The answer is larger than any answer of its kind.
    #[error("the answer to {method} {url} has more than {}", size(*most))]
    AnswerTooLarge {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
        /// Most bytes that are read.
        most: u64,
    },
    /// Somebody deleted the experiment that the run belongs to.
    #[error(
        "the experiment `{name}` was deleted on {server}; `pdm-ml track sync --restore` brings it back"
    )]
    ExperimentDeleted {
        /// Name of the experiment.
        name: String,
        /// Address of the server.
        server: String,
    },
    /// An environment variable holds something else than it should.
    #[error("`{name}` is `{value}`, not {expected}")]
    Setting {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A bucket the server keeps artifacts in does not take them.
    #[error("artifacts in {place}: {why}")]
    Bucket {
        /// The bucket's address.
        place: String,
        /// What went wrong.
        why: String,
        /// Whether it may go well later.
        passing: bool,
    },
    /// The answer is not what an MLflow server says.
    #[error("{method} {url} did not answer as MLflow does: {excerpt}")]
    NotMlflow {
        /// HTTP method.
        method: String,
        /// Address asked.
        url: String,
        /// The beginning of what came.
        excerpt: String,
    },
}

const IS_IT_MLFLOW: &str =
    "does mlflow_url in [tracking], or MLFLOW_TRACKING_URI, name an MLflow server?";

impl TrackingError {
    pub(super) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }

    /// Returns which kind of error this is.
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

    /// Returns the next step, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoSuchRun { .. } => Some("`pdm-ml runs list` shows the runs"),
            Self::Ambiguous { .. } => Some("write more of the id"),
            Self::LaterFormat { .. } => Some("use the release that wrote it, or a newer one"),
            Self::Busy { .. } => Some("try again when it is done"),
            Self::Unreachable { .. } => Some("is the server running, and the address right?"),
            Self::Refused {
                status: 401 | 403, ..
            } => Some(
                "check the variables named by token_env, username_env and password_env in [tracking]",
            ),
            Self::Refused {
                status: 404, code, ..
            } if code.is_empty() => Some(IS_IT_MLFLOW),
            Self::NotMlflow { .. } | Self::AnswerTooLarge { .. } => Some(IS_IT_MLFLOW),
            Self::ExperimentDeleted { .. } => Some("or name another: `experiment` in [tracking]"),
            Self::Refused { status: 507, .. } => Some("the server's disk is full"),
            _ => None,
        }
    }

    /// Returns how long the server asks to be left alone.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::CutShort { .. }
            | Self::BrokenOff { .. }
            | Self::Busy { .. } => true,
            Self::Bucket { passing, .. } => *passing,
            Self::Refused { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}
