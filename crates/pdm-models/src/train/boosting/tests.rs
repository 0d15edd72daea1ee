//! Tests of boosting.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::ThreadPoolBuilder;

use super::fixed_point::{FixedPoint, MAX_ROWS};
use super::sample::draw;
use super::{HeldBack, fit_forest, fit_gbdt};
use crate::features::Matrix;
use crate::models::{Gbdt, GbdtOptions, Predictor};
use crate::train::looks::LookLog;
use crate::train::{TrainError, TrainOptions};
use pdm_core::events::{Event, Interrupt, Interrupted, Observer, Reporter};

fn uniform(random: &mut ChaCha8Rng) -> f64 {
    f64::from(random.next_u32()) / f64::from(u32::MAX)
}

/// Rows of uniform features, labelled `10 x0 + 5 [x1 > 1/2] + 8 x2 x3`; further features are noise.
fn problem(rows: usize, width: usize, seed: u64) -> (Matrix, Vec<f64>) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..rows * width)
        .map(|_| uniform(&mut random) as f32)
        .collect();
    let label =
        |row: &[f32]| 10.0 * row[0] + if row[1] > 0.5 { 5.0 } else { 0.0 } + 8.0 * row[2] * row[3];
    let labels = values
        .chunks(width)
        .map(|row| f64::from(label(row)))
        .collect();
    (Matrix { width, values }, labels)
}

fn fit(rows: &Matrix, labels: &[f64], options: &GbdtOptions) -> Gbdt {
    fit_gbdt(rows, labels, options, 7, &Reporter::silent()).unwrap()
}

fn rmse(forest: &Gbdt, rows: &Matrix, labels: &[f64]) -> f64 {
    let squares = forest
        .predict(rows)
        .iter()
        .zip(labels)
        .map(|(p, y)| (p - y).powi(2))
        .sum::<f64>();
    (squares / labels.len() as f64).sqrt()
}

/// One tree of one split, on every row and feature, with the full step.
fn stump() -> GbdtOptions {
    GbdtOptions {
        learning_rate: 1.0,
        leaves: 2,
        min_leaf_rows: 5,
        feature_fraction: 1.0,
        bagging_fraction: 1.0,
        l2: 1.5,
        rounds: 1,
        bins: 255,
    }
}

#[test]
fn learns_a_known_function() {
    let (rows, labels) = problem(3000, 10, 1);
    let (new_rows, new_labels) = problem(1000, 10, 2);
    let forest = fit(
        &rows,
        &labels,
        &GbdtOptions {
            min_leaf_rows: 10,
            ..Default::default()
        },
    );
    let spread = rmse(
        &Gbdt::new(labels.iter().sum::<f64>() / 3000.0, 10),
        &new_rows,
        &new_labels,
    );
    let error = rmse(&forest, &new_rows, &new_labels);
    assert!(
        spread > 4.0 && error < 0.6,
        "spread {spread}, error {error}"
    );
    let importance = forest.importance();
    let least_signal = importance[..4]
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    assert!(
        importance[4..]
            .iter()
            .all(|noise| *noise < 0.2 * least_signal),
        "{importance:?}"
    );
}

/// Tries every threshold of every feature, with the gain of XGBoost's equation 7.
fn best_split_by_force(rows: &Matrix, labels: &[f64], options: &GbdtOptions) -> (usize, f64, f64) {
    let mean = labels.iter().sum::<f64>() / labels.len() as f64;
    let score = |part: &[f64]| part.iter().sum::<f64>().powi(2) / (part.len() as f64 + options.l2);
    let residuals: Vec<_> = labels.iter().map(|label| label - mean).collect();
    let mut best = (0, 0.0, f64::NEG_INFINITY);
    for feature in 0..rows.width {
        for at in 0..labels.len() {
            let threshold = rows.row(at)[feature];
            let side = |left| -> Vec<f64> {
                (0..labels.len())
                    .filter(|r| (rows.row(*r)[feature] <= threshold) == left)
                    .map(|r| residuals[r])
                    .collect()
            };
            let (left, right) = (side(true), side(false));
            let gain = score(&left) + score(&right) - score(&residuals);
            if left.len().min(right.len()) >= options.min_leaf_rows && gain > best.2 {
                best = (feature, f64::from(threshold), gain);
            }
        }
    }
    best
}

