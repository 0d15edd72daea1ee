use serde_json::{Value, json};

use crate::content::{Digest, digest_of};
use crate::data::Holdout;
use crate::domain::Interval;
use crate::pipeline::PipelineSpec;
use crate::scoring::{Cuts, Part, Protocol, ShortUnits};
use crate::train::TrainOptions;

/// Every training unit, at its random cuts, predicted by the model that never saw it.
pub(super) fn out_of_fold(spec: &PipelineSpec, train: Digest, units: usize) -> Protocol {
    let TrainOptions { cuts_per_unit: per_unit, shortest_history, .. } = spec.train;
    let cuts = Cuts::RandomCuts { per_unit, shortest_history, seed: spec.project.seed };
    protocol(spec, Part::OutOfFold, train, units, cuts)
}

/// Returns the options that decide where a unit is cut, for the keys of stages that name the protocol.
pub(super) fn cuts(spec: &PipelineSpec) -> Value {
    json!({ "cuts_per_unit": spec.train.cuts_per_unit, "shortest_history": spec.train.shortest_history })
}

/// Every unit of the holdout, at its random cuts; the data are these units alone, so the protocol stays while training data
/// grow around them.
pub(super) fn holdout(spec: &PipelineSpec, holdout: &Holdout) -> Protocol {
    let TrainOptions { cuts_per_unit: per_unit, shortest_history, .. } = spec.train;
    let cuts = Cuts::RandomCuts { per_unit, shortest_history, seed: holdout.seed() };
    protocol(spec, Part::Holdout, holdout.digest(), holdout.units().len(), cuts)
}

/// Adds to a key's options which units are held back, where any are; keys of pipelines without a holdout stay as they were.
pub(super) fn with_holdout(mut parameters: Value, spec: &PipelineSpec) -> Value {
    if let Some(holdout) = &spec.split.holdout {
        parameters["holdout"] = json!(holdout);
    }
    parameters
}

/// Every test unit at its last cycle; the data are the histories and the truth.
pub(super) fn test(spec: &PipelineSpec, test: Digest, rul: Digest, units: usize) -> Protocol {
    let data = digest_of(&[test, rul]).expect("two digests have a JSON form");
    protocol(spec, Part::Test, data, units, Cuts::LastCycle)
}

fn protocol(spec: &PipelineSpec, part: Part, data: Digest, units: usize, cuts: Cuts) -> Protocol {
    Protocol {
        part,
        data,
        units,
        cuts,
        truth_cap: spec.evaluate.truth.cap(spec.target.cap),
        clip: Interval { lower: 0.0, upper: spec.target.cap },
        short_units: ShortUnits::Scored,
    }
}
