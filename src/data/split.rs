use std::collections::BTreeMap;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Schema, Trajectory, ValidDataset};
use crate::content::{Digest, digest_of};
use crate::domain::UnitId;

/// How training units are divided for cross-validation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct SplitOptions {
    /// Number of folds, at least 2. Every unit is held out once.
    pub folds: usize,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { folds: 5 }
    }
}

/// The division asks for more than the units can give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// One fold has nothing to hold out from.
    #[error("cross-validation needs at least 2 folds, not {0}")]
    TooFewFolds(usize),
    /// A fold would be empty.
    #[error("{folds} folds need at least as many training units, and there are {units}")]
    TooFewUnits {
        /// Folds asked for.
        folds: usize,
        /// Units at hand.
        units: usize,
    },
}

/// Assigns every training unit to one fold.
///
/// The map is from unit to fold, so a unit in two folds cannot be expressed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    count: usize,
    fold_of: BTreeMap<UnitId, usize>,
}

/// The only histories features and models may learn from.
///
/// Made by [`Folds::training`], which leaves the held-out units behind, and by [`ValidDataset::training`], which
/// never holds a test unit.
#[derive(Debug, Clone)]
pub struct TrainingUnits<'a> {
    schema: &'a Schema,
    units: Vec<&'a Trajectory>,
}

impl Folds {
    /// Deals the training units of a data set into folds whose sizes differ by at most one.
    ///
    /// # Errors
    /// Fewer than 2 folds, or more folds than units.
    pub fn deal(dataset: &ValidDataset, options: &SplitOptions, seed: u64) -> Result<Self, SplitError> {
        let (count, units) = (options.folds, dataset.train().len());
        if count < 2 {
            return Err(SplitError::TooFewFolds(count));
        }
        if units < count {
            return Err(SplitError::TooFewUnits { folds: count, units });
        }
        let mut order: Vec<_> = dataset.train().iter().map(|t| t.unit.clone()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        let fold_of = order.into_iter().enumerate().map(|(i, unit)| (unit, i % count)).collect();
        Ok(Self { count, fold_of })
    }

    /// Returns the number of folds.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the digest of the assignment.
    ///
    /// # Panics
    /// Never: a map of text to numbers has a JSON form.
    pub fn digest(&self) -> Digest {
        digest_of(self).expect("a map of text to numbers has a JSON form")
    }

    /// Returns the units a model that is judged on `fold` may learn from.
    pub fn training<'a>(&self, dataset: &'a ValidDataset, fold: usize) -> TrainingUnits<'a> {
        let units = dataset.train().iter().filter(|t| self.fold_of.get(&t.unit).is_some_and(|f| *f != fold));
        TrainingUnits { schema: dataset.schema(), units: units.collect() }
    }

    /// Returns the units held out in `fold`.
    pub fn held_out<'a>(&self, dataset: &'a ValidDataset, fold: usize) -> Vec<&'a Trajectory> {
        dataset.train().iter().filter(|t| self.fold_of.get(&t.unit) == Some(&fold)).collect()
    }
}

impl ValidDataset {
    /// Returns all run-to-failure units, for the final fit.
    pub fn training(&self) -> TrainingUnits<'_> {
        TrainingUnits { schema: &self.schema, units: self.train.iter().collect() }
    }
}

impl<'a> TrainingUnits<'a> {
    /// Returns the columns.
    pub fn schema(&self) -> &'a Schema {
        self.schema
    }

    /// Returns the histories, in ascending order of unit.
    pub fn units(&self) -> &[&'a Trajectory] {
        &self.units
    }
}
