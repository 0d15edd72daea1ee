//! Assigns training units to the folds of cross-validation.

use std::collections::{BTreeMap, BTreeSet};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{HoldoutOptions, Schema, Trajectory, ValidDataset};
use pdm_core::codes::Code;
use pdm_core::content::{Digest, digest_of};
use pdm_core::domain::{Problem, UnitId};

/// How training units are split for cross-validation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct SplitOptions {
    /// Number of folds, at least 2. Every unit is held out once.
    pub folds: usize,
    /// Units that are never used for training, to judge models if there is no test part; absent means none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holdout: Option<HoldoutOptions>,
}

impl SplitOptions {
    /// Returns what is out of range.
    pub fn problems(&self) -> Vec<Problem> {
        let folds = self.folds;
        let too_few = (folds < 2)
            .then(|| Problem::new("folds", format!("is {folds}, and must be at least 2")));
        let holdout = self.holdout.iter().flat_map(HoldoutOptions::problems);
        too_few
            .into_iter()
            .chain(holdout.map(|problem| problem.within("holdout")))
            .collect()
    }
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self {
            folds: 5,
            holdout: None,
        }
    }
}

/// There are too few units for the folds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A single fold would leave nothing to train on.
    #[error("cross-validation needs at least 2 folds, not {0}")]
    TooFewFolds(usize),
    /// A fold would be empty.
    #[error("{folds} folds need at least {folds} training units, but there are {units}")]
    TooFewUnits {
        /// Requested folds.
        folds: usize,
        /// Available units.
        units: usize,
    },
}

impl SplitError {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::TooFewFolds(_) | Self::TooFewUnits { .. } => Code::TooFewUnitsToSplit,
        }
    }
}

/// Assigns every training unit to one fold.
///
/// The map is from unit to fold, so no unit can be in two folds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    count: usize,
    fold_of: BTreeMap<UnitId, usize>,
}

/// The only histories that features and models may learn from.
///
/// Made by [`Folds::training`], which leaves out the held-out units, and by [`ValidDataset::training`], which never
/// includes a unit of the test part or of the holdout.
#[derive(Debug, Clone)]
pub struct TrainingUnits<'a> {
    schema: &'a Schema,
    units: Vec<&'a Trajectory>,
    running: Vec<&'a Trajectory>,
}

impl Folds {
    /// Assigns the training units of a data set to folds whose sizes differ by at most one, also within each group.
    ///
    /// # Errors
    /// Fewer than 2 folds, or more folds than units.
    pub fn assign(
        dataset: &ValidDataset,
        options: &SplitOptions,
        seed: u64,
    ) -> Result<Self, SplitError> {
        let count = options.folds;
        let machines = machines_of(dataset);
        let units = machines.len();
        if count < 2 {
            return Err(SplitError::TooFewFolds(count));
        }
        if units < count {
            return Err(SplitError::TooFewUnits {
                folds: count,
                units,
            });
        }
        let mut order = machines;
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
        order.sort_by(|a, b| dataset.groups().of(a).cmp(&dataset.groups().of(b)));
        let fold_of_machine: BTreeMap<UnitId, usize> = order
            .into_iter()
            .enumerate()
            .map(|(i, machine)| (machine, i % count))
            .collect();
        let units = dataset.train().iter().map(|history| &history.unit);
        let fold_of = units
            .map(|unit| (unit.clone(), fold_of_machine[dataset.machines().of(unit)]))
            .collect();
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

    /// Returns the units that a model judged on `fold` may learn from.
    pub fn training<'a>(&self, dataset: &'a ValidDataset, fold: usize) -> TrainingUnits<'a> {
        let units = dataset
            .train()
            .iter()
            .filter(|t| self.fold_of.get(&t.unit).is_some_and(|f| *f != fold));
        let held_out: BTreeSet<&UnitId> = self
            .held_out(dataset, fold)
            .into_iter()
            .map(|history| dataset.machines().of(&history.unit))
            .collect();
        let running = dataset
            .running()
            .iter()
            .filter(|history| !held_out.contains(dataset.machines().of(&history.unit)));
        TrainingUnits {
            schema: dataset.schema(),
            units: units.collect(),
            running: running.collect(),
        }
    }

    /// Returns the units held out in `fold`.
    pub fn held_out<'a>(&self, dataset: &'a ValidDataset, fold: usize) -> Vec<&'a Trajectory> {
        dataset
            .train()
            .iter()
            .filter(|t| self.fold_of.get(&t.unit) == Some(&fold))
            .collect()
    }
}

