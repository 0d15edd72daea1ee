//! Our side of `scripts/benchmark-training`: the steps of a fit, and single predictions, one by one; and the backends of this
//! build, compared with each other.
//!
//! With `--family` it prints one JSON object, which the script describes; with `--backends`, a table in Markdown; otherwise its
//! usage.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its results"
)]

use std::collections::HashMap;
use std::error::Error;
use std::time::Instant;

use pdm_ml::features::Matrix;
use pdm_ml::models::{ModelOptions, Predictor};
use pdm_ml::train::{Backend, WindowLearner};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::SafeTensors;
use serde_json::{Value, json};

/// That of the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "training_steps --family gru|lstm|cnn|transformer --threads N --weights FILE --data FILE \
                     [--warmup 3] [--steps 20] [--latency 0]\n       \
                     training_steps --backends all|gru,lstm,… --threads N [--warmup 3] [--steps 20] [--rounds 5]";
const FAMILIES: [&str; 4] = ["gru", "lstm", "cnn", "transformer"];
/// Windows, steps and features of the comparison of backends: those of `scripts/benchmark-training`.
const WINDOWS: [usize; 3] = [256, 30, 24];
/// Largest relative difference between the losses of two backends, which round differently; other networks differ by more.
const LOSSES_AGREE_TO: f64 = 1e-2;
/// Predictions before the first one that is timed.
const UNTIMED: usize = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let pairs = words
        .chunks_exact(2)
        .filter_map(|pair| Some((pair[0].strip_prefix("--")?, pair[1].as_str())));
    let given: HashMap<&str, &str> = pairs.collect();
    if !given.contains_key("family") && !given.contains_key("backends") {
        eprintln!("usage: {USAGE}");
        return Ok(());
    }
    let needed = |name: &str| {
        given
            .get(name)
            .copied()
            .ok_or_else(|| format!("--{name} is missing: {USAGE}"))
    };
    let number = |name: &str, default: usize| {
        given
            .get(name)
            .map_or(Ok(default), |text| text.parse::<usize>())
    };
    let threads = needed("threads")?.parse()?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    let (warmup, steps) = (number("warmup", 3)?, number("steps", 20)?);
    if let Some(names) = given.get("backends") {
        let rounds = number("rounds", 5)?;
        println!("| network | backend | threads | ms a step | of native's time |");
        println!("| --- | --- | --- | --- | --- |");
        let asked = |family: &&str| *names == "all" || names.split(',').any(|name| name == *family);
        for family in FAMILIES.into_iter().filter(asked) {
            compare_backends(family, threads, [warmup, steps, rounds])?;
        }
        return Ok(());
    }
    let family = needed("family")?;
    let counts = [warmup, steps, number("latency", 0)?];
    let (weights, data) = (
        std::fs::read(needed("weights")?)?,
        std::fs::read(needed("data")?)?,
    );
    let found = measure(family, &weights, &SafeTensors::deserialize(&data)?, counts)?;
    println!(
        "{}",
        with(found, json!({ "family": family, "threads": threads }))
    );
    Ok(())
}

fn measure(
    family: &str,
    weights: &[u8],
    data: &SafeTensors<'_>,
    [warmup, steps, latency]: [usize; 3],
) -> Result<Value, Box<dyn Error>> {
    let (shape, inputs) = tensor(data, "inputs")?;
    let (_, labels) = tensor(data, "labels")?;
    let &[batch, rows, width] = shape.as_slice() else {
        return Err("`inputs` has no three dimensions".into());
    };
    let mut learner = WindowLearner::new(options(family)?, [rows, width], &inputs, &labels)
        .ok_or("no network")?;
    let weights = SafeTensors::deserialize(weights)?;
    let mut parameters = Vec::new();
    for (name, shape) in learner.tensors() {
        let (found, values) = tensor(&weights, name)?;
        if found != shape {
            return Err(format!("`{name}` has shape {found:?}, not {shape:?}").into());
        }
        parameters.extend(values);
    }
    learner.set_parameters(parameters);
    let window = Matrix {
        width,
        values: inputs[..rows * width].to_vec(),
    };
    let model = learner.model().ok_or("no network")?;
    let (losses, step_ms) = run(&learner, Backend::Native, warmup, steps);
    Ok(json!({
        "batch": batch,
        "parameters": learner.parameters(),
        "prediction": model.predict_last(&window),
        "losses": losses,
        "step_ms": step_ms,
        "latency_us": predict(model.as_ref(), &window, latency),
    }))
}

