//! The holdout: run-to-failure units that are set aside to judge models.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Trajectory, ValidDataset};
use pdm_core::content::{Digest, digest_of};
use pdm_core::domain::{Problem, UnitId};

/// Which run-to-failure units are never used for training.
///
/// A unit is held back if the first 8 bytes of the SHA-256 of `holdout <seed> <unit>`, as a fraction of their range, are
/// below `share`. This depends only on the unit's name, so new data never move a unit into or out of the holdout.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HoldoutOptions {
    /// Share of the units to hold back, above 0 and at most 0.5. It is met on average, since every unit is drawn independently.
    pub share: f64,
    /// Seed of the draw. It is separate from the project's seed, so that changing that one does not change the holdout.
    #[serde(default)]
    pub seed: u64,
}

/// Run-to-failure units that were set aside before any training.
#[derive(Debug, Clone)]
pub struct Holdout {
    units: Vec<Trajectory>,
    digest: Digest,
    seed: u64,
}

impl HoldoutOptions {
    /// Returns what is out of range.
    pub fn problems(&self) -> Vec<Problem> {
        let possible = self.share > 0.0 && self.share <= 0.5;
        let share = self.share;
        let problem = || {
            let problem = Problem::new(
                "share",
                format!("is {share}, and must be above 0 and at most 0.5"),
            );
            if (1.0..=50.0).contains(&share) {
                problem.hint(format!("{}", share / 100.0))
            } else {
                problem
            }
        };
        (!possible).then(problem).into_iter().collect()
    }

    /// Returns whether a unit is held back.
    pub fn holds_back(&self, unit: &UnitId) -> bool {
        self.draw(unit) < self.share * 2_f64.powi(64)
    }

    /// Returns the draw of a unit, from 0 to 2⁶⁴.
    fn draw(&self, unit: &UnitId) -> f64 {
        let digest = Digest::of(format!("holdout {} {unit}", self.seed)).to_string();
        let head = u64::from_str_radix(&digest[..16], 16)
            .expect("a digest begins with 16 hexadecimal digits");
        head as f64
    }

    /// Returns options that hold back at least `fewest` of these units and leave at least as many for training: with a larger
    /// share of at most 0.5, else with another seed.
    pub fn enough(&self, units: &[UnitId], fewest: usize) -> Option<Self> {
        const SEEDS: u64 = 1000;
        if fewest == 0 || units.len() < 2 * fewest {
            return None;
        }
        let mut draws: Vec<f64> = units
            .iter()
            .map(|unit| self.draw(unit) / 2_f64.powi(64))
            .collect();
        draws.sort_by(f64::total_cmp);
        let share = (draws[fewest - 1] * 100.0 + 1e-9).ceil().max(1.0) / 100.0;
        let leaves = |options: &Self| {
            let held = units.iter().filter(|unit| options.holds_back(unit)).count();
            held >= fewest && units.len() - held >= fewest
        };
        let larger = Self { share, ..*self };
        if share <= 0.5 && leaves(&larger) {
            return Some(larger);
        }
        (0..SEEDS).map(|seed| Self { seed, ..*self }).find(leaves)
    }
}

impl Holdout {
    /// Returns the histories, in ascending order of unit.
    pub fn units(&self) -> &[Trajectory] {
        &self.units
    }

    /// Returns the digest of names, cycles and values; it does not depend on the training units.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the seed the units were drawn with.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

impl ValidDataset {
    /// Moves the units that are held back out of the training part.
    ///
    /// # Panics
    /// Never: names and numbers have a JSON form.
    #[must_use]
    pub fn hold_out(mut self, options: &HoldoutOptions) -> Self {
        let (units, train): (Vec<_>, _) = self
            .train
            .into_iter()
            .partition(|unit| options.holds_back(self.machines.of(&unit.unit)));
        self.train = train;
        let machines = &self.machines;
        self.running
            .retain(|unit| !options.holds_back(machines.of(&unit.unit)));
        let contents: Vec<_> = units
            .iter()
            .map(|unit| (&unit.unit, &unit.cycles, &unit.channels))
            .collect();
        let digest = digest_of(&contents).expect("names and numbers have a JSON form");
        self.holdout = Some(Holdout {
            units,
            digest,
            seed: options.seed,
        });
        self
    }

