//! Decides how units are divided for judging, by their number.

use serde::Serialize;

use crate::data::HoldoutOptions;
use pdm_core::domain::UnitId;

/// Folds of cross-validation where there are enough units.
const FOLDS: usize = 5;
/// Units from which on some are held back to judge the model.
const UNITS_FOR_HOLDOUT: usize = 25;
/// The share of units that is held back.
const SHARE: f64 = 0.2;
/// The fewest units of a holdout.
const FEWEST_HELD: usize = 5;

/// How units are divided for judging, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InferredSplit {
    /// Folds of cross-validation.
    pub folds: usize,
    /// Units held back; absent with a test part or with few units.
    pub holdout: Option<HoldoutOptions>,
    /// Share of intervals that should contain the truth.
    pub coverage: f64,
    /// Why.
    pub why: String,
}

impl InferredSplit {
    /// Divides these units; `has_test` says whether there is a test part.
    pub(super) fn of(units: &[UnitId], has_test: bool) -> Self {
        let count = units.len();
        let holdout = if has_test || count < UNITS_FOR_HOLDOUT {
            None
        } else {
            holdout(units)
        };
        let held = holdout.map_or(0, |options| {
            units.iter().filter(|unit| options.holds_back(unit)).count()
        });
        let training = count - held;
        let why = match (has_test, holdout) {
            (true, _) => format!("{count} units; the test part judges the model"),
            (false, Some(_)) => format!(
                "{count} units, and no test part: {held} units are held back to judge the model"
            ),
            (false, None) => format!(
                "{count} units are too few to hold some back: the model is judged out of fold"
            ),
        };
        Self {
            folds: FOLDS.min(training).max(2),
            holdout,
            coverage: coverage(training),
            why,
        }
    }
}

fn holdout(units: &[UnitId]) -> Option<HoldoutOptions> {
    let usual = HoldoutOptions {
        share: SHARE,
        seed: 0,
    };
    let fewest = FEWEST_HELD.max(units.len() / 10);
    let held = units.iter().filter(|unit| usual.holds_back(unit)).count();
    let is_usable = held >= fewest && held <= units.len() / 2;
    if is_usable {
        Some(usual)
    } else {
        usual.enough(units, fewest)
    }
}

/// Returns a coverage that split conformal intervals reach with so many units: n of n + 1 must be at least the coverage.
fn coverage(units: usize) -> f64 {
    match units {
        10.. => 0.9,
        5..=9 => 0.8,
        3..=4 => 0.6,
        0..=2 => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(units: u32, has_test: bool) -> InferredSplit {
        let units: Vec<UnitId> = (1..=units).map(UnitId::from).collect();
        InferredSplit::of(&units, has_test)
    }

    #[test]
    fn the_split_suits_the_number_of_units() {
        assert_eq!((split(3, false).folds, split(3, false).holdout), (3, None));
        assert_eq!((split(1, false).folds, split(12, false).folds), (2, 5));
        assert!(split(100, false).holdout.is_some() && split(100, true).holdout.is_none());
        assert_eq!(
            [4, 6, 12].map(|units| split(units, false).coverage),
            [0.6, 0.8, 0.9]
        );
    }

    #[test]
    fn a_holdout_always_has_enough_units() {
        for count in 25..60_u32 {
            let units: Vec<UnitId> = (1..=count)
                .map(|unit| UnitId::new(format!("m{unit}")))
                .collect();
            let options = InferredSplit::of(&units, false).holdout.unwrap();
            let held = units.iter().filter(|unit| options.holds_back(unit)).count();
            assert!(held >= FEWEST_HELD, "{count} {held}");
        }
    }
}
