use std::path::PathBuf;

use serde::Serialize;

/// One thing that happened while a pipeline ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A stage begins to compute; `why` says which part of its cache key changed.
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
    /// A stage ended well.
    StageFinished {
        /// Name of the stage.
        stage: String,
        /// What came of it, as a fragment.
        summary: String,
        /// Wall time in milliseconds.
        elapsed_ms: u64,
    },
    /// Part of a long task is done; `done == total` ends it.
    Progress {
        /// Name of the task, stable while it runs.
        task: String,
        /// Steps done.
        done: u64,
        /// Steps in all.
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
    /// A file that belongs to the run.
    Artifact {
        /// Slash-separated name within the run.
        name: String,
        /// Where the file lies now.
        path: PathBuf,
    },
    /// Something the user may like to know, such as where a resumed run goes on.
    Note {
        /// One sentence without a period.
        message: String,
    },
    /// Something the user should know, though the work goes on.
    Warning {
        /// One sentence without a period.
        message: String,
    },
}
