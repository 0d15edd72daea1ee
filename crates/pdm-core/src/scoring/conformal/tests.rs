//! Tests of conformal calibration.

use super::*;
use crate::scoring::samples::{
    fleet, out_of_fold_protocol, prediction, test_protocol, wavy_errors,
};
use crate::scoring::{BootstrapOptions, Metric, score};

fn options(scaled: bool, coverage: f64) -> CalibrateOptions {
    CalibrateOptions {
        scaled,
        coverage,
        ..Default::default()
    }
}

fn covered(conformal: &Conformal, predictions: &[Prediction], protocol: &Protocol) -> f64 {
    let holds = |p: &&Prediction| {
        conformal
            .interval(p.rul, p.interval)
            .contains(protocol.truth(p.truth.unwrap()))
    };
    predictions.iter().filter(holds).count() as f64 / predictions.len() as f64
}

/// Mean coverage of new units over many draws of calibration units, and the mean width at predictions under 20.
fn simulate(scaled: bool, units: usize, truth_cap: Option<f64>) -> (f64, f64) {
    let protocol = Protocol {
        truth_cap,
        ..out_of_fold_protocol(units, 4)
    };
    let draws = 300;
    let (mut share, mut width) = (0.0, 0.0);
    for seed in 0..draws {
        let conformal = Conformal::fit(
            &fleet(units, 4, seed),
            &options(scaled, 0.9),
            &protocol,
            seed,
        )
        .unwrap();
        share += covered(&conformal, &fleet(100, 1, 10_000 + seed), &protocol);
        width += conformal.interval(10.0, None).width();
    }
    (share / draws as f64, width / draws as f64)
}

#[test]
fn plain_intervals_of_mapie_and_numpy() {
    // mapie 1.6.0 SplitConformalRegressor(prefit=True) on predictions 20 + 1.5 i and the wavy errors, at 50 cycles;
    // numpy.sort(abs(d))[ceil((n + 1) * c) - 1] says the same.
    for (units, coverage, half_width) in [
        (60, 0.9, 13.345457924585066),
        (60, 0.95, 13.86044787492244),
        (25, 0.8, 11.521999611915753),
    ] {
        let protocol = Protocol {
            clip: Interval {
                lower: 0.0,
                upper: 1e3,
            },
            ..test_protocol(units)
        };
        let predictions: Vec<_> = (0..units as u32)
            .zip(wavy_errors(units))
            .map(|(i, d)| {
                prediction(
                    i,
                    50,
                    20.0 + 1.5 * f64::from(i),
                    20.0 + 1.5 * f64::from(i) - d,
                )
            })
            .collect();
        // Truths must not be negative; shifting both leaves the residuals alone.
        let shifted: Vec<_> = predictions
            .into_iter()
            .map(|p| Prediction {
                rul: p.rul + 100.0,
                truth: p.truth.map(|t| t + 100.0),
                ..p
            })
            .collect();
        let conformal = Conformal::fit(&shifted, &options(false, coverage), &protocol, 1).unwrap();
        let Interval { lower, upper } = conformal.interval(50.0, None);
        assert!(
            (lower - (50.0 - half_width)).abs() < 1e-9
                && (upper - (50.0 + half_width)).abs() < 1e-9
        );
    }
}

#[test]
fn coverage_of_new_units_is_what_was_asked_for() {
    let cases = [
        (false, 40, None),
        (true, 20, None),
        (true, 80, None),
        (false, 80, Some(100.0)),
        (true, 80, Some(100.0)),
    ];
    for (scaled, units, cap) in cases {
        let (share, _) = simulate(scaled, units, cap);
        assert!(
            (0.893..0.93).contains(&share),
            "scaled {scaled}, {units} units, cap {cap:?}: {share}"
        );
    }
}

#[test]
fn scaled_intervals_are_narrower_near_failure() {
    let ((_, plain), (_, scaled)) = (simulate(false, 80, None), simulate(true, 80, None));
    assert!(scaled < 0.6 * plain, "{scaled} against {plain}");
}