/// The networks of the comparison: one step a row, AdamW at a constant rate, no clipping, no average.
fn options(family: &str) -> Result<ModelOptions, Box<dyn Error>> {
    let own = match family {
        "gru" | "lstm" => json!({ "layers": 2, "hidden": 64, "head": 32, "max_steps": 30 }),
        "cnn" => {
            json!({ "window": 30, "layers": 4, "filters": 10, "kernel": 10, "last_kernel": 3, "head": 100 })
        }
        "transformer" => {
            json!({ "width": 64, "layers": 2, "heads": 4, "feed_forward": 128, "head": 32, "max_steps": 30 })
        }
        other => return Err(format!("`{other}` is not compared: {USAGE}").into()),
    };
    let shared = json!({
        "stride": 1, "learning_rate": 1e-3, "schedule": "constant", "warmup_fraction": 0.0, "weight_decay": 0.01,
        "gradient_clip": 1e9, "weight_average": 0.0, "batch": 256,
    });
    ModelOptions::decode(family, with(own, shared))
        .ok_or("no such family")?
        .map_err(Into::into)
}

/// Prints a row for each backend of this build: the median over rounds in which the backends take turns, with the least and the
/// most of any round, all from the same weights on the same batch.
fn compare_backends(
    family: &str,
    threads: usize,
    [warmup, steps, rounds]: [usize; 3],
) -> Result<(), Box<dyn Error>> {
    let [windows, rows, width] = WINDOWS;
    let mut rng = ChaCha8Rng::seed_from_u64(20261123);
    let mut draw = |count: usize, bound: f32| -> Vec<f32> {
        (0..count)
            .map(|_| rng.random_range(-bound..bound))
            .collect()
    };
    let (inputs, labels) = (draw(windows * rows * width, 1.0), draw(windows, 1.0));
    let mut learner = WindowLearner::new(options(family)?, [rows, width], &inputs, &labels)
        .ok_or("no network")?;
    learner.set_parameters(draw(learner.parameters(), 0.1));
    let backends: Vec<_> = Backend::built().collect();
    let mut medians = vec![Vec::new(); backends.len()];
    for _ in 0..rounds {
        let mut expected: Option<Vec<f64>> = None;
        for (backend, medians) in backends.iter().zip(&mut medians) {
            let (losses, step_ms) = run(&learner, *backend, warmup, steps);
            let expected = expected.get_or_insert_with(|| losses.clone());
            if !agree(expected, &losses) {
                return Err(format!("{family}: {backend:?} has other losses than native").into());
            }
            medians.push(median(step_ms));
        }
    }
    let native = median(medians[0].clone());
    for (backend, medians) in backends.iter().zip(medians) {
        let name = json!(backend);
        let name = name.as_str().ok_or("a backend without a name")?;
        let least = medians.iter().copied().fold(f64::INFINITY, f64::min);
        let most = medians.iter().copied().fold(0.0, f64::max);
        let threads = if *backend == Backend::Native {
            threads
        } else {
            1
        };
        let middle = median(medians);
        println!(
            "| {family} | {name} | {threads} | {middle:.1} ({least:.1}–{most:.1}) | {:.2} |",
            middle / native
        );
    }
    Ok(())
}

fn agree(expected: &[f64], losses: &[f64]) -> bool {
    let close = |(a, b): (&f64, &f64)| (a - b).abs() <= LOSSES_AGREE_TO * a.abs();
    expected.iter().zip(losses).all(close)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn run(
    learner: &WindowLearner,
    backend: Backend,
    warmup: usize,
    steps: usize,
) -> (Vec<f64>, Vec<f64>) {
    let (mut losses, mut step_ms) = (Vec::new(), Vec::new());
    let mut start = Instant::now();
    learner.run(backend, warmup + steps, |loss| {
        step_ms.push(start.elapsed().as_secs_f64() * 1e3);
        losses.push(loss);
        start = Instant::now();
    });
    (losses, step_ms.split_off(warmup))
}

fn predict(model: &dyn Predictor, window: &Matrix, count: usize) -> Vec<f64> {
    let timed = |_| {
        let start = Instant::now();
        std::hint::black_box(model.predict_last(window));
        start.elapsed().as_secs_f64() * 1e6
    };
    let all: Vec<f64> = (0..if count == 0 { 0 } else { UNTIMED + count })
        .map(timed)
        .collect();
    all.into_iter().skip(UNTIMED).collect()
}

fn tensor(file: &SafeTensors<'_>, name: &str) -> Result<(Vec<usize>, Vec<f32>), Box<dyn Error>> {
    let view = file
        .tensor(name)
        .map_err(|error| format!("`{name}`: {error}"))?;
    let (numbers, _) = view.data().as_chunks();
    Ok((
        view.shape().to_vec(),
        numbers
            .iter()
            .map(|number| f32::from_le_bytes(*number))
            .collect(),
    ))
}

fn with(mut object: Value, more: Value) -> Value {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}
