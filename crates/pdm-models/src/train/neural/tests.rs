//! Gradients against the graph of burn operations and against differences, and whole fits on a toy fleet.

use std::sync::atomic::Ordering;

use burn::tensor::Device;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::batch::{Labelled, TrainingBatch};
use super::loss::ScaledLoss;
use super::{Loss, fit_neural, gradient, graph};
use crate::features::{Matrix, TargetOptions};
use crate::models::neural::{Chunk, Network};
use crate::models::{ModelOptions, Neural, Predictor};
use crate::train::looks::LookLog;
use crate::train::{Backend, TrainError, TrainOptions, UnitExamples, Workspace};
use pdm_core::events::{Interrupt, Reporter};

const TARGET: TargetOptions = TargetOptions {
    cap: pdm_core::domain::FromData::Set(20.0),
};

/// Small networks of every family.
fn networks() -> impl Iterator<Item = ModelOptions> {
    ModelOptions::small()
        .into_iter()
        .filter(|options| options.neural().is_some())
}

/// The same, with several layers and with widths that fill no vector register, for the families listed here.
fn families() -> Vec<ModelOptions> {
    let uneven = |small: ModelOptions| match small.kind() {
        kind @ ("gru" | "lstm") => decode(kind, json!({ "layers": 2, "hidden": 5, "head": 4 })),
        "cnn" => decode(
            "cnn",
            json!({ "window": 9, "layers": 2, "filters": 7, "kernel": 4, "head": 5 }),
        ),
        "tcn" => decode("tcn", json!({ "channels": 5, "blocks": 2, "head": 4 })),
        "transformer" => {
            let sizes = json!({ "width": 6, "layers": 2, "heads": 2, "feed_forward": 7, "head": 4, "max_steps": 8 });
            decode("transformer", sizes)
        }
        _ => small,
    };
    networks().map(uneven).collect()
}

fn decode(kind: &str, options: Value) -> ModelOptions {
    ModelOptions::decode(kind, options).unwrap().unwrap()
}

/// Sequences of three features in two chunks.
fn batch(last_only: bool) -> TrainingBatch {
    let chunk = |lengths: &[usize], phase: f32| {
        let rows: usize = lengths.iter().sum();
        let values = (0..3 * rows)
            .map(|i| (phase + 1.3 * i as f32).sin())
            .collect();
        let chunk = Chunk {
            rows: values,
            lengths: lengths.to_vec(),
            last_only,
        };
        let labels = (0..chunk.outputs())
            .map(|i| (phase + 0.7 * i as f32).cos())
            .collect();
        Labelled { chunk, labels }
    };
    TrainingBatch {
        chunks: vec![chunk(&[6, 1, 9], 0.0), chunk(&[9, 4], 0.4)],
    }
}

fn network(options: &ModelOptions, loss: ScaledLoss) -> (Network, Vec<f32>) {
    let network = Network::new(options.neural().unwrap(), 3, loss.outputs());
    let parameters = (0..network.layout.len())
        .map(|i| 0.5 * (0.3 + 1.7 * i as f32).sin())
        .collect();
    (network, parameters)
}

const LOSSES: [ScaledLoss; 4] = [
    ScaledLoss::Mse,
    ScaledLoss::Huber { delta: 0.3 },
    ScaledLoss::Asymmetric { late: 2.5 },
    ScaledLoss::Quantile {
        levels: [0.1, 0.5, 0.8],
    },
];

/// The devices of burn's backends in this build.
fn devices() -> impl Iterator<Item = Device> {
    Backend::built().filter_map(Backend::graph_device)
}

#[test]
fn gradients_agree_with_the_graph() {
    for device in devices() {
        let each_loss = |options| LOSSES.iter().map(move |loss| (options, *loss));
        for (options, loss) in families().iter().flat_map(each_loss) {
            let (network, parameters) = network(options, loss);
            for last_only in [true, false] {
                let batch = batch(last_only || network.body.window().is_some());
                let (value, ours) =
                    gradient::loss_and_gradient(&network, &parameters, &batch, loss);
                let (expected, book) =
                    graph::loss_and_gradient(&network, &parameters, &batch, loss, &device);
                assert!(
                    (value - expected).abs() < 1e-5,
                    "{} {value} {expected}",
                    options.kind()
                );
                for (i, (a, b)) in ours.iter().zip(&book).enumerate() {
                    let name = network.layout.name_of(i);
                    assert!(
                        (a - b).abs() < 2e-5 * (1.0 + b.abs()),
                        "{} {name} {i}: {a} {b}",
                        options.kind()
                    );
                }
                assert!(
                    book.iter().filter(|g| g.abs() > 1e-4).count() > book.len() / 10,
                    "{}",
                    options.kind()
                );
            }
        }
    }
}