#[test]
fn too_few_units_are_reported() {
    let fit = |units, coverage| {
        Conformal::fit(
            &fleet(units, 1, 3),
            &options(true, coverage),
            &test_protocol(units),
            3,
        )
    };
    assert_eq!(
        fit(8, 0.9),
        Err(ScoringError::Uncalibratable {
            coverage: 0.9,
            units: 8,
            need: 9
        })
    );
    assert_eq!(
        fit(5, 0.95),
        Err(ScoringError::Uncalibratable {
            coverage: 0.95,
            units: 5,
            need: 19
        })
    );
    assert!(fit(9, 0.9).is_ok() && fit(19, 0.95).is_ok());
    assert!(matches!(
        fit(19, 1.0 - 1e-15),
        Err(ScoringError::Uncalibratable { .. })
    ));
    assert!(matches!(fit(19, 1.0), Err(ScoringError::Options { .. })));
    assert_eq!(
        fit(8, 0.9).unwrap_err().to_string(),
        "intervals cannot be calibrated at 90.0000 % coverage with 8 units: at least 9 are needed"
    );
}

#[test]
fn ends_stay_within_what_the_truth_can_be() {
    let fit = |truth_cap| {
        let protocol = Protocol {
            truth_cap,
            ..out_of_fold_protocol(60, 4)
        };
        Conformal::fit(&fleet(60, 4, 1), &options(true, 0.9), &protocol, 1).unwrap()
    };
    let (capped, free) = (fit(Some(125.0)), fit(None));
    assert_eq!(
        (
            capped.interval(125.0, None).upper,
            capped.interval(900.0, None).upper
        ),
        (125.0, 125.0)
    );
    assert!(free.interval(125.0, None).upper > 125.0);
    assert_eq!(
        (
            capped.interval(0.0, None).lower,
            free.interval(-7.0, None).lower
        ),
        (0.0, 0.0)
    );
    assert!(free.interval(f64::NAN, None).lower.is_nan());
}

#[test]
fn json_keeps_every_interval() {
    let protocol = Protocol {
        truth_cap: Some(125.0),
        ..out_of_fold_protocol(60, 4)
    };
    let conformal = Conformal::fit(&fleet(60, 4, 1), &options(true, 0.9), &protocol, 1).unwrap();
    let json = serde_json::to_string(&conformal).unwrap();
    let back: Conformal = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&back, serde_json::to_string(&back).unwrap()),
        (&conformal, json)
    );
    assert_eq!(back.interval(33.3, None), conformal.interval(33.3, None));
}

#[test]
fn cross_calibrated_intervals_cover_what_they_have_not_seen() {
    let protocol = out_of_fold_protocol(200, 4);
    let predictions = fleet(200, 4, 5);
    let calibrated =
        Conformal::cross_calibrated(&predictions, &options(true, 0.9), &protocol, 5).unwrap();
    assert!(calibrated.iter().all(|p| p.interval.is_some()));
    let card = score(&calibrated, protocol, 60.0, &BootstrapOptions::default(), 5).unwrap();
    let coverage = card.score(Metric::Coverage).unwrap();
    assert!(coverage.lower < 0.9 && 0.9 < coverage.upper, "{coverage:?}");
}

#[test]
fn a_units_own_truth_does_not_move_its_cross_calibrated_interval() {
    let protocol = test_protocol(50);
    let mut predictions = fleet(50, 1, 5);
    let run = |p: &[Prediction]| {
        Conformal::cross_calibrated(p, &options(true, 0.9), &protocol, 5).unwrap()
    };
    let before = run(&predictions);
    predictions[17].truth = Some(1e4);
    let after = run(&predictions);
    assert_eq!(before[17].interval, after[17].interval);
    assert!(
        before
            .iter()
            .zip(&after)
            .any(|(a, b)| a.interval != b.interval)
    );
}

const DIRECT: CalibrateOptions = CalibrateOptions {
    method: CalibrationMethod::Quantile,
    scaled: true,
    coverage: 0.9,
};

/// The fleet with intervals of a quantile network that misjudges its errors by a factor.
fn direct(units: usize, cuts: u32, seed: u64, times: f64) -> Vec<Prediction> {
    let with_own = |p: Prediction| {
        let reach = times * (1.0 + 0.15 * p.rul.max(0.0));
        Prediction {
            interval: Some(Interval {
                lower: p.rul - reach,
                upper: p.rul + 1.2 * reach,
            }),
            ..p
        }
    };
    fleet(units, cuts, seed).into_iter().map(with_own).collect()
}

