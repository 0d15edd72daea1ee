//! Predictions and scorecards for the tests of gates.

use crate::content::Digest;
use crate::domain::{Cycle, Interval, Prediction, Predictions, UnitId};
use crate::scoring::{BootstrapOptions, Cuts, Part, Protocol, Scorecard, ShortUnits, score};

pub(super) const UNITS: u32 = 60;

/// Returns predictions whose errors are `scale` times those of every other model in these tests.
pub(super) fn predictions(scale: f64) -> Predictions {
    let error = |unit: u32| {
        11.0 * (1.7 * f64::from(unit)).sin() + 4.0 * (0.3 * f64::from(unit)).cos() + 1.5
    };
    let of_unit = |unit: u32| Prediction {
        unit: UnitId::from(unit),
        cycle: Cycle(50),
        rul: 60.0 + scale * error(unit),
        interval: None,
        truth: Some(60.0),
        flags: Vec::new(),
    };
    (1..=UNITS).map(of_unit).collect()
}

pub(super) fn protocol() -> Protocol {
    Protocol {
        part: Part::Test,
        data: Digest::of("fleet"),
        units: UNITS as usize,
        cuts: Cuts::LastCycle,
        truth_cap: None,
        clip: Interval {
            lower: 0.0,
            upper: 125.0,
        },
        short_units: ShortUnits::Scored,
    }
}

pub(super) fn card(predictions: &[Prediction], protocol: Protocol) -> Scorecard {
    score(
        predictions,
        protocol,
        60.0,
        &BootstrapOptions {
            resamples: 400,
            confidence: 0.95,
        },
        7,
    )
    .unwrap()
}
