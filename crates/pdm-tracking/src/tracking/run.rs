//! A recorded run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::journal::{JournalLine, JournalReader, Opening, Stamped};
use super::{Number, RunHeader, RunId, RunOutcome, TrackingError};
use pdm_core::content::Digest;
use pdm_core::events::InputData;

/// A run, read from its journal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Run {
    /// Id of the run.
    pub id: RunId,
    /// Its header.
    #[serde(flatten)]
    pub header: RunHeader,
    /// Machine it ran on; empty if unknown.
    pub host: String,
    /// Process that wrote the journal.
    pub pid: u32,
    /// Its status.
    pub status: RunStatus,
    /// When it ended; for a killed run, the time of its last line.
    pub ended: Option<Timestamp>,
    /// Parameters; if there are several values, the first counts, as in MLflow.
    pub params: BTreeMap<String, String>,
    /// Metrics in the order they were logged.
    pub metrics: BTreeMap<String, Vec<MetricPoint>>,
    /// Tags; if there are several values, the last counts.
    pub tags: BTreeMap<String, String>,
    /// Files kept in the run's folder, by name.
    pub artifacts: BTreeMap<String, KeptArtifact>,
    /// Stages in the order they began.
    pub stages: Vec<StageRecord>,
    /// Folds, the final fit, and the seeds of either, in the order they began.
    pub parts: Vec<PartRecord>,
    /// Input data of the run and its parts.
    pub inputs: Vec<InputRecord>,
    /// Warnings shown to the user.
    pub warnings: Vec<String>,
    /// Lines of the journal that could not be read.
    pub skipped_lines: u64,
}

/// Status of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RunStatus {
    /// A process is writing its journal.
    Running,
    /// It succeeded.
    Finished,
    /// It ended with an error.
    Failed,
    /// A signal ended it.
    Killed,
}

impl From<RunOutcome> for RunStatus {
    fn from(outcome: RunOutcome) -> Self {
        match outcome {
            RunOutcome::Finished => Self::Finished,
            RunOutcome::Failed => Self::Failed,
            RunOutcome::Killed => Self::Killed,
        }
    }
}

impl RunStatus {
    /// Returns the name, as in MLflow, such as `FINISHED`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

/// One value of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MetricPoint {
    /// Step, such as an epoch or a boosting round.
    pub step: u64,
    /// The value.
    pub value: Number,
    /// When it was logged.
    pub at: Timestamp,
}

/// A file kept in the run's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptArtifact {
    /// Size.
    pub bytes: u64,
    /// Digest of the bytes.
    pub digest: Digest,
}

/// One stage of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageRecord {
    /// Name of the stage.
    pub stage: String,
    /// Its state.
    pub state: StageState,
    /// Why it ran or was cached.
    pub why: String,
    /// Its result; empty until it finishes.
    pub summary: String,
    /// When it began.
    pub started: Timestamp,
    /// Wall time in milliseconds, once finished.
    pub elapsed_ms: Option<u64>,
}

/// A part of a run; its metrics are those of the run that begin with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartRecord {
    /// Name, such as `fold-1/seed-2`.
    pub part: String,
    /// Its parameters.
    pub params: BTreeMap<String, String>,
    /// When it began.
    pub started: Timestamp,
    /// When it finished, if it did.
    pub finished: Option<Timestamp>,
}

/// Input data of a run or one of its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputRecord {
    /// The part; empty for the run as a whole.
    pub part: String,
    /// The data.
    #[serde(flatten)]
    pub data: InputData,
}

/// State of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// It began and has not finished.
    Started,
    /// Its outputs were in the cache.
    Cached,
    /// It finished.
    Finished,
}

impl Run {
    /// Reads a whole journal; [`super::local`] determines `status` from the lock.
    pub(super) fn read(
        opening: Opening,
        mut reader: JournalReader,
        (status, ended): (RunStatus, Option<Timestamp>),
    ) -> Result<Self, TrackingError> {
        let mut run = Self::opened(opening, status, ended);
        while let Some(line) = reader.next_line()? {
            match line {
                Some(stamped) => run.fold(stamped),
                None => run.skipped_lines += 1,
            }
        }
        Ok(run)
    }

    /// Returns the last value of each metric.
    pub fn final_metrics(&self) -> BTreeMap<&str, Number> {
        self.metrics
            .iter()
            .filter_map(|(key, points)| Some((key.as_str(), points.last()?.value)))
            .collect()
    }

    fn opened(opening: Opening, status: RunStatus, ended: Option<Timestamp>) -> Self {
        let Opening {
            run: id,
            header,
            host,
            pid,
            format: _,
        } = opening;
        Self {
            id,
            header,
            host,
            pid,
            status,
            ended,
            params: BTreeMap::new(),
            metrics: BTreeMap::new(),
            tags: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            stages: Vec::new(),
            parts: Vec::new(),
            inputs: Vec::new(),
            warnings: Vec::new(),
            skipped_lines: 0,
        }
    }

    fn fold(&mut self, Stamped { at, line }: Stamped) {
        match line {
            JournalLine::Param { key, value } => {
                self.params.entry(key).or_insert(value);
            }
            JournalLine::Metric { key, step, value } => self
                .metrics
                .entry(key)
                .or_default()
                .push(MetricPoint { step, value, at }),
            JournalLine::Tag { key, value } => {
                self.tags.insert(key, value);
            }
            JournalLine::Artifact {
                name,
                bytes,
                digest,
            } => {
                self.artifacts.insert(name, KeptArtifact { bytes, digest });
            }
            JournalLine::PartStarted { part, params } => {
                let params = params.into_iter().collect();
                self.parts.push(PartRecord {
                    part,
                    params,
                    started: at,
                    finished: None,
                });
            }
            JournalLine::PartFinished { part } => self.finish_part(&part, at),
            JournalLine::Input { part, data } => self.inputs.push(InputRecord { part, data }),
            JournalLine::StageStarted { stage, why } => {
                self.stage(stage, StageState::Started, why, at)
            }
            JournalLine::StageCached { stage, why } => {
                self.stage(stage, StageState::Cached, why, at)
            }
            JournalLine::StageFinished {
                stage,
                summary,
                elapsed_ms,
            } => self.finish_stage(&stage, summary, elapsed_ms),
            JournalLine::Warning { message } => self.warnings.push(message),
            JournalLine::End { .. } => {}
        }
    }

    fn stage(&mut self, stage: String, state: StageState, why: String, started: Timestamp) {
        self.stages.push(StageRecord {
            stage,
            state,
            why,
            summary: String::new(),
            started,
            elapsed_ms: None,
        });
    }

    fn finish_part(&mut self, name: &str, at: Timestamp) {
        if let Some(record) = self
            .parts
            .iter_mut()
            .rev()
            .find(|record| record.part == name)
        {
            record.finished = Some(at);
        }
    }

    fn finish_stage(&mut self, name: &str, summary: String, elapsed_ms: u64) {
        let begun =
            |record: &&mut StageRecord| record.stage == name && record.state == StageState::Started;
        if let Some(record) = self.stages.iter_mut().rev().find(begun) {
            record.state = StageState::Finished;
            record.summary = summary;
            record.elapsed_ms = Some(elapsed_ms);
        }
    }
}