#[test]
fn a_single_split_is_the_best_one_found_by_force() {
    for seed in 0..20 {
        let (once, labels) = problem(40, 5, seed);
        // Every row three times, so that bins of at least three rows separate all values.
        let rows = Matrix {
            width: 5,
            values: once.values.repeat(3),
        };
        let labels: Vec<_> = labels
            .repeat(3)
            .iter()
            .zip(0..)
            .map(|(label, at)| label + f64::from(at / 40))
            .collect();
        let (feature, threshold, gain) = best_split_by_force(&rows, &labels, &stump());
        let goes_left = (0..120)
            .filter(|row| f64::from(rows.row(*row)[feature]) <= threshold)
            .count();
        let forest = fit(&rows, &labels, &stump());
        let (nodes, leaves) = forest.tree(0);
        assert_eq!(
            (nodes[0].feature as usize, leaves[0].rows as usize),
            (feature, goes_left)
        );
        assert!((forest.importance()[feature] - gain).abs() < 1e-6 * gain);
    }
}

#[test]
fn a_leaf_is_the_mean_of_its_residuals_and_of_l2_zeros() {
    let rows = Matrix {
        width: 1,
        values: [[0.0; 10], [1.0; 10]].concat(),
    };
    let labels: Vec<f64> = [[2.0; 10], [6.0; 10]].concat();
    let predictions = fit(
        &rows,
        &labels,
        &GbdtOptions {
            l2: 10.0,
            ..stump()
        },
    )
    .predict(&rows);
    assert!(
        (predictions[0] - 3.0).abs() < 1e-9 && (predictions[19] - 5.0).abs() < 1e-9,
        "{predictions:?}"
    );
}

#[test]
fn the_bytes_do_not_depend_on_threads_and_do_on_the_seed() {
    let (rows, labels) = problem(12_000, 40, 3);
    let sampled = GbdtOptions {
        rounds: 12,
        leaves: 31,
        ..Default::default()
    };
    let whole = GbdtOptions {
        feature_fraction: 1.0,
        bagging_fraction: 1.0,
        ..sampled.clone()
    };
    for options in [sampled.clone(), whole] {
        let fit = || fit(&rows, &labels, &options).weights();
        let [one, two, five] = [1, 2, 5].map(|threads| {
            ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap()
                .install(fit)
        });
        assert!(one == two && one == five);
    }
    let other = fit_gbdt(&rows, &labels, &sampled, 8, &Reporter::silent()).unwrap();
    assert_ne!(other.weights(), fit(&rows, &labels, &sampled).weights());
}

#[test]
fn every_leaf_keeps_its_least_rows_and_every_tree_its_bag() {
    let (rows, labels) = problem(1000, 6, 4);
    let options = GbdtOptions {
        min_leaf_rows: 30,
        rounds: 20,
        ..Default::default()
    };
    let forest = fit(&rows, &labels, &options);
    assert_eq!(forest.trees(), 20);
    for tree in 0..20 {
        let (nodes, leaves) = forest.tree(tree);
        assert!(leaves.len() == nodes.len() + 1 && leaves.len() <= options.leaves);
        assert!(leaves.iter().all(|leaf| leaf.rows >= 30));
        assert_eq!(leaves.iter().map(|leaf| leaf.rows).sum::<u32>(), 600);
    }
}

