//! The protocols of a pipeline: which units are scored, at which cuts, against which truth.

use serde_json::{Value, json};

use crate::config::PipelineSpec;
use pdm_core::content::{Digest, digest_of};
use pdm_core::domain::Interval;
use pdm_core::scoring::{Cuts, Part, Protocol, ShortUnits};
use pdm_models::data::{DatasetOptions, Holdout, LifeOptions, Lives, RequestedCsv};
use pdm_models::train::TrainOptions;

/// Returns the protocol for every training unit at its random cuts, predicted by a model that did not learn from it; the
/// pipeline must be settled.
pub(super) fn out_of_fold(spec: &PipelineSpec, train: Digest, units: usize) -> Protocol {
    let cuts = random_cuts(&spec.train, spec.project.seed);
    protocol(spec, Part::OutOfFold, train, units, cuts)
}

/// Returns the options that decide where a unit is cut, for the keys of stages that name the protocol.
pub(super) fn cuts(spec: &PipelineSpec) -> Value {
    json!({ "cuts_per_unit": spec.train.cuts_per_unit, "shortest_history": spec.train.shortest_history })
}

/// Returns the protocol for every unit of the holdout at its random cuts; the pipeline is as written. It depends only on these
/// units, so it does not change when training data are added.
pub(super) fn holdout(spec: &PipelineSpec, lives: &Lives, holdout: &Holdout) -> Protocol {
    let cuts = random_cuts(&holdout_options(spec, holdout), holdout.seed());
    protocol(
        &spec.settled(lives),
        Part::Holdout,
        holdout.digest(),
        holdout.units().len(),
        cuts,
    )
}

/// Returns the options that units of the holdout are cut by; what is left to the data depends only on these units.
pub(super) fn holdout_options(spec: &PipelineSpec, holdout: &Holdout) -> TrainOptions {
    spec.train.settled(&Lives::of(holdout.units()))
}

fn random_cuts(options: &TrainOptions, seed: u64) -> Cuts {
    Cuts::RandomCuts {
        per_unit: options.cuts_per_unit,
        shortest_history: options.shortest_history(),
        seed,
    }
}

/// Adds the holdout to a key's options; keys of pipelines without one stay as they were.
pub(super) fn with_holdout(mut parameters: Value, spec: &PipelineSpec) -> Value {
    if let Some(holdout) = &spec.split.holdout {
        parameters["holdout"] = json!(holdout);
    }
    parameters
}

/// Adds the format of CSV files and the ends of lives to a key's options, where the pipeline sets it: with another decimal sign, the same bytes are
/// other numbers. Keys of pipelines that do not set it stay as they were.
pub(super) fn with_csv(mut parameters: Value, spec: &PipelineSpec) -> Value {
    let DatasetOptions::Table(table) = &spec.dataset else {
        return parameters;
    };
    let RequestedCsv {
        separator,
        decimal,
        encoding,
    } = table.csv();
    if let Some(separator) = separator {
        parameters["dataset"]["separator"] = json!(separator);
    }
    if let Some(decimal) = decimal {
        parameters["dataset"]["decimal"] = json!(decimal);
    }
    if let Some(encoding) = encoding {
        parameters["dataset"]["encoding"] = json!(encoding);
    }
    if let Some(life) = &table.life {
        // The digest of the events is part of that of the training files.
        let life = LifeOptions {
            events: None,
            ..life.clone()
        };
        parameters["dataset"]["life"] = json!(life);
    }
    parameters
}

/// Returns the protocol for every test unit at its last cycle; the pipeline must be settled.
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
        truth_cap: spec.evaluate.truth.cap(spec.target.cap()),
        clip: Interval {
            lower: 0.0,
            upper: spec.target.cap(),
        },
        short_units: ShortUnits::Scored,
    }
}
