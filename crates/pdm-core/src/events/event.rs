//! Events of a run.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::redact;
use crate::domain::redact::{HIDDEN, names_a_secret};

/// An event of a running pipeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A recorded run begins; earlier events belong to no run.
    RunStarted {
        /// Id of the run.
        run: String,
    },
    /// A stage begins to compute; `why` is the part of its cache key that changed.
    StageStarted {
        /// Name of the stage.
        stage: String,
        /// Reason, as a fragment.
        why: String,
    },
    /// A stage's outputs were found in the cache.
    StageCached {
        /// Name of the stage.
        stage: String,
        /// Reason, as a fragment.
        why: String,
    },
    /// A stage succeeded.
    StageFinished {
        /// Name of the stage.
        stage: String,
        /// The result, as a fragment.
        summary: String,
        /// Wall time in milliseconds.
        elapsed_ms: u64,
    },
    /// Part of a long task is done; it ends with `done == total`.
    Progress {
        /// Name of the task, stable while it runs.
        task: String,
        /// Steps done.
        done: u64,
        /// Total number of steps.
        total: u64,
        /// The newest figure worth showing, such as a loss; may be empty.
        note: String,
    },
    /// A parameter of the run.
    Param {
        /// Dotted key path.
        key: String,
        /// Value as text.
        value: String,
    },
    /// A number logged during the work.
    Metric {
        /// Slash-separated name.
        key: String,
        /// Step, such as an epoch or a boosting round.
        step: u64,
        /// The number.
        value: f64,
    },
    /// A label of the run.
    Tag {
        /// Name.
        key: String,
        /// Value.
        value: String,
    },
    /// A part of a fit with a record of its own begins: a fold, the final fit, or one seed of either.
    PartStarted {
        /// Slash-separated name, such as `fold-1/seed-2`; the metrics of the part begin with it.
        part: String,
        /// Its parameters.
        params: Vec<(String, String)>,
    },
    /// A part of a fit succeeded.
    PartFinished {
        /// Its name, as in [`Self::PartStarted`].
        part: String,
    },
    /// Input data of the run or of one part.
    Input {
        /// The part; empty for the run as a whole.
        part: String,
        /// The data.
        data: InputData,
    },
    /// A file that belongs to the run.
    Artifact {
        /// Slash-separated name within the run.
        name: String,
        /// The path of the file.
        path: PathBuf,
    },
    /// Information for the user, such as where a resumed run continues.
    Note {
        /// One sentence without a period.
        message: String,
    },
    /// A warning for the user; the work continues.
    Warning {
        /// One sentence without a period.
        message: String,
    },
}

impl Event {
    /// Returns this event without the secrets in its texts.
    #[must_use]
    pub(super) fn redacted(self) -> Self {
        match self {
            Self::StageStarted { stage, why } => Self::StageStarted {
                stage,
                why: clean(why),
            },
            Self::StageCached { stage, why } => Self::StageCached {
                stage,
                why: clean(why),
            },
            Self::StageFinished {
                stage,
                summary,
                elapsed_ms,
            } => Self::StageFinished {
                stage,
                summary: clean(summary),
                elapsed_ms,
            },
            Self::Param { key, value } => Self::Param {
                value: clean_value(&key, value),
                key,
            },
            Self::Tag { key, value } => Self::Tag {
                value: clean_value(&key, value),
                key,
            },
            Self::PartStarted { part, params } => {
                let params = params
                    .into_iter()
                    .map(|(key, value)| (key, clean(value)))
                    .collect();
                Self::PartStarted { part, params }
            }
            Self::Input { part, data } => Self::Input {
                part,
                data: InputData {
                    source: clean(data.source),
                    ..data
                },
            },
            Self::Note { message } => Self::Note {
                message: clean(message),
            },
            Self::Warning { message } => Self::Warning {
                message: clean(message),
            },
            // Frequent events with numbers and names only.
            Self::RunStarted { .. }
            | Self::Progress { .. }
            | Self::Metric { .. }
            | Self::PartFinished { .. }
            | Self::Artifact { .. } => self,
        }
    }
}

fn clean(text: String) -> String {
    match redact(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(shown) => shown,
    }
}

/// Returns a value without secrets, which its name may indicate.
fn clean_value(key: &str, value: String) -> String {
    if names_a_secret(key) && !value.is_empty() && !value.starts_with('{') {
        HIDDEN.to_owned()
    } else {
        clean(value)
    }
}

/// Data for training or evaluation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputData {
    /// Name, such as `FD001`.
    pub name: String,
    /// SHA-256 of the contents, in hexadecimal digits.
    pub digest: String,
    /// The purpose.
    pub used_for: UsedFor,
    /// The source, such as a file name.
    pub source: String,
}

/// The purpose of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsedFor {
    /// A model is trained on them.
    Training,
    /// A model is evaluated on them during training.
    Validation,
    /// The finished model is evaluated on them.
    Test,
}

impl UsedFor {
    /// Returns the word, such as `training`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}
