//! A validated data set.

use super::{Groups, Holdout, Machines, Schema, Trajectory};
use pdm_core::content::Digest;

/// A data set that meets its expectations; only validation creates one.
///
/// Training units run to failure. Units are in ascending order, every history has a row, and all values are finite.
#[derive(Debug, Clone)]
pub struct ValidDataset {
    pub(super) name: String,
    pub(super) digest: Digest,
    pub(super) schema: Schema,
    pub(super) train: Vec<Trajectory>,
    /// Histories that do not end in failure.
    pub(super) running: Vec<Trajectory>,
    pub(super) machines: Machines,
    pub(super) test: Option<TestPart>,
    pub(super) holdout: Option<Holdout>,
    pub(super) groups: Groups,
    pub(super) suspicions: Vec<String>,
}

/// The test part: histories that stop before failure, and the truth.
#[derive(Debug, Clone)]
pub struct TestPart {
    /// Histories, in ascending order of unit.
    pub units: Vec<Trajectory>,
    /// True remaining useful life after the last row of each unit, in cycles; never capped.
    pub rul: Vec<f64>,
}

impl ValidDataset {
    /// Returns the name, such as `FD001`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the digest of the contents of all parts.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Returns the run-to-failure histories.
    pub fn train(&self) -> &[Trajectory] {
        &self.train
    }

    /// Returns the histories that do not end in failure; the remaining life at a row is at least
    /// [`Trajectory::rul_at`].
    pub fn running(&self) -> &[Trajectory] {
        &self.running
    }

    /// Returns the machine of each history.
    pub fn machines(&self) -> &Machines {
        &self.machines
    }

    /// Returns the group of each unit, if the data set is pooled.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Returns warnings of the validation for readers of scores, one sentence each.
    pub fn suspicions(&self) -> &[String] {
        &self.suspicions
    }

    /// Returns the test part, if it is installed; of a pooled data set the installed part of it.
    pub fn test(&self) -> Option<&TestPart> {
        self.test.as_ref()
    }
}