#[test]
fn quantiles_of_a_model_are_widened_or_narrowed_to_the_coverage() {
    for (times, truth_cap) in [
        (0.5, None),
        (1.0, Some(100.0)),
        (3.0, None),
        (3.0, Some(100.0)),
    ] {
        let (units, draws) = (80, 300);
        let protocol = Protocol {
            truth_cap,
            ..out_of_fold_protocol(units, 4)
        };
        let of_seed = |seed| {
            let conformal =
                Conformal::fit(&direct(units, 4, seed, times), &DIRECT, &protocol, seed).unwrap();
            assert_eq!(conformal.quantile > 0.0, times < 2.0);
            covered(&conformal, &direct(100, 1, 10_000 + seed, times), &protocol)
        };
        let share = (0..draws).map(of_seed).sum::<f64>() / draws as f64;
        assert!(
            (0.89..0.93).contains(&share),
            "{times} {truth_cap:?}: {share}"
        );
    }
}

#[test]
fn quantiles_by_hand() {
    // Residuals max(lower - truth, truth - upper) of 9 units: -8, -7, …, -1 below the upper end, and 4 below the lower.
    let of_unit = |i: u32| {
        let truth = if i == 9 { 36.0 } else { 51.0 + f64::from(i) };
        Prediction {
            interval: Some(Interval {
                lower: 40.0,
                upper: 60.0,
            }),
            ..prediction(i, 9, 50.0, truth)
        }
    };
    let predictions: Vec<_> = (1..=9).map(of_unit).collect();
    let options = CalibrateOptions {
        coverage: 0.8,
        ..DIRECT
    };
    let conformal = Conformal::fit(&predictions, &options, &test_protocol(9), 1).unwrap();
    assert_eq!(conformal.quantile, -1.0);
    let own = |lower, upper| Some(Interval { lower, upper });
    assert_eq!(
        Some(conformal.interval(50.0, own(40.0, 61.0))),
        own(41.0, 60.0)
    );
    // The prediction stays inside, and the ends stay within the possible truths.
    assert_eq!(
        Some(conformal.interval(50.0, own(49.5, 50.5))),
        own(50.0, 50.0)
    );
    assert_eq!(
        Some(conformal.interval(-3.0, own(-9.0, -3.0))),
        own(0.0, 0.0)
    );
    let missing = [
        conformal.interval(50.0, None),
        conformal.interval(50.0, own(f64::NAN, 51.0)),
    ];
    assert!(
        missing
            .iter()
            .all(|interval| interval.lower.is_nan() && interval.upper.is_nan())
    );
}

#[test]
fn a_model_without_intervals_has_none_to_widen() {
    let error =
        Conformal::fit(&fleet(40, 4, 1), &DIRECT, &out_of_fold_protocol(40, 4), 1).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the model returned no interval for unit 1 at cycle "),
        "{error}"
    );
    // The other method ignores the model's own intervals.
    let split = |predictions: &[Prediction]| {
        Conformal::fit(
            predictions,
            &options(true, 0.9),
            &out_of_fold_protocol(40, 4),
            1,
        )
        .unwrap()
    };
    assert_eq!(split(&fleet(40, 4, 1)), split(&direct(40, 4, 1, 3.0)));
}

#[test]
fn cross_calibrated_quantiles_cover_what_they_have_not_seen() {
    let protocol = out_of_fold_protocol(200, 4);
    let predictions = direct(200, 4, 5, 0.5);
    let calibrated = Conformal::cross_calibrated(&predictions, &DIRECT, &protocol, 5).unwrap();
    assert!(
        calibrated
            .iter()
            .zip(&predictions)
            .all(|(a, b)| a.interval != b.interval)
    );
    let card = score(&calibrated, protocol, 60.0, &BootstrapOptions::default(), 5).unwrap();
    let coverage = card.score(Metric::Coverage).unwrap();
    assert!(coverage.lower < 0.9 && 0.9 < coverage.upper, "{coverage:?}");
}
