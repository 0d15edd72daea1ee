//! Why a program of `[[stage]]` failed.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pdm_core::codes::Code;
use pdm_core::events::{Interrupted, span};

/// Why a program of `[[stage]]` failed.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// An input does not exist.
    #[error("its input `{0}` does not exist")]
    Input(String),
    /// Something it reads changed while it ran, so it is not known which content it read.
    #[error("its {0} changed while it ran; run it again")]
    InputChanged(String),
    /// The system could not start it.
    #[error("the program `{program}` cannot be started")]
    Start {
        /// The program, as written.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It ended with an error.
    #[error("the program ended with {how}{}", printed(.tail, .log))]
    Failed {
        /// Its exit code or signal.
        how: String,
        /// The last lines it wrote.
        tail: String,
        /// Where all of it is.
        log: PathBuf,
    },
    /// It did not end in time.
    #[error("the program ran longer than its timeout of {}{}", span(*.limit), printed(.tail, .log))]
    TimedOut {
        /// Its `timeout`.
        limit: Duration,
        /// The last lines it wrote.
        tail: String,
        /// Where all of it is.
        log: PathBuf,
    },
    /// It succeeded without making one of its outputs.
    #[error("the program succeeded but did not make `{output}`{}", printed(.tail, .log))]
    NoOutput {
        /// The output, as written.
        output: String,
        /// The last lines it wrote.
        tail: String,
        /// Where all of it is.
        log: PathBuf,
    },
    /// It succeeded without writing one of its outputs, which existed before.
    #[error(
        "the program succeeded but did not write `{0}`; the file from before may be the result of other inputs"
    )]
    OldOutput(String),
    /// One of its outputs is a folder.
    #[error("its output `{0}` is a folder; name the files in it")]
    NotAFile(String),
    /// A file cannot be read or written.
    #[error("cannot {doing} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A signal, a budget, or the failure of another stage stopped it.
    #[error("the work was stopped")]
    Interrupted(#[from] Interrupted),
}

impl ExecError {
    /// Returns which kind of error this is.
    pub fn code(&self) -> Code {
        match self {
            Self::Input(_) | Self::InputChanged(_) => Code::ProgramInput,
            Self::Start { .. } => Code::ProgramNotStarted,
            Self::Failed { .. } => Code::ProgramFailed,
            Self::TimedOut { .. } => Code::ProgramTimedOut,
            Self::NoOutput { .. } | Self::OldOutput(_) | Self::NotAFile(_) => Code::ProgramOutput,
            Self::Io { .. } => Code::FileAccess,
            Self::Interrupted(interrupted) => interrupted.code(),
        }
    }

    /// Returns the next step, where one is known.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Input(_) => "paths are relative to the project's folder",
            Self::Start { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "make the file executable: `chmod +x`; or name its interpreter first"
            }
            Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "a program with a `/` is searched in the project's folder, any other on the PATH"
            }
            Self::TimedOut { .. } => "allow more time: set its `timeout`",
            Self::NoOutput { .. } => {
                "paths are relative to the project's folder, and so is the folder the program runs in"
            }
            Self::OldOutput(_) => "make the program write all its outputs whenever it runs",
            _ => return None,
        })
    }

    pub(in crate::engine) fn io(
        doing: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }
}

fn printed(tail: &str, log: &Path) -> String {
    if tail.is_empty() {
        return "; it printed nothing".to_owned();
    }
    format!(
        "; its whole output is in `{}`, the last lines are:\n{tail}",
        log.display()
    )
}