impl ValidDataset {
    /// Returns all run-to-failure units that are not held back, for the final fit.
    pub fn training(&self) -> TrainingUnits<'_> {
        TrainingUnits {
            schema: &self.schema,
            units: self.train.iter().collect(),
            running: self.running.iter().collect(),
        }
    }
}

/// Returns the machines of the training units, each once, in ascending order of unit.
fn machines_of(dataset: &ValidDataset) -> Vec<UnitId> {
    let mut seen = BTreeSet::new();
    let machines = dataset
        .train()
        .iter()
        .map(|history| dataset.machines().of(&history.unit));
    machines
        .filter(|machine| seen.insert(*machine))
        .cloned()
        .collect()
}

impl<'a> TrainingUnits<'a> {
    /// Returns the columns.
    pub fn schema(&self) -> &'a Schema {
        self.schema
    }

    /// Returns the histories that end in failure, in ascending order of unit.
    pub fn units(&self) -> &[&'a Trajectory] {
        &self.units
    }

    /// Returns the histories that do not end in failure, none of them of a machine that is held out.
    pub fn running(&self) -> &[&'a Trajectory] {
        &self.running
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::{Groups, Machines};
    use pdm_core::domain::Cycle;

    fn dataset(units: u32) -> ValidDataset {
        let trajectory = |unit| Trajectory {
            rest: 0,
            unit: UnitId::from(unit),
            cycles: vec![Cycle(1)],
            channels: vec![vec![0.0]],
        };
        ValidDataset {
            name: "t".into(),
            digest: Digest::of(""),
            schema: Schema {
                unit: "u".into(),
                cycle: "c".into(),
                settings: vec![],
                sensors: vec!["x".into()],
                ..Schema::default()
            },
            train: (1..=units).map(trajectory).collect(),
            running: Vec::new(),
            machines: Machines::default(),
            test: None,
            holdout: None,
            groups: Groups::default(),
            suspicions: Vec::new(),
        }
    }

    fn names<'a>(units: impl IntoIterator<Item = &'a &'a Trajectory>) -> BTreeSet<&'a str> {
        units.into_iter().map(|unit| unit.unit.as_str()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_unit_is_held_out_once_and_never_learnt_from_then(count in 2..12_usize, more in 0..60_u32, seed: u64) {
            let dataset = dataset(count as u32 + more);
            let folds = Folds::assign(&dataset, &SplitOptions { folds: count, holdout: None }, seed).unwrap();
            let mut held_out = Vec::new();
            let mut sizes = BTreeSet::new();
            for fold in 0..folds.count() {
                let (out, training) = (folds.held_out(&dataset, fold), folds.training(&dataset, fold));
                prop_assert!(names(&out).is_disjoint(&names(training.units())));
                prop_assert_eq!(out.len() + training.units().len(), dataset.train().len());
                prop_assert!(training.units().is_sorted_by_key(|unit| &unit.unit));
                sizes.insert(out.len());
                held_out.extend(out.into_iter().map(|unit| unit.unit.clone()));
            }
            held_out.sort();
            prop_assert!(held_out.iter().eq(dataset.train().iter().map(|unit| &unit.unit)));
            prop_assert!(sizes.last().unwrap() - sizes.first().unwrap() <= 1);
        }
    }

    /// Ten machines with three lives each, of which the last is running.
    fn repaired() -> ValidDataset {
        let mut dataset = dataset(0);
        for machine in 1..=10_u32 {
            let machine = UnitId::from(machine);
            for life in 1..=3 {
                let unit = UnitId::new(format!("{machine}/{life}"));
                dataset.machines.admit(&unit, &machine);
                let history = Trajectory {
                    rest: 0,
                    unit,
                    cycles: vec![Cycle(1)],
                    channels: vec![vec![0.0]],
                };
                match life {
                    3 => dataset.running.push(history),
                    _ => dataset.train.push(history),
                }
            }
        }
        dataset.train.sort_by(|a, b| a.unit.cmp(&b.unit));
        dataset
    }

    fn machines(dataset: &ValidDataset, units: &[Trajectory]) -> BTreeSet<UnitId> {
        let machines = units.iter().map(|unit| dataset.machines().of(&unit.unit));
        machines.cloned().collect()
    }

    #[test]
    fn the_lives_of_a_machine_are_on_one_side_of_every_split() {
        let dataset = repaired();
        let machine = |unit: &&Trajectory| dataset.machines().of(&unit.unit).clone();
        for seed in 0..20 {
            let folds = Folds::assign(&dataset, &SplitOptions::default(), seed).unwrap();
            for fold in 0..folds.count() {
                let held_out: BTreeSet<_> =
                    folds.held_out(&dataset, fold).iter().map(machine).collect();
                let training = folds.training(&dataset, fold);
                let learnt: BTreeSet<_> = training.units().iter().map(machine).collect();
                let running: BTreeSet<_> = training.running().iter().map(machine).collect();
                assert_eq!(held_out.len(), 2);
                assert!(held_out.is_disjoint(&learnt) && held_out.is_disjoint(&running));
                assert_eq!(learnt, running);
            }
            let options = HoldoutOptions { share: 0.4, seed };
            let split = repaired().hold_out(&options);
            let held = machines(&split, split.holdout().unwrap().units());
            let kept = machines(&split, split.train());
            let running = machines(&split, split.running());
            assert!(held.is_disjoint(&kept) && held.is_disjoint(&running));
        }
    }

    #[test]
    fn every_group_is_spread_evenly() {
        let mut dataset = dataset(0);
        let groups = [("a", 7), ("b", 12), ("c", 3)];
        for (group, unit) in groups
            .into_iter()
            .flat_map(|(group, units)| (1..=units).map(move |unit| (group, unit)))
        {
            let unit = dataset.groups.admit(&UnitId::from(unit), Some(group));
            dataset.train.push(Trajectory {
                rest: 0,
                unit,
                cycles: vec![Cycle(1)],
                channels: vec![vec![0.0]],
            });
        }
        for seed in 0..20 {
            let folds = Folds::assign(&dataset, &SplitOptions::default(), seed).unwrap();
            let held_out: Vec<_> = (0..5).map(|fold| folds.held_out(&dataset, fold)).collect();
            let even = |counts: Vec<usize>| {
                counts.iter().max().unwrap() - counts.iter().min().unwrap() <= 1
            };
            assert!(even(held_out.iter().map(Vec::len).collect()));
            for (group, _) in groups {
                let of_group = |units: &Vec<&Trajectory>| {
                    units
                        .iter()
                        .filter(|unit| dataset.groups().of(&unit.unit) == Some(group))
                        .count()
                };
                assert!(even(held_out.iter().map(of_group).collect()), "{group}");
            }
        }
    }

    #[test]
    fn the_seed_decides_and_the_digest_shows_it() {
        let dataset = dataset(100);
        let assign = |seed| Folds::assign(&dataset, &SplitOptions::default(), seed).unwrap();
        assert_eq!(assign(1).digest(), assign(1).digest());
        assert_ne!(assign(1).digest(), assign(2).digest());
        let json = serde_json::to_string(&assign(1)).unwrap();
        assert_eq!(serde_json::from_str::<Folds>(&json).unwrap(), assign(1));
        // Stored digests must not change: a change here changes every recorded split.
        assert_eq!(assign(1).digest().short(), "ab80f51050c9");
    }

    #[test]
    fn impossible_splits_are_refused() {
        let dataset = dataset(3);
        let assign = |folds| {
            Folds::assign(
                &dataset,
                &SplitOptions {
                    folds,
                    holdout: None,
                },
                0,
            )
        };
        assert_eq!(assign(1), Err(SplitError::TooFewFolds(1)));
        assert_eq!(
            assign(4),
            Err(SplitError::TooFewUnits { folds: 4, units: 3 })
        );
    }
}
