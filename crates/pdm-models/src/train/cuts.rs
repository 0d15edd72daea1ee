//! Random cuts of held-out histories.

use rand::SeedableRng;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;

use super::{TrainOptions, derive_seed};
use crate::data::{Groups, Holdout, Trajectory};

/// Returns every unit of a holdout, cut at each of its random cuts, with its true remaining life at the cut, in cycles.
///
/// Like those of units held out of a fold, the cuts depend on the seed and the unit's name, so every model is always scored
/// at the same cycles.
pub fn holdout_cuts(
    holdout: &Holdout,
    groups: &Groups,
    options: &TrainOptions,
) -> Vec<(Trajectory, f64)> {
    let cuts = |unit: &Trajectory| {
        let rows = cut_rows(
            unit,
            groups.name_within(&unit.unit),
            options,
            holdout.seed(),
        );
        rows.into_iter()
            .map(|row| (unit.cut(row + 1), unit.rul_at(row)))
            .collect::<Vec<_>>()
    };
    holdout.units().iter().flat_map(cuts).collect()
}

/// Returns the rows at which a held-out unit is scored, ascending.
///
/// Drawn without repetition among the rows with `shortest_history` rows up to them and at least one after them; a shorter
/// unit is scored at its last row but one. They depend only on the seed, the unit and its `name`, so every model is scored
/// at the same cycles.
pub(super) fn cut_rows(
    unit: &Trajectory,
    name: &str,
    options: &TrainOptions,
    seed: u64,
) -> Vec<usize> {
    let last = unit.len().saturating_sub(2);
    let first = (options.shortest_history() - 1).min(last);
    let mut rng = ChaCha8Rng::seed_from_u64(derive_seed(seed, &format!("cuts/{name}")));
    let candidates = last + 1 - first;
    let mut rows: Vec<usize> = sample(&mut rng, candidates, options.cuts_per_unit.min(candidates))
        .iter()
        .map(|i| first + i)
        .collect();
    rows.sort_unstable();
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use pdm_core::domain::{Cycle, UnitId};

    fn unit(rows: u32) -> Trajectory {
        Trajectory {
            rest: 0,
            unit: UnitId::from(rows),
            cycles: (1..=rows).map(Cycle).collect(),
            channels: Vec::new(),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn cuts_are_distinct_rows_with_a_past_and_a_future(rows in 1u32..60, cuts in 1usize..12, seed: u64) {
            let options = TrainOptions { cuts_per_unit: cuts, ..Default::default() };
            let found = cut_rows(&unit(rows), "7", &options, seed);
            let last = (rows as usize).saturating_sub(2);
            prop_assert_eq!(found.len(), cuts.min(last + 1 - 14.min(last)));
            prop_assert!(found.is_sorted_by(|a, b| a < b));
            prop_assert!(found.iter().all(|row| (14.min(last)..=last).contains(row)));
            prop_assert_eq!(&found, &cut_rows(&unit(rows), "7", &options, seed));
        }
    }

    #[test]
    fn seeds_differ() {
        let options = TrainOptions::default();
        assert_ne!(
            cut_rows(&unit(200), "7", &options, 1),
            cut_rows(&unit(200), "7", &options, 2)
        );
    }
}