    /// Returns the units that were held back, if the options ask for a holdout.
    pub fn holdout(&self) -> Option<&Holdout> {
        self.holdout.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::data::{Groups, Schema};
    use pdm_core::domain::Cycle;

    fn fleet(units: u32) -> ValidDataset {
        let unit = |unit| Trajectory {
            rest: 0,
            unit: UnitId::from(unit),
            cycles: vec![Cycle(1)],
            channels: vec![vec![0.5]],
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
            train: (1..=units).map(unit).collect(),
            running: Vec::new(),
            machines: crate::data::Machines::default(),
            test: None,
            holdout: None,
            groups: Groups::default(),
            suspicions: Vec::new(),
        }
    }

    fn names(units: &[Trajectory]) -> BTreeSet<&UnitId> {
        units.iter().map(|unit| &unit.unit).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_growing_fleet_moves_no_unit_into_or_out_of_the_holdout(units in 0..120_u32, more in 0..120_u32, seed: u64, share in 0.01..0.5) {
            let options = HoldoutOptions { share, seed };
            let (then, now) = (fleet(units).hold_out(&options), fleet(units + more).hold_out(&options));
            let (held_then, held_now) = (then.holdout().unwrap(), now.holdout().unwrap());
            prop_assert!(names(held_then.units()).is_subset(&names(held_now.units())));
            prop_assert!(names(then.train()).is_subset(&names(now.train())));
            prop_assert!(names(now.train()).is_disjoint(&names(held_now.units())));
            prop_assert_eq!(now.train().len() + held_now.units().len(), (units + more) as usize);
            prop_assert_eq!(held_then.digest() == held_now.digest(), held_then.units().len() == held_now.units().len());
        }
    }

    #[test]
    fn the_draw_does_not_change() {
        // By Python: int(hashlib.sha256(b"holdout 0 7").hexdigest()[:16], 16) / 2**64, and so on.
        let options = HoldoutOptions {
            share: 0.2,
            seed: 0,
        };
        let held: Vec<u32> = (1..=40)
            .filter(|unit| options.holds_back(&UnitId::from(*unit)))
            .collect();
        assert_eq!(held, HELD);
        let thousand = (1..=1000)
            .filter(|unit| options.holds_back(&UnitId::from(*unit)))
            .count();
        assert!((160..240).contains(&thousand), "{thousand}");
    }

    const HELD: &[u32] = &[7, 9, 14, 15, 17, 19, 23, 28, 35, 36, 38, 40];

    #[test]
    fn options_that_hold_back_enough_are_found() {
        let units: Vec<UnitId> = (1..=6).map(UnitId::from).collect();
        for (share, seed) in [(0.05, 0), (0.2, 1), (0.1, 17), (0.01, 3)] {
            let options = HoldoutOptions { share, seed };
            let enough = options.enough(&units, 2).unwrap();
            let held = units.iter().filter(|unit| enough.holds_back(unit)).count();
            assert!(
                (2..=4).contains(&held) && enough.problems().is_empty(),
                "{enough:?} holds back {held}"
            );
        }
        assert_eq!(
            HoldoutOptions {
                share: 0.2,
                seed: 0
            }
            .enough(&units[..3], 2),
            None
        );
    }

    #[test]
    fn impossible_shares_are_reported() {
        for (share, problems) in [(0.2, 0), (0.5, 0), (0.0, 1), (0.6, 1), (f64::NAN, 1)] {
            assert_eq!(
                HoldoutOptions { share, seed: 0 }.problems().len(),
                problems,
                "{share}"
            );
        }
    }
}
