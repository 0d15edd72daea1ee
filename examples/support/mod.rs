//! What the examples about registries register.

use std::error::Error;

use jiff::Timestamp;
use pdm_ml::content::Digest;
use pdm_ml::domain::{Cycle, Interval, Prediction, Predictions};
use pdm_ml::registry::{ModelName, NewFile, NewVersion, VersionOrigin};
use pdm_ml::scoring::{BootstrapOptions, Cuts, Part, Protocol, ShortUnits, score};

/// Returns a version of a model whose errors are `error(unit)` cycles on 40 units.
pub(crate) fn new_version(
    model: ModelName,
    bundle: Digest,
    files: Vec<NewFile>,
    error: impl Fn(u32) -> f64,
) -> Result<NewVersion, Box<dyn Error + Send + Sync>> {
    let unit = |unit: u32| Prediction {
        unit: unit.into(),
        cycle: Cycle(50),
        rul: 60.0 + error(unit),
        interval: None,
        truth: Some(60.0),
        flags: Vec::new(),
    };
    let predictions: Predictions = (1..=40).map(unit).collect();
    let protocol = Protocol {
        part: Part::Test,
        data: Digest::of("none"),
        units: 40,
        cuts: Cuts::LastCycle,
        truth_cap: None,
        clip: Interval {
            lower: 0.0,
            upper: 125.0,
        },
        short_units: ShortUnits::Scored,
    };
    let options = BootstrapOptions {
        resamples: 400,
        confidence: 0.95,
    };
    let none = || "none".to_owned();
    Ok(NewVersion {
        model,
        bundle,
        files,
        scorecard: score(&predictions, protocol, 60.0, &options, 1)?,
        predictions,
        report: None,
        origin: VersionOrigin {
            kind: none(),
            data: Digest::of("none"),
            pipeline: none(),
            run: none(),
            seed: 1,
            created: Timestamp::UNIX_EPOCH,
        },
    })
}
