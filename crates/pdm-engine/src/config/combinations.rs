//! Checks over several sections: values that are each valid but cannot work together.

use super::exec::graph_problems;
use super::search::space_problems;
use super::spec::PipelineSpec;
use pdm_core::codes::Code;
use pdm_core::domain::{Problem, Subset};
use pdm_core::gates::{GateOptions, Rule};
use pdm_core::scoring::{CalibrationMethod, Metric, highest_reachable, is_reachable, units_needed};
use pdm_models::data::DatasetOptions;
use pdm_models::train::Loss;

/// One check over several sections.
struct CombinationCheck {
    /// The paths it reads; it is skipped where the value of one of them could not be used.
    reads: &'static [&'static str],
    find: fn(&PipelineSpec) -> Vec<Problem>,
}

const CHECKS: &[CombinationCheck] = &[
    CombinationCheck {
        reads: &["dataset", "features.regimes"],
        find: ignored_regimes,
    },
    CombinationCheck {
        reads: &["dataset", "features.sensors"],
        find: unknown_sensors,
    },
    CombinationCheck {
        reads: &["dataset", "validate.ranges"],
        find: unknown_ranges,
    },
    CombinationCheck {
        reads: &["dataset", "split.folds"],
        find: too_many_folds,
    },
    CombinationCheck {
        reads: &["dataset", "calibrate"],
        find: unreachable_coverage,
    },
    CombinationCheck {
        reads: &["model.kind", "train.loss"],
        find: quantiles_of_no_network,
    },
    CombinationCheck {
        reads: &["train.loss", "calibrate.method"],
        find: quantiles_not_learnt,
    },
    CombinationCheck {
        reads: &["calibrate", "gate"],
        find: missed_coverage,
    },
    CombinationCheck {
        reads: &["gate"],
        find: repeated_gates,
    },
    CombinationCheck {
        reads: &["stage", "dataset"],
        find: graph_problems,
    },
    CombinationCheck {
        reads: &[
            "tune.space.\"model.kind\"",
            "dataset",
            "features",
            "target",
            "model",
            "train",
        ],
        find: space_problems,
    },
];

/// Returns the combinations that cannot work, without those that depend on a `broken` value.
pub(super) fn combination_problems(
    spec: &PipelineSpec,
    broken: impl Fn(&str) -> bool,
) -> Vec<Problem> {
    let sound = CHECKS
        .iter()
        .filter(|check| !check.reads.iter().any(|path| broken(path)));
    sound.flat_map(|check| (check.find)(spec)).collect()
}

fn ignored_regimes(spec: &PipelineSpec) -> Vec<Problem> {
    let (name, regimes) = match &spec.dataset {
        DatasetOptions::Cmapss(options) => {
            let regimes = options
                .read_subsets()
                .into_iter()
                .map(regimes_of)
                .max()
                .unwrap_or(1);
            (spec.dataset.name(), regimes)
        }
        DatasetOptions::Simulated(options) => ("the simulated fleet".to_owned(), options.regimes),
        DatasetOptions::Table(_) => return Vec::new(),
    };
    if regimes == 1 || spec.features.regimes != 1 {
        return Vec::new();
    }
    let message = format!("1 ignores the settings, but {name} has {regimes} operating regimes");
    vec![
        Problem::new("features.regimes", message)
            .with_code(Code::IgnoredRegimes)
            .hint("0 detects the number"),
    ]
}

