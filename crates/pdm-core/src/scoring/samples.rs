//! Predictions and protocols for the tests of scoring.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::{Cuts, Part, Protocol, ShortUnits};
use crate::content::Digest;
use crate::domain::{Cycle, Interval, Prediction, UnitId};

pub(super) fn prediction(unit: u32, cycle: u32, rul: f64, truth: f64) -> Prediction {
    Prediction {
        unit: UnitId::from(unit),
        cycle: Cycle(cycle),
        rul,
        interval: None,
        truth: Some(truth),
        flags: Vec::new(),
    }
}

pub(super) fn test_protocol(units: usize) -> Protocol {
    Protocol {
        part: Part::Test,
        data: Digest::of("fleet"),
        units,
        cuts: Cuts::LastCycle,
        truth_cap: None,
        clip: Interval {
            lower: 0.0,
            upper: 125.0,
        },
        short_units: ShortUnits::Scored,
    }
}

pub(super) fn out_of_fold_protocol(units: usize, per_unit: usize) -> Protocol {
    Protocol {
        part: Part::OutOfFold,
        cuts: Cuts::RandomCuts {
            per_unit,
            shortest_history: 15,
            seed: 1,
        },
        ..test_protocol(units)
    }
}

/// Errors from the formula that was used in Python for the reference values.
pub(super) fn wavy_errors(units: usize) -> impl Iterator<Item = f64> {
    (0..units)
        .map(|i| i as f64)
        .map(|i| 11.0 * (1.7 * i).sin() + 4.0 * (0.3 * i).cos() + 1.5)
}

/// Random units whose errors grow with the remaining life and are similar within a unit.
pub(super) fn fleet(units: usize, cuts: u32, seed: u64) -> Vec<Prediction> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = move || rng.sample::<f64, _>(StandardNormal);
    let mut predictions = Vec::new();
    for unit in 1..=units as u32 {
        let of_unit = normal();
        for cut in 1..=cuts {
            let truth = (normal() * 0.7).exp() * 40.0;
            let spread = 1.0 + 0.15 * truth;
            predictions.push(prediction(
                unit,
                cut,
                truth + spread * (0.7 * of_unit + 0.7 * normal()),
                truth,
            ));
        }
    }
    predictions
}
