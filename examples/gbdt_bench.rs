//! Fits and predicts on matrices in a folder, for `scripts/benchmark-training`.
//!
//! `gbdt_bench FOLDER SEED THREADS` reads `options.json` ([`GbdtOptions`]), `x_train.f32` and `x_test.f32` (row-major,
//! little-endian) and `y_train.f64`; writes `prediction.f64` and prints the fit's wall seconds.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use pdm_ml::events::Reporter;
use pdm_ml::features::Matrix;
use pdm_ml::models::{GbdtOptions, Predictor};
use pdm_ml::train::fit_gbdt;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().collect();
    let [_, folder, seed, threads] = &arguments[..] else {
        return Err("usage: gbdt_bench FOLDER SEED THREADS".into());
    };
    let (folder, seed) = (Path::new(folder), seed.parse()?);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build_global()?;
    let options: GbdtOptions =
        serde_json::from_slice(&std::fs::read(folder.join("options.json"))?)?;
    let labels: Vec<f64> = read(&folder.join("y_train.f64"), f64::from_le_bytes)?;
    let train = read(&folder.join("x_train.f32"), f32::from_le_bytes)?;
    let width = train.len() / labels.len();
    let test = Matrix {
        width,
        values: read(&folder.join("x_test.f32"), f32::from_le_bytes)?,
    };
    let start = Instant::now();
    let forest = fit_gbdt(
        &Matrix {
            width,
            values: train,
        },
        &labels,
        &options,
        seed,
        &Reporter::silent(),
    )?;
    let fitted = start.elapsed();
    let predictions = forest.predict(&test);
    let predicted = start.elapsed() - fitted;
    let start = Instant::now();
    let last: f64 = (0..1000)
        .map(|_| std::hint::black_box(&forest).predict_last(std::hint::black_box(&test)))
        .sum();
    let latency = start.elapsed() / 1000;
    std::hint::black_box(last);
    std::fs::write(
        folder.join("prediction.f64"),
        predictions
            .iter()
            .flat_map(|p| p.to_le_bytes())
            .collect::<Vec<_>>(),
    )?;
    let times = serde_json::json!({
        "fit_s": fitted.as_secs_f64(),
        "predict_us_per_row": predicted.as_secs_f64() * 1e6 / test.rows() as f64,
        "predict_last_us": latency.as_secs_f64() * 1e6,
    });
    writeln!(std::io::stdout(), "{times}")?;
    Ok(())
}

fn read<T, const N: usize>(path: &Path, from: fn([u8; N]) -> T) -> std::io::Result<Vec<T>> {
    Ok(std::fs::read(path)?
        .as_chunks::<N>()
        .0
        .iter()
        .map(|bytes| from(*bytes))
        .collect())
}