fn unknown_sensors(spec: &PipelineSpec) -> Vec<Problem> {
    let schema = spec.dataset.schema();
    let unknown = spec
        .features
        .sensors
        .iter()
        .enumerate()
        .filter(|(_, sensor)| !schema.sensors.contains(sensor));
    let problem = |(i, sensor): (usize, &String)| {
        let known: Vec<_> = schema.sensors.iter().map(String::as_str).collect();
        let message = format!("the data has no sensor `{sensor}`");
        let problem =
            Problem::new(format!("features.sensors.{i}"), message).with_code(Code::UnknownColumn);
        match super::suggest::hint(sensor, &known) {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    };
    unknown.map(problem).collect()
}

fn unknown_ranges(spec: &PipelineSpec) -> Vec<Problem> {
    let problems = spec.validate.unknown_columns(&spec.dataset.schema());
    problems
        .into_iter()
        .map(|problem| problem.within("validate"))
        .collect()
}

fn too_many_folds(spec: &PipelineSpec) -> Vec<Problem> {
    let folds = spec.split.folds;
    match training_units(&spec.dataset) {
        Some(units) if folds > units => {
            let message = format!("{folds} folds are more than the {units} training units");
            vec![
                Problem::new("split.folds", message)
                    .with_code(Code::TooManyFolds)
                    .hint(format!("at most {units}")),
            ]
        }
        _ => Vec::new(),
    }
}

fn unreachable_coverage(spec: &PipelineSpec) -> Vec<Problem> {
    let coverage = spec.calibrate.coverage;
    let Some(units) = training_units(&spec.dataset) else {
        return Vec::new();
    };
    if !(0.0..1.0).contains(&coverage) || is_reachable(units, coverage) {
        return Vec::new();
    }
    let message = format!("{coverage} cannot be reached with {units} training units");
    let problem = Problem::new("calibrate.coverage", message).with_code(Code::UnreachableCoverage);
    let hint = match highest_reachable(units) {
        Some(highest) => format!(
            "at most {highest}, or at least {} units",
            units_needed(coverage)
        ),
        None => format!("at least {} units", units_needed(coverage)),
    };
    vec![problem.hint(hint)]
}

fn quantiles_of_no_network(spec: &PipelineSpec) -> Vec<Problem> {
    if spec.train.loss != Loss::Quantile || spec.model.is_network() {
        return Vec::new();
    }
    let message = format!(
        "only networks learn quantiles, and [model] is `{}`",
        spec.model.kind()
    );
    let problem = Problem::new("train.loss", message).with_code(Code::QuantilesOfNoNetwork);
    vec![problem.hint("set `kind` in [model] to a network such as `gru`, or another loss")]
}

fn quantiles_not_learnt(spec: &PipelineSpec) -> Vec<Problem> {
    if spec.calibrate.method != CalibrationMethod::Quantile || spec.train.loss == Loss::Quantile {
        return Vec::new();
    }
    let message = "quantile calibrates the intervals of a network that learns them";
    vec![
        Problem::new("calibrate.method", message)
            .with_code(Code::QuantilesNotLearnt)
            .hint("set `loss = \"quantile\"` in [train], or use `split_conformal`"),
    ]
}

/// Finds gates that exclude the coverage that the intervals are made for.
fn missed_coverage(spec: &PipelineSpec) -> Vec<Problem> {
    let aim = spec.calibrate.coverage;
    let judges = |gate: &GateOptions| gate.metric == Metric::Coverage && gate.problems().is_empty();
    let gates = spec
        .gates
        .iter()
        .enumerate()
        .filter(|(_, gate)| judges(gate));
    let excluding =
        gates.filter_map(|(i, gate)| excludes(gate, aim).map(|(key, limit)| (i, key, limit)));
    let problem = |(i, key, limit)| {
        let message = format!("{limit} excludes {aim}, the coverage set in [calibrate]");
        Problem::new(format!("gate.{i}.{key}"), message).with_code(Code::GateAgainstCoverage)
    };
    excluding.map(problem).collect()
}

/// Returns the limit of a gate that a value violates.
fn excludes(gate: &GateOptions, value: f64) -> Option<(&'static str, f64)> {
    let (least, most) = match gate.rule {
        Rule::AtLeast => (gate.value.map(|limit| ("value", limit)), None),
        Rule::AtMost => (None, gate.value.map(|limit| ("value", limit))),
        Rule::Between => (
            gate.low.map(|limit| ("low", limit)),
            gate.high.map(|limit| ("high", limit)),
        ),
        Rule::NonInferior | Rule::Better => (None, None),
    };
    match (least, most) {
        (Some((key, limit)), _) if value < limit => Some((key, limit)),
        (_, Some((key, limit))) if value > limit => Some((key, limit)),
        _ => None,
    }
}

fn repeated_gates(spec: &PipelineSpec) -> Vec<Problem> {
    let repeated = spec
        .gates
        .iter()
        .enumerate()
        .filter(|(i, gate)| spec.gates[..*i].contains(gate));
    repeated
        .map(|(i, _)| {
            Problem::new(format!("gate.{i}"), "the same gate is written above")
                .with_code(Code::NamedTwice)
        })
        .collect()
}

fn training_units(dataset: &DatasetOptions) -> Option<usize> {
    match dataset {
        DatasetOptions::Cmapss(options) => options.training_units(),
        DatasetOptions::Simulated(options) => usize::try_from(options.train_units).ok(),
        DatasetOptions::Table(_) => None,
    }
}

fn regimes_of(subset: Subset) -> u32 {
    match subset {
        Subset::FD001 | Subset::FD003 => 1,
        Subset::FD002 | Subset::FD004 => 6,
    }
}
