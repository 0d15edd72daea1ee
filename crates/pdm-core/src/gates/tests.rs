//! Tests how often gates pass a model exactly at their limit, on few and many units, against the stated rates.
//!
//! Every model here is exactly at its gate's limit, so it passes only by chance: in 2.5 % of the cases for intervals at 95 %.
//! `scripts/gate-error-rates` prints the rates from more fleets than a test has time for.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::{Contender, GateOptions, Opponent, Rule, judge};
use crate::content::Digest;
use crate::domain::{Cycle, Interval, Prediction, UnitId};
use crate::gates::samples::protocol;
use crate::scoring::{BootstrapOptions, Metric, Protocol, Verdict, score};

/// Standard deviation of the errors, in cycles, and of the part of them that two models share.
const SPREAD: f64 = 12.0;
const SHARED: f64 = 9.0;
/// Factor by which the challenger's errors are larger, for gates with a margin.
const WORSE: f64 = 1.15;
/// Number of units of the fleet that represents the population.
const ALL: usize = 40_000;
const SIZES: [usize; 6] = [2, 3, 5, 10, 20, 50];

/// Errors of two models on the same units; the first's are `scale` times as large.
fn errors(units: usize, scale: f64, seed: u64) -> (Vec<f64>, Vec<f64>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = move || rng.sample::<f64, _>(StandardNormal);
    let own = (SPREAD * SPREAD - SHARED * SHARED).sqrt();
    let mut both = (Vec::new(), Vec::new());
    for _ in 0..units {
        let shared = SHARED * normal();
        both.0.push(scale * (shared + own * normal()));
        both.1.push(shared + own * normal());
    }
    both
}

fn predictions(errors: &[f64]) -> Vec<Prediction> {
    let of = |(unit, error): (u32, &f64)| Prediction {
        unit: UnitId::from(unit),
        cycle: Cycle(50),
        rul: 60.0 + error,
        interval: Some(Interval {
            lower: 60.0 + error - SPREAD,
            upper: 60.0 + error + SPREAD,
        }),
        truth: Some(60.0),
        flags: Vec::new(),
    };
    (1..).zip(errors).map(of).collect()
}

fn protocol_of(units: usize) -> Protocol {
    Protocol {
        units,
        clip: Interval {
            lower: -1e3,
            upper: 1e3,
        },
        ..protocol()
    }
}

/// The value of a metric over the population.
fn true_value(metric: Metric, scale: f64) -> f64 {
    let (errors, _) = errors(ALL, scale, 99);
    let options = BootstrapOptions {
        resamples: 100,
        confidence: 0.5,
    };
    let card = score(&predictions(&errors), protocol_of(ALL), 60.0, &options, 1).unwrap();
    card.score(metric).unwrap().value
}

/// A gate, and the factor of the challenger's errors at which it is at the limit.
fn gates() -> Vec<(GateOptions, f64)> {
    use Metric::{Coverage, HarmfulLateRate, Mae, NasaMean, OnTimeRate, Rmse};
    let mut gates = Vec::new();
    for metric in [Rmse, Mae, NasaMean, HarmfulLateRate] {
        gates.push((GateOptions::new(metric, Rule::Better), 1.0));
        let margin = true_value(metric, WORSE) - true_value(metric, 1.0);
        gates.push((
            GateOptions {
                margin,
                ..GateOptions::new(metric, Rule::NonInferior)
            },
            WORSE,
        ));
    }
    let relative = GateOptions {
        margin: WORSE - 1.0,
        relative: true,
        ..GateOptions::new(Rmse, Rule::NonInferior)
    };
    gates.push((relative, WORSE));
    for metric in [Rmse, Mae, NasaMean] {
        let value = Some(true_value(metric, 1.0));
        gates.push((
            GateOptions {
                value,
                ..GateOptions::new(metric, Rule::AtMost)
            },
            1.0,
        ));
    }
    for metric in [OnTimeRate, Coverage] {
        let value = Some(true_value(metric, 1.0));
        gates.push((
            GateOptions {
                value,
                ..GateOptions::new(metric, Rule::AtLeast)
            },
            1.0,
        ));
    }
    let (low, high) = (Some(-100.0), Some(true_value(Metric::Bias, 1.0)));
    gates.push((
        GateOptions {
            low,
            high,
            ..GateOptions::new(Metric::Bias, Rule::Between)
        },
        1.0,
    ));
    gates
}

