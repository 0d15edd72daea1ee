//! Lists runs with their models, scores and settings.

use jiff::Timestamp;
use serde::Serialize;

use super::{RunState, RunStore, RunSummary, Unreadable, read_state};
use crate::tracking::journal::{JournalLine, JournalReader};
use crate::tracking::{RunId, RunStatus, SET_TAG, TrackingError};
use pdm_core::scoring::{Metric, Part};

/// The metric a list shows.
const METRIC: Metric = Metric::Rmse;

/// Which runs are listed.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only runs that began at this time or later.
    pub since: Option<Timestamp>,
    /// Only runs with these statuses; if empty, all.
    pub status: Vec<RunStatus>,
    /// At most this number of newest runs.
    pub limit: Option<usize>,
}

/// The runs of a store that match a filter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunListing {
    /// Version of this document's format.
    pub format: u32,
    /// Runs, newest first.
    pub runs: Vec<ListedRun>,
    /// Number of older runs that match, beyond the limit.
    pub older: usize,
    /// Runs whose journal cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A run and its model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedRun {
    /// The run.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// Its model.
    #[serde(flatten)]
    pub model: RecordedModel,
}

/// The model of a run, as recorded in its journal.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RecordedModel {
    /// Kind of the model.
    pub model: Option<String>,
    /// The score that gates judge, if the run was scored.
    pub score: Option<ListedScore>,
    /// The score out of fold.
    pub score_out_of_fold: Option<ListedScore>,
    /// The settings of the command line, as written there; runs of earlier releases did not record them.
    pub set: Vec<String>,
    /// The registered version that it created or that was the same, such as `turbofan/3`.
    pub version: Option<String>,
    /// The registry of its pipeline.
    pub registry: Option<String>,
}

/// One score of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ListedScore {
    /// What was measured.
    pub metric: Metric,
    /// On which part.
    pub part: Part,
    /// The value.
    pub value: f64,
}

impl RunStore {
    /// Lists runs with their models.
    ///
    /// # Errors
    /// [`TrackingError::File`] where the folder cannot be read.
    pub fn listed(&self, filter: &RunFilter) -> Result<RunListing, TrackingError> {
        let ids = self.ids()?;
        let mut listing = RunListing {
            format: 1,
            runs: Vec::new(),
            older: 0,
            unreadable: Vec::new(),
        };
        for id in ids.iter().rev() {
            let seen = match read_state(&self.folder(*id)) {
                Ok(seen) if !filter.matches(&seen) => continue,
                Ok(_)
                    if filter
                        .limit
                        .is_some_and(|limit| listing.runs.len() >= limit) =>
                {
                    listing.older += 1;
                    continue;
                }
                Ok(seen) => seen,
                Err(error) => {
                    listing.unreadable.push(Unreadable {
                        id: *id,
                        why: error.in_one_line(),
                    });
                    continue;
                }
            };
            match self.recorded_model(*id) {
                Ok(model) => listing.runs.push(ListedRun {
                    summary: super::store::summary(*id, &ids, seen),
                    model,
                }),
                Err(error) => listing.unreadable.push(Unreadable {
                    id: *id,
                    why: error.in_one_line(),
                }),
            }
        }
        Ok(listing)
    }

    /// Reads the model of a run from its journal. Of the metrics, which are most of a long journal, only two are parsed.
    fn recorded_model(&self, id: RunId) -> Result<RecordedModel, TrackingError> {
        let (_, mut reader) = JournalReader::open(&self.folder(id).journal())?;
        let mut recorded = RecordedModel::default();
        let mut judged = None;
        let mut part = None;
        let [judged_key, out_of_fold_key] =
            ["judged", "out_of_fold"].map(|part| format!("{part}/{METRIC}"));
        let wanted = |line: &str| {
            !line.contains(r#""event":"metric""#)
                || line.contains(&judged_key)
                || line.contains(&out_of_fold_key)
        };
        while let Some(line) = reader.next_line_where(wanted)? {
            match line.map(|stamped| stamped.line) {
                Some(JournalLine::Param { key, value }) if key == "model.kind" => {
                    recorded.model = Some(value)
                }
                Some(JournalLine::Param { key, value }) if key == "registry.url" => {
                    recorded.registry = Some(value)
                }
                Some(JournalLine::Tag { key, value }) if key == "judged_on" => {
                    part = part_named(&value)
                }
                Some(JournalLine::Tag { key, value }) if key == "version" => {
                    recorded.version = Some(value)
                }
                Some(JournalLine::Tag { key, value }) if key == SET_TAG => {
                    recorded.set = serde_json::from_str(&value).unwrap_or_default();
                }
                Some(JournalLine::Metric { key, value, .. }) if key == judged_key => {
                    judged = Some(value.0)
                }
                Some(JournalLine::Metric { key, value, .. }) if key == out_of_fold_key => {
                    let score = ListedScore {
                        metric: METRIC,
                        part: Part::OutOfFold,
                        value: value.0,
                    };
                    recorded.score_out_of_fold = Some(score);
                }
                Some(
                    JournalLine::Param { .. }
                    | JournalLine::Metric { .. }
                    | JournalLine::Tag { .. }
                    | JournalLine::Artifact { .. }
                    | JournalLine::PartStarted { .. }
                    | JournalLine::PartFinished { .. }
                    | JournalLine::Input { .. }
                    | JournalLine::StageStarted { .. }
                    | JournalLine::StageCached { .. }
                    | JournalLine::StageFinished { .. }
                    | JournalLine::Warning { .. }
                    | JournalLine::End { .. },
                )
                | None => {}
            }
        }
        recorded.score = judged.zip(part).map(|(value, part)| ListedScore {
            metric: METRIC,
            part,
            value,
        });
        Ok(recorded)
    }
}

impl RunFilter {
    fn matches(&self, seen: &RunState) -> bool {
        let of_status = self.status.is_empty() || self.status.contains(&seen.status);
        of_status
            && self
                .since
                .is_none_or(|since| seen.opening.header.started >= since)
    }
}

/// Returns the part in the tag `judged_on`.
fn part_named(name: &str) -> Option<Part> {
    [Part::Test, Part::Holdout, Part::OutOfFold]
        .into_iter()
        .find(|part| part.to_string() == name)
}
