mod early_ends;

use std::collections::BTreeSet;
use std::error::Error;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

pub(super) use early_ends::RepositoryPaths;

use super::exit::Exit;
use pdm_core::codes::Code;
use pdm_core::domain::visible;
use pdm_core::events::Interrupted;
use pdm_engine::config::SpecErrors;
use pdm_engine::engine::{AgainstError, EngineError, LockError, TuneError};
use pdm_engine::pipeline::StageError;
use pdm_models::bundle::BundleError;
use pdm_models::data::{DataError, QualityReport};
use pdm_models::export::ExportError;
use pdm_models::train::TrainError;
use pdm_report::report::{self, ReportError};
use pdm_store::registry::{NameError, ReferenceError, RegistryError};
use pdm_tracking::observe::LoggedError;
use pdm_tracking::tracking::TrackingError;

/// An error for the user: its code, its text, and a hint.
pub(super) struct CliError {
    code: Code,
    cause: ErrorCause,
    hint: Option<String>,
}

enum ErrorCause {
    Error(Box<dyn Error>),
    Spec(Box<SpecErrors>),
    Data(Box<QualityReport>),
}

impl CliError {
    /// An error with this code, which determines the exit code.
    pub(super) fn new(code: Code, error: impl Into<Box<dyn Error>>) -> Self {
        Self {
            code,
            cause: ErrorCause::Error(error.into()),
            hint: None,
        }
    }

    /// A file or folder that the system refused to access.
    pub(super) fn io(action: &str, path: &Path, source: io::Error) -> Self {
        Self::new(
            Code::FileAccess,
            format!("cannot {action} `{}`: {source}", path.display()),
        )
    }

    /// A thread, a signal handler or a folder that the system refused.
    pub(super) fn resources(error: impl Into<Box<dyn Error>>) -> Self {
        Self::new(Code::Resources, error)
    }

    /// Standard output, or a result that cannot be serialized.
    pub(super) fn output(error: impl Into<Box<dyn Error>>) -> Self {
        Self::new(Code::NoOutput, error)
    }

    /// Work that was ended by a signal or a budget.
    pub(super) fn interrupted(interrupted: Interrupted) -> Self {
        Self::new(interrupted.code(), interrupted)
    }

    /// Problems in the pipeline file or its overrides.
    pub(super) fn spec(errors: SpecErrors) -> Self {
        let first = errors
            .problems()
            .first()
            .map_or(Code::BadValue, |problem| problem.code);
        Self {
            code: first,
            cause: ErrorCause::Spec(Box::new(errors)),
            hint: None,
        }
    }

    /// Data that do not meet their expectations.
    fn data(report: Box<QualityReport>) -> Self {
        Self {
            code: report.code(),
            cause: ErrorCause::Data(report),
            hint: None,
        }
    }