#[test]
fn gradients_agree_with_differences() {
    for options in families() {
        let (network, parameters) = network(&options, ScaledLoss::Mse);
        let batch = batch(network.body.window().is_some());
        let (_, gradient) =
            gradient::loss_and_gradient(&network, &parameters, &batch, ScaledLoss::Mse);
        let at = |parameter: usize, step: f32| {
            let mut moved = parameters.clone();
            moved[parameter] += step;
            gradient::loss_and_gradient(&network, &moved, &batch, ScaledLoss::Mse).0
        };
        for tensor in network.layout.tensors() {
            let parameter = (tensor.start + tensor.end()) / 2;
            let slope = (at(parameter, 4e-3) - at(parameter, -4e-3)) / 8e-3;
            let ours = f64::from(gradient[parameter]);
            assert!(
                (ours - slope).abs() < 2e-3 * (1.0 + slope.abs()),
                "{} {ours} {slope}",
                tensor.name
            );
        }
    }
}

/// Units that fail at cycle 40; the one feature is a noisy view of the time left, up to 20 cycles.
fn units(count: usize) -> Vec<UnitExamples> {
    let unit = |i: usize| {
        let labels: Vec<f64> = (0..40).map(|row| f64::from(39 - row).min(20.0)).collect();
        let noise = |row: usize| 0.3 * ((i * 40 + row) as f32 * 12.9898).sin();
        let values = labels
            .iter()
            .enumerate()
            .map(|(row, y)| 1.0 - *y as f32 / 10.0 + noise(row))
            .collect();
        UnitExamples {
            input: Matrix { width: 1, values },
            labels,
        }
    };
    (0..count).map(unit).collect()
}

/// The small network of a family, which takes `steps` steps.
fn toy(kind: &str, steps: usize) -> ModelOptions {
    let small = networks().find(|small| small.kind() == kind).unwrap();
    let mut options = serde_json::to_value(small).unwrap();
    let options = options.as_object_mut().unwrap();
    options.remove("kind");
    let learning_rate = if matches!(kind, "tcn" | "transformer") {
        0.01
    } else {
        0.02
    };
    let batch = if kind == "cnn" { 32 } else { 4 };
    let own = json!({ "stride": 2, "steps": steps, "batch": batch, "learning_rate": learning_rate, "head": 6 });
    options.extend(own.as_object().unwrap().clone());
    decode(kind, Value::Object(options.clone()))
}

fn fit_with(
    options: &ModelOptions,
    training: &TrainOptions,
    seed: u64,
    workspace: &Workspace,
) -> Neural {
    let options = options.neural().unwrap();
    fit_neural(
        &units(12),
        &TARGET,
        options,
        training,
        seed,
        workspace,
        &Reporter::silent(),
    )
    .unwrap()
}

fn fit(options: &ModelOptions, seed: u64) -> Neural {
    fit_with(options, &TrainOptions::default(), seed, &Workspace::none())
}

fn rmse(model: &Neural) -> f64 {
    let test = units(14).pop().unwrap();
    let errors = model
        .predict(&test.input)
        .into_iter()
        .zip(&test.labels)
        .map(|(r, y)| (r - y).powi(2));
    (errors.sum::<f64>() / 40.0).sqrt()
}

#[test]
fn every_family_learns_to_read_the_time_left() {
    for kind in networks().map(|small| small.kind()) {
        let found = rmse(&fit(&toy(kind, 180), 1));
        assert!(found < 2.6, "{kind}: {found}");
    }
}

#[test]
fn every_backend_learns_the_same_problem() {
    let fitted = |kind, backend| {
        let training = TrainOptions {
            backend,
            ..Default::default()
        };
        fit_with(&toy(kind, 180), &training, 1, &Workspace::none())
    };
    for kind in networks().map(|small| small.kind()) {
        let native = fitted(kind, Backend::Native);
        for backend in Backend::built().filter(|backend| *backend != Backend::Native) {
            let other = fitted(kind, backend);
            let (ours, theirs) = (rmse(&native), rmse(&other));
            assert!(theirs < 2.6, "{kind} by {backend:?}: {theirs}");
            assert!(
                (theirs - ours).abs() < 0.5,
                "{kind} by {backend:?}: {theirs}, native {ours}"
            );
            // The layers are others, so sums round otherwise: equal bytes would mean that the backend was not used.
            assert_ne!(native.weights(), other.weights(), "{kind} by {backend:?}");
        }
    }
}