fn passes(gate: &GateOptions, scale: f64, units: usize, seed: u64) -> bool {
    let (ours, theirs) = errors(units, scale, seed);
    let (ours, theirs) = (predictions(&ours), predictions(&theirs));
    let options = BootstrapOptions {
        resamples: 400,
        confidence: 0.95,
    };
    let card = |predictions: &[Prediction]| {
        score(predictions, protocol_of(units), 60.0, &options, seed).unwrap()
    };
    let (our_card, their_card) = (card(&ours), card(&theirs));
    let challenger = Contender {
        bundle: Digest::of("ours"),
        scorecard: &our_card,
        predictions: &ours,
    };
    let champion = Contender {
        bundle: Digest::of("theirs"),
        scorecard: &their_card,
        predictions: &theirs,
    };
    judge(
        std::slice::from_ref(gate),
        challenger,
        Opponent::Version(1, champion),
    )
    .verdict
        == Verdict::Pass
}

/// Returns the share of fleets for which a gate passes.
fn rate(gate: &GateOptions, scale: f64, units: usize, fleets: u64) -> f64 {
    let passed = (0..fleets)
        .into_par_iter()
        .filter(|fleet| passes(gate, scale, units, 1000 + fleet))
        .count();
    passed as f64 / fleets as f64
}

/// The stated maximum for a gate: about 2.5 %, and more for limits and margins of the NASA scores.
fn stated(gate: &GateOptions) -> f64 {
    let is_penalty = matches!(gate.metric, Metric::NasaScore | Metric::NasaMean);
    if is_penalty && gate.rule != Rule::Better {
        0.075
    } else {
        0.05
    }
}

/// How many fleets are drawn, unless [`FLEETS_VARIABLE`] says otherwise.
const FLEETS: u64 = 250;
/// Asks for another number of fleets; `scripts/gate-error-rates` does.
const FLEETS_VARIABLE: &str = "PDM_ML_GATE_FLEETS";

fn fleets() -> u64 {
    std::env::var(FLEETS_VARIABLE).map_or(FLEETS, |text| text.parse().unwrap())
}

/// Prints the rates as a table, which `--nocapture` shows, and holds them to what is stated.
#[test]
fn a_value_at_the_limit_passes_about_as_often_as_stated() {
    let fleets = fleets();
    // Two standard deviations of what so many fleets show of 4 %.
    let luck = 2.0 * (0.04 * 0.96 / fleets as f64).sqrt();
    let header: Vec<_> = SIZES.iter().map(|units| format!("{units} units")).collect();
    eprintln!(
        "| gate at its limit | {} |\n| --- |{}",
        header.join(" | "),
        " ---: |".repeat(SIZES.len())
    );
    let mut too_often = Vec::new();
    for (gate, scale) in gates() {
        let rates = SIZES.map(|units| rate(&gate, scale, units, fleets));
        let shown = rates.map(|rate| format!("{:.1} %", 100.0 * rate));
        let margin = if gate.relative { ", relative" } else { "" };
        let name = format!("`{}` `{}`{margin}", gate.metric, gate.rule);
        eprintln!("| {name} | {} |", shown.join(" | "));
        let most = stated(&gate) + luck;
        let above = SIZES.iter().zip(rates).filter(|(_, rate)| *rate > most);
        too_often.extend(above.map(|(units, rate)| {
            format!("{name} on {units} units passes {rate:.3} of the time, more than {most:.3}")
        }));
    }
    assert!(too_often.is_empty(), "{too_often:#?}");
}
