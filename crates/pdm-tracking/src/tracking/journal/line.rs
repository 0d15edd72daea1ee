//! The lines of a journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::tracking::{Number, RunId, clock};
use pdm_core::content::Digest;
use pdm_core::events::{Event, InputData};

/// The facts about a run that are known at its start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHeader {
    /// Display name; need not be unique.
    pub name: String,
    /// The pipeline file, as the user named it.
    pub pipeline: String,
    /// Experiment of the run on a server.
    pub experiment: String,
    /// Git commit of the project, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Start time.
    pub started: Timestamp,
}

impl RunHeader {
    /// Returns the header of a run that starts now.
    pub fn new(
        name: impl Into<String>,
        pipeline: impl Into<String>,
        experiment: impl Into<String>,
    ) -> Self {
        let name = name.into();
        let pipeline = pipeline.into();
        let experiment = experiment.into();
        Self {
            name,
            pipeline,
            experiment,
            commit: None,
            started: clock::now(),
        }
    }

    /// Returns this header with the project's git commit.
    #[must_use]
    pub fn commit(mut self, commit: Option<String>) -> Self {
        self.commit = commit;
        self
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunOutcome {
    /// It succeeded.
    Finished,
    /// It ended with an error.
    Failed,
    /// A signal ended it.
    Killed,
}

/// The first line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tracking) struct Opening {
    pub(in crate::tracking) format: u64,
    pub(in crate::tracking) run: RunId,
    #[serde(flatten)]
    pub(in crate::tracking) header: RunHeader,
    pub(in crate::tracking) host: String,
    pub(in crate::tracking) pid: u32,
}

impl Opening {
    /// The format this release writes and reads.
    pub(in crate::tracking) const FORMAT: u64 = 1;

    pub(in crate::tracking) fn new(run: RunId, header: RunHeader) -> Self {
        Self {
            format: Self::FORMAT,
            run,
            header,
            host: host(),
            pid: std::process::id(),
        }
    }
}

/// Returns the host name; empty on systems that do not have it in a file.
fn host() -> String {
    ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())
        .map(|name| name.trim().to_owned())
        .unwrap_or_default()
}

/// One later line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(in crate::tracking) enum JournalLine {
    Param {
        key: String,
        value: String,
    },
    Metric {
        key: String,
        step: u64,
        value: Number,
    },
    Tag {
        key: String,
        value: String,
    },
    Artifact {
        name: String,
        bytes: u64,
        digest: Digest,
    },
    PartStarted {
        part: String,
        params: Vec<(String, String)>,
    },
    PartFinished {
        part: String,
    },
    Input {
        part: String,
        data: InputData,
    },
    StageStarted {
        stage: String,
        why: String,
    },
    StageCached {
        stage: String,
        why: String,
    },
    StageFinished {
        stage: String,
        summary: String,
        elapsed_ms: u64,
    },
    Warning {
        message: String,
    },
    End {
        status: RunOutcome,
    },
}

impl JournalLine {
    /// Returns the line of an event; `None` for progress and notes, for the start of a run, which is in the opening line,
    /// and for artifacts, which get a line once they are copied.
    pub(in crate::tracking) fn of(event: &Event) -> Option<Self> {
        Some(match event.clone() {
            Event::RunStarted { .. }
            | Event::Progress { .. }
            | Event::Note { .. }
            | Event::Artifact { .. } => {
                return None;
            }
            Event::Param { key, value } => Self::Param { key, value },
            Event::Metric { key, step, value } => Self::Metric {
                key,
                step,
                value: Number(value),
            },
            Event::Tag { key, value } => Self::Tag { key, value },
            Event::PartStarted { part, params } => Self::PartStarted { part, params },
            Event::PartFinished { part } => Self::PartFinished { part },
            Event::Input { part, data } => Self::Input { part, data },
            Event::StageStarted { stage, why } => Self::StageStarted { stage, why },
            Event::StageCached { stage, why } => Self::StageCached { stage, why },
            Event::StageFinished {
                stage,
                summary,
                elapsed_ms,
            } => Self::StageFinished {
                stage,
                summary,
                elapsed_ms,
            },
            Event::Warning { message } => Self::Warning { message },
        })
    }
}

/// A line and when it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::tracking) struct Stamped {
    pub(in crate::tracking) at: Timestamp,
    #[serde(flatten)]
    pub(in crate::tracking) line: JournalLine,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Journals of format 1 stay readable: these lines are copied from one, not generated.
    #[test]
    fn format_1_is_read_and_written() {
        let lines = [
            r#"{"at":"2026-11-23T10:20:30.123Z","event":"param","key":"model.kind","value":"gbdt"}"#,
            r#"{"at":"2026-11-23T10:20:30.123Z","event":"metric","key":"loss","step":3,"value":0.25}"#,
            r#"{"at":"2026-11-23T10:20:30.123Z","event":"metric","key":"loss","step":4,"value":"NaN"}"#,
            r#"{"at":"2026-11-23T10:20:30.123Z","event":"stage_finished","stage":"train","summary":"ok","elapsed_ms":12}"#,
            r#"{"at":"2026-11-23T10:20:30.123Z","event":"part_started","part":"fold-1","params":[["fold","1"]]}"#,
            r#"{"at":"2026-11-23T10:20:30.123Z","event":"part_finished","part":"fold-1"}"#,
            concat!(
                r#"{"at":"2026-11-23T10:20:30.123Z","event":"input","part":"","data":{"name":"FD001","digest":"0f","#,
                r#""used_for":"training","source":"train_FD001.txt"}}"#
            ),
            r#"{"at":"2026-11-23T10:20:30.123Z","event":"end","status":"FINISHED"}"#,
        ];
        for line in lines {
            let read: Stamped = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), line);
        }
        let opening = concat!(
            r#"{"format":1,"run":"0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b","name":"n","pipeline":"p.toml","#,
            r#""experiment":"e","commit":"abc","started":"2026-11-23T10:20:30Z","host":"h","pid":7}"#
        );
        let read: Opening = serde_json::from_str(opening).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), opening);
    }
}