#[test]
fn a_backend_of_burn_gives_the_same_bytes_again() {
    let training = TrainOptions {
        backend: Backend::Flex,
        ..Default::default()
    };
    for kind in networks().map(|small| small.kind()) {
        let fit = || fit_with(&toy(kind, 9), &training, 5, &Workspace::none()).weights();
        assert_eq!(fit(), fit(), "{kind}");
    }
}

#[test]
fn a_seed_decides_every_byte_at_any_number_of_threads() {
    for kind in networks().map(|small| small.kind()) {
        let with_threads = |threads: usize, seed| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| fit(&toy(kind, 9), seed).weights())
        };
        let one = with_threads(1, 5);
        assert_eq!(one, with_threads(2, 5), "{kind}");
        assert_eq!(one, with_threads(3, 5), "{kind}");
        assert_ne!(one, with_threads(1, 6), "{kind}");
    }
}

#[test]
fn a_fit_that_was_stopped_ends_with_the_same_bytes() {
    let training = TrainOptions {
        validation: 0.25,
        validate_every: 10,
        ..Default::default()
    };
    for kind in ["gru", "cnn"] {
        let options = toy(kind, 130);
        let whole = fit_with(&options, &training, 3, &Workspace::none()).weights();
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(folder.path());
        for stop_at in [37, 108] {
            stopped_at(stop_at, &options, &training, &workspace);
            assert!(folder.path().join("last.safetensors").is_file());
            assert!(folder.path().join("best.safetensors").is_file());
        }
        assert_eq!(
            fit_with(&options, &training, 3, &workspace).weights(),
            whole,
            "{kind}"
        );
        // A damaged checkpoint, and one of another fit, are ignored.
        let last = folder.path().join("last.safetensors");
        let bytes = std::fs::read(&last).unwrap();
        std::fs::write(&last, &bytes[..bytes.len() - 3]).unwrap();
        assert_eq!(
            fit_with(&options, &training, 3, &workspace).weights(),
            whole,
            "{kind}"
        );
        let other = fit_with(&options, &training, 4, &Workspace::none()).weights();
        assert_eq!(
            fit_with(&options, &training, 4, &workspace).weights(),
            other,
            "{kind}"
        );
    }
}

/// Raises the signal when the fit reports this step or a later one.
struct StopAt(usize, Interrupt);

impl pdm_core::events::Observer for StopAt {
    fn on(&self, event: &pdm_core::events::Event) {
        if let pdm_core::events::Event::Metric { step, .. } = event
            && *step as usize >= self.0
        {
            self.1.cell().store(2, Ordering::Relaxed);
        }
    }
}

fn stopped_at(step: usize, options: &ModelOptions, training: &TrainOptions, workspace: &Workspace) {
    let interrupt = Interrupt::default();
    let reporter =
        Reporter::new(interrupt.clone()).with(std::sync::Arc::new(StopAt(step, interrupt)));
    let stopped = fit_neural(
        &units(12),
        &TARGET,
        options.neural().unwrap(),
        training,
        3,
        workspace,
        &reporter,
    );
    assert!(matches!(stopped, Err(TrainError::Interrupted(_))));
}

#[test]
fn a_fit_that_learns_no_more_stops_early_with_its_best_weights() {
    let mut options = toy("gru", 4000);
    if let ModelOptions::Gru(options) = &mut options {
        (options.schedule, options.warmup_fraction) = (crate::models::Schedule::Constant, 0.0);
    }
    let training = TrainOptions {
        validation: 0.25,
        validate_every: 10,
        patience: 3,
        ..Default::default()
    };
    let (looks, reporter) = LookLog::new();
    let model = fit_neural(
        &units(12),
        &TARGET,
        options.neural().unwrap(),
        &training,
        3,
        &Workspace::none(),
        &reporter,
    )
    .unwrap();
    let (looks, best) = (looks.all(), looks.best());
    assert_eq!(looks.last().unwrap().0, best.0 + 30, "{looks:?}");
    assert!(best.0 < 3000, "{best:?}");
    assert!(rmse(&model) < looks[0].1, "{} {looks:?}", rmse(&model));
}