/// The rows of a leaf while growing are those that prediction sends to it: thresholds and bins agree.
#[test]
fn prediction_sends_training_rows_where_growing_did() {
    let (rows, labels) = problem(2000, 6, 5);
    let options = GbdtOptions {
        bagging_fraction: 1.0,
        rounds: 1,
        leaves: 31,
        bins: 16,
        ..Default::default()
    };
    let forest = fit(&rows, &labels, &options);
    let mut counted: Vec<_> = forest
        .tree(0)
        .1
        .iter()
        .map(|leaf| (leaf.value, leaf.rows))
        .collect();
    let mean = labels.iter().sum::<f64>() / 2000.0;
    let mut sent = forest.predict(&rows);
    sent.sort_by(f64::total_cmp);
    let sent: Vec<_> = sent
        .chunk_by(|a, b| a == b)
        .map(|run| (run[0] - mean, run.len() as u32))
        .collect();
    counted.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert_eq!(counted.len(), sent.len());
    assert!(
        counted
            .iter()
            .zip(&sent)
            .all(|(a, b)| (a.0 - b.0).abs() < 1e-9 && a.1 == b.1)
    );
}

#[test]
fn a_fit_read_back_from_its_weights_predicts_the_same() {
    let (rows, labels) = problem(800, 6, 6);
    let forest = fit(
        &rows,
        &labels,
        &GbdtOptions {
            rounds: 30,
            ..Default::default()
        },
    );
    let back = Gbdt::load(&forest.weights()).unwrap();
    assert_eq!(back.predict(&rows), forest.predict(&rows));
}

#[test]
fn a_signal_stops_the_fit() {
    struct StopAtFirstReport(Interrupt);
    impl Observer for StopAtFirstReport {
        fn on(&self, _: &Event) {
            self.0.cell().store(2, Ordering::Relaxed);
        }
    }
    let (rows, labels) = problem(500, 6, 7);
    let interrupt = Interrupt::default();
    let reporter = Reporter::new(interrupt.clone()).with(Arc::new(StopAtFirstReport(interrupt)));
    let stopped = fit_gbdt(&rows, &labels, &GbdtOptions::default(), 7, &reporter);
    assert!(matches!(
        stopped,
        Err(TrainError::Interrupted(Interrupted::Signal { signal: 2 }))
    ));
}

#[test]
fn the_training_error_is_reported_as_it_falls() {
    #[derive(Default)]
    struct RecordedEvents(Mutex<Vec<Event>>);
    impl Observer for RecordedEvents {
        fn on(&self, event: &Event) {
            self.0.lock().unwrap().push(event.clone());
        }
    }
    let (rows, labels) = problem(500, 6, 8);
    let heard = Arc::new(RecordedEvents::default());
    let reporter = Reporter::silent().with(heard.clone());
    let options = GbdtOptions {
        rounds: 25,
        ..Default::default()
    };
    let forest = fit_gbdt(&rows, &labels, &options, 7, &reporter).unwrap();
    let events = heard.0.lock().unwrap();
    let metrics: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Metric { key, step, value } if key == "gbdt/train_rmse" => Some((*step, *value)),
            _ => None,
        })
        .collect();
    assert_eq!(
        metrics.iter().map(|(step, _)| *step).collect::<Vec<_>>(),
        [10, 20, 25]
    );
    assert!(metrics.is_sorted_by(|a, b| a.1 > b.1));
    assert!((metrics[2].1 - rmse(&forest, &rows, &labels)).abs() < 1e-9);
    assert!(matches!(
        events.last(),
        Some(Event::Progress {
            done: 25,
            total: 25,
            ..
        })
    ));
}