    /// Adds a hint.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(cut(&hint.into()));
        self
    }

    pub(super) fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        self.hint = hint.map(|hint| cut(&hint.into()));
        self
    }

    /// Returns the exit of the command.
    pub(super) fn exit(&self) -> Exit {
        self.code.into()
    }

    /// Returns the codes of all errors in it, without repetitions.
    pub(super) fn codes(&self) -> Vec<Code> {
        let mut codes = vec![self.code];
        match &self.cause {
            ErrorCause::Spec(errors) => {
                codes.extend(errors.problems().iter().map(|problem| problem.code))
            }
            ErrorCause::Data(report) => codes.extend(report.codes()),
            ErrorCause::Error(_) => {}
        }
        let mut seen = BTreeSet::new();
        codes.retain(|code| seen.insert(*code));
        codes
    }

    /// Returns the text for standard error.
    pub(super) fn render(&self, coloured: bool) -> String {
        let mark = format!("error[{}]", self.code);
        let mark = if coloured {
            format!("\u{1b}[1;31m{mark}\u{1b}[0m")
        } else {
            mark
        };
        let mut text = match &self.cause {
            ErrorCause::Spec(errors) => errors.render(coloured),
            ErrorCause::Data(report) => {
                let report = report::quality(report);
                format!(
                    "{}\n{mark}: the data do not meet their expectations",
                    visible(&report)
                )
            }
            ErrorCause::Error(error) => {
                let chain = chain(error.as_ref());
                let causes = chain
                    .iter()
                    .skip(1)
                    .map(|cause| format!("\n  caused by: {}", visible(cause)));
                format!(
                    "{mark}: {}{}",
                    visible(&chain[0]),
                    causes.collect::<String>()
                )
            }
        };
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\n  hint: {}", visible(hint)));
        }
        text
    }

    /// Returns the error in one sentence, and the hint.
    pub(super) fn in_words(&self) -> (String, Option<String>) {
        let words = match &self.cause {
            ErrorCause::Spec(errors) => {
                let problems = errors.problems();
                let first = problems.first().map_or_else(String::new, |problem| {
                    let line = problem
                        .line
                        .map(|line| format!(":{line}"))
                        .unwrap_or_default();
                    format!("{}{line}: {}", problem.file, problem.message)
                });
                let more = problems.len().saturating_sub(1) + errors.more();
                if more > 0 {
                    format!("{first} (and {more} more problems)")
                } else {
                    first
                }
            }
            ErrorCause::Data(_) => "the data do not meet their expectations".to_owned(),
            ErrorCause::Error(error) => chain(error.as_ref()).join(": "),
        };
        let of_problem = || match &self.cause {
            ErrorCause::Spec(errors) => errors
                .problems()
                .first()
                .and_then(|problem| problem.hint.clone()),
            ErrorCause::Data(_) | ErrorCause::Error(_) => None,
        };
        (words, self.hint.clone().or_else(of_problem))
    }

    /// Returns the error for a log: the headline and its causes separately, and the whole text if the headline is not enough.
    pub(super) fn for_log(&self) -> LoggedError {
        let (message, causes, detail) = match &self.cause {
            ErrorCause::Spec(_) => (
                "the pipeline has problems".to_owned(),
                None,
                Some(self.render(false)),
            ),
            ErrorCause::Data(_) => (
                "the data do not meet their expectations".to_owned(),
                None,
                Some(self.render(false)),
            ),
            ErrorCause::Error(error) => {
                let chain = chain(error.as_ref());
                let causes = chain[1..].join(": ");
                (
                    chain[0].clone(),
                    Some(causes).filter(|causes| !causes.is_empty()),
                    None,
                )
            }
        };
        LoggedError {
            code: self.code,
            message,
            causes,
            detail,
            hint: self.hint.clone(),
        }
    }

    /// Returns the error as JSON.
    pub(super) fn to_json(&self) -> Value {
        let mut object = match &self.cause {
            ErrorCause::Spec(errors) => json!({
                "message": "the pipeline has problems", "problems": errors.problems(), "more_problems": errors.more(),
            }),
            ErrorCause::Data(report) => {
                json!({ "message": "the data do not meet their expectations", "report": report::quality_json(report) })
            }
            ErrorCause::Error(error) => {
                let chain = chain(error.as_ref());
                json!({ "message": chain[0], "causes": chain[1..] })
            }
        };
        object["code"] = json!(self.code);
        object["hint"] = json!(self.hint);
        object["exit"] = json!(self.exit() as u8);
        object
    }
}

/// Longest word that is printed whole: a name from outside may have millions of characters.
const LONGEST_WORD: usize = 500;

/// Returns a text with long words shortened.
fn cut(text: &str) -> String {
    let cut = |word: &str| {
        let length = word.chars().count();
        if length <= LONGEST_WORD {
            return word.to_owned();
        }
        let begin: String = word.chars().take(LONGEST_WORD / 2).collect();
        let end: String = word.chars().skip(length - 20).collect();
        format!("{begin}…({length} characters)…{end}")
    };
    text.split_inclusive(char::is_whitespace).map(cut).collect()
}

