//! Why a pipeline cannot be resolved.

use std::io;
use std::path::Path;

use thiserror::Error;

use super::environment::NOW;
use super::find::NO_FILE;
use pdm_core::codes::Code;
use pdm_core::events::size;
use pdm_engine::config::{MOST_OF_A_PIPELINE, SpecErrors};

/// Why there is no pipeline to work with.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The current folder no longer exists.
    #[error(transparent)]
    CurrentFolder(io::Error),
    /// A variable that sets a key of the pipeline cannot be read.
    #[error("`{name}` is not valid text")]
    VariableNotText {
        /// Its name.
        name: String,
    },
    /// The time to act at cannot be read.
    #[error("{NOW} is `{text}`, which is not a time: {why}")]
    NotATime {
        /// What the variable holds.
        text: String,
        /// Why it is not a time.
        why: jiff::Error,
    },
    /// The pipeline file cannot be read.
    #[error("cannot read `{label}`: {why}")]
    Unread {
        /// The file as the user named it.
        label: String,
        /// The error of the system.
        why: io::Error,
    },
    /// The pipeline file is larger than any pipeline.
    #[error("`{label}` has more than {}", size(MOST_OF_A_PIPELINE))]
    TooLarge {
        /// The file as the user named it.
        label: String,
    },
    /// The pipeline file is not UTF-8.
    #[error("`{label}` is not UTF-8 text: {found}")]
    NotUtf8 {
        /// The file as the user named it.
        label: String,
        /// What it is instead.
        found: String,
    },
    /// The pipeline has problems.
    #[error(transparent)]
    Spec(Box<SpecErrors>),
    /// The command needs a pipeline file, and there is none.
    #[error("{NO_FILE}, and this command needs one")]
    NoFile,
    /// The built-in pipeline would write into a registry that a variable names.
    #[error(
        "{NO_FILE}, and the model of the built-in pipeline is not written to the registry that {variable} names"
    )]
    ForeignRegistry {
        /// The variable.
        variable: String,
    },
}

impl SettingsError {
    /// Returns the kind of error.
    pub fn code(&self) -> Code {
        match self {
            Self::CurrentFolder(_) => Code::Resources,
            Self::VariableNotText { .. } | Self::NotATime { .. } => Code::VariableValue,
            Self::Unread { .. } => Code::NoPipeline,
            Self::TooLarge { .. } => Code::PipelineTooLarge,
            Self::NotUtf8 { .. } => Code::NotText,
            Self::Spec(errors) => errors
                .problems()
                .first()
                .map_or(Code::BadValue, |problem| problem.code),
            Self::NoFile | Self::ForeignRegistry { .. } => Code::NeedsPipelineFile,
        }
    }

    /// Returns what to do next, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::CurrentFolder(_)
            | Self::VariableNotText { .. }
            | Self::NotATime { .. }
            | Self::Spec(_) => None,
            Self::Unread { label, why } => Some(hint_of_unread(label, why)),
            Self::TooLarge { .. } => Some(
                "check the file name; data belong in separate files that the pipeline names"
                    .to_owned(),
            ),
            Self::NotUtf8 { .. } => Some("save it as UTF-8 in your editor".to_owned()),
            Self::NoFile => Some(
                "name the pipeline file, change to the project folder, or create one with `pdm-ml init`"
                    .to_owned(),
            ),
            Self::ForeignRegistry { variable } => Some(format!(
                "name your pipeline file; or, to try the built-in pipeline, unset {variable} or pass `--set registry.url=…`"
            )),
        }
    }
}

fn hint_of_unread(label: &str, why: &io::Error) -> String {
    let template = Path::new(label)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let is_template = ["fd001", "fd002", "fd003", "fd004"].contains(&template);
    if is_template && why.kind() == io::ErrorKind::NotFound {
        return format!("`pdm-ml init --template {template}` writes it");
    }
    "check the path, or create a pipeline file with `pdm-ml init`".to_owned()
}
