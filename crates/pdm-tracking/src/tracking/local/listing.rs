//! What a list of runs shows: which runs, what they learnt and how well, and what was set for them.

use jiff::Timestamp;
use serde::Serialize;

use super::{RunState, RunStore, RunSummary, Unreadable, standing};
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
    /// Only runs of these; empty: of all.
    pub status: Vec<RunStatus>,
    /// The newest so many at most.
    pub limit: Option<usize>,
}

/// The runs of a store that a filter passes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunListing {
    /// Version of this document's format.
    pub format: u32,
    /// Runs, the newest first.
    pub runs: Vec<ListedRun>,
    /// How many more pass the filter and are older than its limit.
    pub older: usize,
    /// Runs whose journal cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// A run with what its journal says of its model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedRun {
    /// The run.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// What came of it.
    #[serde(flatten)]
    pub told: RecordedModel,
}

/// What a journal says of a run's model.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RecordedModel {
    /// Kind of the model.
    pub model: Option<String>,
    /// The score that gates judge, where the run was scored.
    pub score: Option<ListedScore>,
    /// The score out of fold.
    pub score_out_of_fold: Option<ListedScore>,
    /// What the command line set, as it was written there; runs of earlier releases did not record it.
    pub set: Vec<String>,
    /// The registered version it made or found again, such as `turbofan/3`.
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
    /// Lists runs with what their journals say of their models.
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
            let seen = match standing(&self.folder(*id)) {
                Ok(seen) if !filter.passes(&seen) => continue,
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
            match self.told(*id) {
                Ok(told) => listing.runs.push(ListedRun {
                    summary: super::store::summary(*id, &ids, seen),
                    told,
                }),
                Err(error) => listing.unreadable.push(Unreadable {
                    id: *id,
                    why: error.in_one_line(),
                }),
            }
        }
        Ok(listing)
    }

    /// Reads what a journal says of the run's model. Of the metrics, which are most of a long journal, only two are read.
    fn told(&self, id: RunId) -> Result<RecordedModel, TrackingError> {
        let (_, mut reader) = JournalReader::open(&self.folder(id).journal())?;
        let mut told = RecordedModel::default();
        let (mut judged, mut part) = (None, None);
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
                    told.model = Some(value)
                }
                Some(JournalLine::Param { key, value }) if key == "registry.url" => {
                    told.registry = Some(value)
                }
                Some(JournalLine::Tag { key, value }) if key == "judged_on" => {
                    part = part_named(&value)
                }
                Some(JournalLine::Tag { key, value }) if key == "version" => {
                    told.version = Some(value)
                }
                Some(JournalLine::Tag { key, value }) if key == SET_TAG => {
                    told.set = serde_json::from_str(&value).unwrap_or_default();
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
                    told.score_out_of_fold = Some(score);
                }
                Some(_) | None => {}
            }
        }
        told.score = judged.zip(part).map(|(value, part)| ListedScore {
            metric: METRIC,
            part,
            value,
        });
        Ok(told)
    }
}

impl RunFilter {
    fn passes(&self, seen: &RunState) -> bool {
        let of_status = self.status.is_empty() || self.status.contains(&seen.status);
        of_status
            && self
                .since
                .is_none_or(|since| seen.opening.header.started >= since)
    }
}

/// Returns the part that the tag `judged_on` names.
fn part_named(name: &str) -> Option<Part> {
    [Part::Test, Part::Holdout, Part::OutOfFold]
        .into_iter()
        .find(|part| part.to_string() == name)
}