#[test]
fn a_signal_and_nonsense_end_the_fit() {
    let options = toy("gru", 20);
    let run = |units: &[UnitExamples]| {
        let training = TrainOptions::default();
        let options = options.neural().unwrap();
        fit_neural(
            units,
            &TARGET,
            options,
            &training,
            1,
            &Workspace::none(),
            &Reporter::silent(),
        )
    };
    let mut nonsense = units(2);
    nonsense[0].labels[5] = f64::INFINITY;
    nonsense[0].labels[4] = f64::INFINITY;
    assert!(matches!(
        run(&nonsense),
        Err(TrainError::Diverged {
            model: "gru",
            step: 1,
            ..
        })
    ));
    assert!(matches!(
        run(&[UnitExamples::default()]),
        Err(TrainError::TooLittleData { .. })
    ));
}

#[test]
fn losses_change_what_is_learnt() {
    let model = |loss| {
        fit_with(
            &toy("gru", 120),
            &TrainOptions {
                loss,
                ..Default::default()
            },
            3,
            &Workspace::none(),
        )
    };
    let mean = |model: &Neural| model.predict(&units(13)[12].input).iter().sum::<f64>() / 40.0;
    let (mse, asymmetric) = (model(super::Loss::Mse), model(super::Loss::Asymmetric));
    assert!(
        mean(&asymmetric) < mean(&mse),
        "late errors weigh more, so predictions are earlier"
    );
    assert_ne!(model(super::Loss::Huber).weights(), mse.weights());
}

/// Units whose labels are spread evenly about 10, by 2 to 8 cycles as the one feature says.
fn spread_units(count: usize) -> Vec<UnitExamples> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut unit = || {
        let values: Vec<f32> = (0..40).map(|_| rng.random_range(0.0..1.0)).collect();
        let label = |x: &f32| 10.0 + rng.random_range(-1.0..1.0) * (2.0 + 6.0 * f64::from(*x));
        let labels = values.iter().map(label).collect();
        UnitExamples {
            input: Matrix { width: 1, values },
            labels,
        }
    };
    (0..count).map(|_| unit()).collect()
}

/// Share of labels within the learnt intervals of new units, and the mean width where the feature is low and high.
fn learnt_intervals(quantiles: [f64; 3]) -> (f64, [f64; 2]) {
    let training = TrainOptions {
        loss: Loss::Quantile,
        quantiles,
        validation: 0.1,
        ..Default::default()
    };
    let (options, mut units) = (toy("gru", 300), spread_units(80));
    let test = units.split_off(60);
    let (options, workspace) = (options.neural().unwrap(), Workspace::none());
    let model = fit_neural(
        &units,
        &TARGET,
        options,
        &training,
        5,
        &workspace,
        &Reporter::silent(),
    )
    .unwrap();
    let (mut held, mut widths) = (0, [(0.0, 0), (0.0, 0)]);
    for unit in &test {
        let (ranges, points) = (
            model.intervals(&unit.input).unwrap(),
            model.predict(&unit.input),
        );
        assert!(
            ranges
                .iter()
                .zip(&points)
                .all(|(range, point)| range.contains(*point))
        );
        for ((range, label), feature) in ranges.iter().zip(&unit.labels).zip(&unit.input.values) {
            held += usize::from(range.contains(*label));
            let (sum, count) = &mut widths[usize::from(*feature > 0.5)];
            (*sum, *count) = (*sum + range.width(), *count + 1);
        }
    }
    (
        held as f64 / 800.0,
        widths.map(|(sum, count)| sum / f64::from(count)),
    )
}

#[test]
fn learnt_quantiles_cover_what_their_levels_say() {
    let (wide, widths) = learnt_intervals([0.05, 0.5, 0.95]);
    assert!((0.84..0.96).contains(&wide), "{wide} {widths:?}");
    assert!(
        (4.5..8.0).contains(&widths[0]) && (10.0..14.0).contains(&widths[1]),
        "{widths:?}"
    );
    let (narrow, _) = learnt_intervals([0.25, 0.5, 0.75]);
    assert!((0.42..0.58).contains(&narrow), "{narrow}");
}

#[test]
fn a_backend_that_was_not_built_is_refused() {
    let built: Vec<_> = Backend::built().collect();
    let missing = [Backend::Ndarray, Backend::Cuda, Backend::Wgpu]
        .into_iter()
        .filter(|backend| !built.contains(backend));
    for backend in missing {
        let problems = TrainOptions {
            backend,
            ..Default::default()
        }
        .problems();
        assert!(
            problems[0]
                .message
                .starts_with("this program was built without"),
            "{problems:?}"
        );
    }
}