#[test]
fn too_few_rows_and_labels_that_are_no_numbers_are_refused() {
    let (rows, mut labels) = problem(133, 4, 9);
    let refused = fit_gbdt(
        &rows,
        &labels,
        &GbdtOptions::default(),
        7,
        &Reporter::silent(),
    )
    .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "training rows: 133 available, at least 134 needed"
    );
    let refused = fit_gbdt(
        &rows,
        &labels[1..],
        &GbdtOptions::default(),
        7,
        &Reporter::silent(),
    )
    .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "labels: 132 available, at least 133 needed"
    );
    labels[50] = f64::NAN;
    let refused = fit_gbdt(&rows, &labels, &stump(), 7, &Reporter::silent());
    assert!(matches!(
        refused,
        Err(TrainError::Diverged {
            model: "gbdt",
            step: 1,
            ..
        })
    ));
}

#[test]
fn constant_features_or_labels_give_the_mean() {
    let flat = Matrix {
        width: 2,
        values: vec![1.0; 400],
    };
    let (rows, labels) = problem(200, 4, 10);
    let mean = labels.iter().sum::<f64>() / 200.0;
    assert_eq!(fit(&flat, &labels, &stump()).predict_last(&flat), mean);
    assert_eq!(fit(&rows, &[3.0; 200], &stump()).predict_last(&rows), 3.0);
}

#[test]
fn packed_sums_hold_the_largest_residuals_and_counts() {
    for rows in [1, 2, 255, 256, 20_000, MAX_ROWS] {
        let packing = FixedPoint::new(rows, 125.0);
        for residual in [125.0, -125.0, 0.0] {
            let sum = packing.pack(residual).wrapping_mul(rows as i64);
            assert_eq!(packing.rows(sum) as usize, rows);
            assert!(
                (packing.sum(sum) - residual * rows as f64).abs()
                    <= 1e-9 * residual.abs() * rows as f64
            );
        }
    }
}

#[test]
fn a_draw_has_its_size_rises_and_is_even() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut hits = [0_u32; 10];
    for _ in 0..2000 {
        let drawn = draw(10, 3, &mut random);
        assert!(drawn.len() == 3 && drawn.is_sorted_by(|a, b| a < b));
        drawn.iter().for_each(|number| hits[*number as usize] += 1);
    }
    // 600 expected, standard deviation 20.5.
    assert!(hits.iter().all(|hits| hits.abs_diff(600) < 90), "{hits:?}");
}

/// Noise that cannot be learnt makes more trees worse on other rows.
#[test]
fn a_fit_that_holds_rows_back_is_the_shorter_fit_that_predicts_them_best() {
    let noisy = |seed| {
        let (rows, mut labels) = problem(400, 6, seed);
        let mut random = ChaCha8Rng::seed_from_u64(seed + 100);
        labels
            .iter_mut()
            .for_each(|label| *label += 12.0 * uniform(&mut random));
        (rows, labels)
    };
    let ((rows, labels), held_back) = (noisy(1), noisy(2));
    let options = GbdtOptions {
        min_leaf_rows: 5,
        learning_rate: 0.2,
        rounds: 200,
        ..Default::default()
    };
    let training = TrainOptions {
        validate_every: 5,
        patience: 4,
        ..Default::default()
    };
    let watched = HeldBack::new(held_back.clone(), &training);
    let (looks, reporter) = LookLog::new();
    let stopped = fit_forest(&rows, &labels, watched, &options, 7, &reporter).unwrap();
    let (looks, best) = (looks.all(), looks.best());
    assert_eq!(stopped.trees() as u64, best.0);
    assert_eq!(looks.last().unwrap().0, best.0 + 20, "{looks:?}");
    assert!(best.0 < 180, "{best:?}");
    assert_eq!(
        stopped,
        fit(
            &rows,
            &labels,
            &GbdtOptions {
                rounds: stopped.trees(),
                ..options.clone()
            }
        )
    );
    let error = |forest: &Gbdt| rmse(forest, &held_back.0, &held_back.1);
    assert!(error(&stopped) < error(&fit(&rows, &labels, &options)));
    assert!(
        HeldBack::new(
            (
                Matrix {
                    width: 6,
                    values: Vec::new()
                },
                Vec::new()
            ),
            &training
        )
        .is_none()
    );
}
