//! Tests scores against values from scikit-learn 1.9.1, numpy 2.4.6 and scipy 1.17.1, computed once on the data below.

use super::samples::{out_of_fold_protocol, prediction, test_protocol, wavy_errors};
use super::{BootstrapOptions, ComparedPredictions, Metric, Protocol, Scorecard, paired, score};
use crate::domain::Prediction;

/// The first twenty truths of the FD001 test part.
const TRUTH: [f64; 20] = [
    112.0, 98.0, 69.0, 82.0, 91.0, 93.0, 91.0, 95.0, 111.0, 96.0, 97.0, 124.0, 95.0, 107.0, 83.0,
    84.0, 50.0, 28.0, 87.0, 16.0,
];
const PREDICTED: [f64; 20] = [
    119.5, 108.25, 61.0, 82.0, 104.5, 92.125, 60.75, 125.0, 99.5, 83.0, 107.0, 140.0, 95.5, -3.0,
    72.25, 84.0, 61.0, 20.5, 87.5, 9.75,
];

fn values(card: &Scorecard) -> Vec<f64> {
    let metrics = [
        Metric::Rmse,
        Metric::Mae,
        Metric::Bias,
        Metric::NasaScore,
        Metric::LateRate,
        Metric::HarmfulLateRate,
        Metric::EarlyRate,
        Metric::OnTimeRate,
    ];
    metrics
        .map(|metric| card.score(metric).unwrap().value)
        .to_vec()
}

fn close(seen: &[f64], expected: &[f64], tolerance: f64) {
    let off = |(a, b): (&f64, &f64)| (a - b).abs() > tolerance * b.abs().max(1.0);
    assert!(
        seen.len() == expected.len() && !seen.iter().zip(expected).any(off),
        "{seen:?} against {expected:?}"
    );
}

fn of_errors(errors: impl IntoIterator<Item = f64>) -> Vec<Prediction> {
    (1..)
        .zip(errors)
        .map(|(unit, d)| prediction(unit, 50, 60.0 + d, 60.0))
        .collect()
}

fn many() -> BootstrapOptions {
    BootstrapOptions {
        resamples: 40_000,
        confidence: 0.95,
    }
}

#[test]
fn values_of_scikit_learn_and_numpy() {
    // p = clip(predicted, 0, 125), t = minimum(truth, cap), d = p - t; root_mean_squared_error(t, p),
    // mean_absolute_error(t, p), d.mean(), where(d < 0, exp(-d/13), exp(d/10)).sum() - 20, and the shares.
    let predictions: Vec<_> = (1..)
        .zip(PREDICTED.iter().zip(TRUTH))
        .map(|(unit, (rul, truth))| prediction(unit, 30, *rul, truth))
        .collect();
    let card = |truth_cap| {
        let protocol = Protocol {
            truth_cap,
            ..test_protocol(20)
        };
        values(
            &score(
                &predictions,
                protocol,
                80.0,
                &BootstrapOptions::default(),
                1,
            )
            .unwrap(),
        )
    };
    let uncapped = [
        26.839351356729914,
        13.96875,
        -5.54375,
        3798.4889427186404,
        0.45,
        0.2,
        0.1,
        0.7,
    ];
    let capped = [
        26.243109214610985,
        14.86875,
        -2.84375,
        2249.800091257173,
        0.45,
        0.3,
        0.1,
        0.6,
    ];
    close(&card(None), &uncapped, 1e-12);
    close(&card(Some(100.0)), &capped, 1e-12);
}

#[test]
fn intervals_of_scipy_bootstrap() {
    // scipy.stats.bootstrap((d,), f, n_resamples=400000, confidence_level=.95, method="percentile").
    let predictions = of_errors(wavy_errors(60));
    let card = score(&predictions, test_protocol(60), 60.0, &many(), 3).unwrap();
    for (metric, value, lower, upper, standard_error) in [
        (
            Metric::Rmse,
            8.330706574219299,
            7.31115910614465,
            9.30015296383115,
            0.5075198096771876,
        ),
        (
            Metric::Mae,
            7.24757411240091,
            6.221142411159666,
            8.293989282983903,
            0.5293931733954039,
        ),
        (
            Metric::Bias,
            1.3268445176482422,
            -0.7511661477129113,
            3.4018421688850804,
            1.0601017133511814,
        ),
        (
            Metric::NasaScore,
            65.85052371464477,
            52.39346755794143,
            80.49989329182031,
            7.182526707151467,
        ),
        (
            Metric::LateRate,
            0.5666666666666667,
            0.43333333333333335,
            0.6833333333333333,
            0.0638491672181952,
        ),
    ] {
        let seen = card.score(metric).unwrap();
        close(&[seen.value], &[value], 1e-12);
        // An end found from 40,000 resamples has a standard error of about 0.013 standard errors of the score; five
        // of those, and one step of the share's grid of 1/60.
        let tolerance = 0.07 * standard_error
            + if metric == Metric::LateRate {
                1.0 / 60.0
            } else {
                0.0
            };
        assert!(
            (seen.lower - lower).abs() < tolerance && (seen.upper - upper).abs() < tolerance,
            "{seen:?}"
        );
    }
}

#[test]
fn intervals_of_scipy_bootstrap_over_units_with_several_cuts() {
    // Units k of 30 with cuts j of 1 + k % 4: d = 9 sin(1.3 k + 0.7 j) + 2. bootstrap((S, N), paired=True) of
    // sqrt(sum S / sum N), S and N being the sum of squares and the number of cuts of each unit, at 0.9.
    let predictions: Vec<_> = (0..30)
        .flat_map(|k| (0..1 + k % 4).map(move |j| (k, j)))
        .map(|(k, j)| {
            let d = 9.0 * (1.3 * f64::from(k) + 0.7 * f64::from(j)).sin() + 2.0;
            prediction(k, 10 + j, 60.0 + d, 60.0)
        })
        .collect();
    let options = BootstrapOptions {
        confidence: 0.9,
        ..many()
    };
    let card = score(&predictions, out_of_fold_protocol(30, 4), 60.0, &options, 3).unwrap();
    let seen = card.score(Metric::Rmse).unwrap();
    close(&[seen.value], &[6.58044573092566], 1e-12);
    close(
        &[seen.lower, seen.upper],
        &[5.954981857421106, 7.1896957591980275],
        0.005,
    );
    assert!(
        card.warnings
            .contains(&"23 of 30 units have fewer than 4 cuts".to_owned())
    );
}

#[test]
fn paired_interval_of_scipy_bootstrap() {
    // bootstrap((0.8 d + 1.2 sin(2.9 i), d), paired=True) of the difference of the root mean squares.
    let champion = of_errors(wavy_errors(60));
    let challenger = of_errors(
        (0..60)
            .map(f64::from)
            .zip(wavy_errors(60))
            .map(|(i, d)| 0.8 * d + 1.2 * (2.9 * i).sin()),
    );
    let protocol = test_protocol(60);
    let evidence = |predictions| ComparedPredictions {
        predictions,
        protocol: &protocol,
    };
    let seen = paired(
        Metric::Rmse,
        evidence(&challenger),
        evidence(&champion),
        &many(),
        3,
    )
    .unwrap();
    close(&[seen.difference], &[-1.5947975098317544], 1e-12);
    close(
        &[seen.lower, seen.upper],
        &[-1.8941049512269088, -1.286444401921143],
        0.01,
    );
    assert_eq!((seen.probability_better, seen.units), (1.0, 60));
}