/// Returns the text of an error and of its causes, without repetitions.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts = vec![cut(&error.to_string())];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = cut(&error.to_string());
        if texts.last().is_none_or(|last| !last.contains(&text)) {
            texts.push(text);
        }
        cause = error.source();
    }
    texts
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        if let EngineError::Tune(error) = error {
            return error.into();
        }
        if let Some(interrupted) = error.interrupted() {
            let hint = "run the same command again: finished stages and folds are kept";
            return Self::interrupted(interrupted).hint(hint);
        }
        let code = error.code();
        match error {
            EngineError::Stage { source, stage } => match *source {
                StageError::Invalid(report) => Self::data(report),
                StageError::Data(error) => error.into(),
                StageError::Bundle(error) => error.into(),
                StageError::Train(error @ TrainError::Leak { .. }) => Self::new(code, error),
                source @ StageError::Leak { .. } => {
                    let hint = source.hint();
                    Self::new(code, source).maybe_hint(hint)
                }
                source => {
                    let hint = source.hint();
                    Self::new(code, EngineError::Stage { stage, source: Box::new(source) }).maybe_hint(hint)
                }
            },
            EngineError::Exec { ref source, .. } => {
                let hint = source.hint();
                Self::new(code, error).maybe_hint(hint)
            }
            EngineError::Registry(error) => error.into(),
            EngineError::Lock(error) => error.into(),
            error @ EngineError::Busy(_) => {
                Self::new(code, error).hint("`--wait 10m` waits longer; without `--wait` there is no limit")
            }
            EngineError::Bundle(error) => error.into(),
            error @ EngineError::DataLost { .. } => Self::new(code, error).hint(
                "restore the data; or set lost_data = \"accept\" in [retrain] if units are meant to leave",
            ),
            EngineError::Budget { ref next, .. } | EngineError::OverBudget { ref next, .. } => {
                let hint = next.clone();
                Self::new(code, error).hint(hint)
            }
            error @ EngineError::Strict(_) => Self::new(code, error).hint(
                "fix the cause, or run without `--strict`; finished stages are kept, and nothing was registered or promoted",
            ),
            error => Self::new(code, error),
        }
    }
}

impl From<AgainstError> for CliError {
    fn from(error: AgainstError) -> Self {
        let code = error.code();
        match error {
            AgainstError::NoReference(_) => Self::new(code, error).hint(
                "name a run by the start of its id (`pdm-ml runs list`), a version as name@alias or name:v3 \
                 (`pdm-ml registry list`), or a bundle folder",
            ),
            AgainstError::Reference(error) => error.into(),
            AgainstError::Run(error) => error.into(),
            AgainstError::Registry(error) => error.into(),
            AgainstError::Bundle(error) => error.into(),
            AgainstError::Engine(error) => error.into(),
            AgainstError::NoScores { .. } => Self::new(code, error).hint(
                "the run ended before `evaluate`, or an older release made it without predictions: run its pipeline again",
            ),
            AgainstError::Kept { .. } => Self::new(code, error),
        }
    }
}

impl From<TuneError> for CliError {
    fn from(error: TuneError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::new(code, error).maybe_hint(hint)
    }
}

impl From<RegistryError> for CliError {
    fn from(error: RegistryError) -> Self {
        if let RegistryError::Interrupted(interrupted) = error {
            return Self::interrupted(interrupted)
                .hint("run the same command again: completed transfers are kept");
        }
        let (code, hint) = (error.code(), error.hint());
        Self::new(code, error).maybe_hint(hint)
    }
}

impl From<LockError> for CliError {
    fn from(error: LockError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::new(code, error).hint(hint)
    }
}

impl From<BundleError> for CliError {
    fn from(error: BundleError) -> Self {
        let hint = "do not use this model; `pdm-ml registry verify` checks the registry's copy";
        let (code, hint) = (error.code(), error.is_integrity().then_some(hint));
        Self::new(code, error).maybe_hint(hint)
    }
}

impl From<ExportError> for CliError {
    fn from(error: ExportError) -> Self {
        Self::new(error.code(), error)
    }
}

impl From<TrackingError> for CliError {
    fn from(error: TrackingError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::new(code, error).maybe_hint(hint)
    }
}

impl From<DataError> for CliError {
    fn from(error: DataError) -> Self {
        let (code, hint) = (error.code(), error.hint());
        Self::new(code, error).maybe_hint(hint)
    }
}

impl From<ReportError> for CliError {
    fn from(error: ReportError) -> Self {
        Self::new(error.code(), error)
    }
}

impl From<NameError> for CliError {
    fn from(error: NameError) -> Self {
        Self::new(error.code(), error)
    }
}

impl From<ReferenceError> for CliError {
    fn from(error: ReferenceError) -> Self {
        Self::new(error.code(), error)
            .hint("write name@alias or name/version, such as turbofan@champion or turbofan/3")
    }
}
