use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pdm_core::codes::Code;
use pdm_core::events::{Interrupted, span};

/// A program did not come to its end, or not to the one it promised.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// Something it reads is not there.
    #[error("its input `{0}` is not there")]
    Input(String),
    /// Something it reads was changed while it ran: nobody knows which of the two it read.
    #[error("its {0} changed while it ran; run it again")]
    InputChanged(String),
    /// The system did not start it.
    #[error("the program `{program}` cannot be started")]
    Start {
        /// The program, as written.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// It ended, and said that it failed.
    #[error("the program ended with {how}{}", told(.tail, .log))]
    Failed {
        /// Its exit code or signal.
        how: String,
        /// The last lines it wrote.
        tail: String,
        /// Where all of it is.
        log: PathBuf,
    },
    /// It did not end in time.
    #[error("the program ran for more than its {}{}", span(*.limit), told(.tail, .log))]
    TimedOut {
        /// Its `timeout`.
        limit: Duration,
        /// The last lines it wrote.
        tail: String,
        /// Where all of it is.
        log: PathBuf,
    },
    /// It ended well without a file it promised.
    #[error("the program ended well and made no `{output}`{}", told(.tail, .log))]
    NoOutput {
        /// The output, as written.
        output: String,
        /// The last lines it wrote.
        tail: String,
        /// Where all of it is.
        log: PathBuf,
    },
    /// It ended well and left a file it promised as it was before.
    #[error(
        "the program ended well and left `{0}` as it was before; that may be the result of other inputs"
    )]
    OldOutput(String),
    /// What it made is no file.
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
            Self::Input(_) => "paths are taken from the project's folder",
            Self::Start { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "make the file executable: `chmod +x`; or name its interpreter first"
            }
            Self::Start { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "a program with a `/` is looked for in the project's folder, any other on the PATH"
            }
            Self::TimedOut { .. } => "allow more by its `timeout`",
            Self::NoOutput { .. } => {
                "paths are taken from the project's folder, in which the program runs, too"
            }
            Self::OldOutput(_) => "let the program write all its outputs whenever it runs",
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

fn told(tail: &str, log: &Path) -> String {
    match tail {
        "" => "; it wrote nothing".to_owned(),
        tail => format!(
            "; all it wrote is in `{}`, at the end:\n{tail}",
            log.display()
        ),
    }
}
