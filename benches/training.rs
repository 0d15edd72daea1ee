//! What a fit and a prediction are made of, on a simulated fleet of 100 units: `cargo bench --bench training`.
//!
//! `cargo bench --bench training predict` times only what has that in its name.

use std::sync::LazyLock;

use divan::Bencher;
use pdm_ml::data::{
    self, DatasetOptions, SimulateOptions, Trajectory, ValidDataset, ValidateOptions,
};
use pdm_ml::events::Reporter;
use pdm_ml::features::{FeatureOptions, FittedFeatures, Matrix, TargetOptions};
use pdm_ml::models::{GbdtOptions, ModelOptions};
use pdm_ml::train::{
    OutOfFold, Recipe, TrainOptions, Workspace, final_features, final_fit, fit_gbdt,
};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde_json::json;

const SEED: u64 = 1;

static FLEET: LazyLock<ValidDataset> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = SimulateOptions {
        path: folder.path().to_owned(),
        ..SimulateOptions::default()
    };
    data::simulate(&options)
        .write(folder.path())
        .expect("a fleet on disk");
    let raw = data::ingest(&DatasetOptions::Simulated(options), folder.path())
        .expect("the files just written");
    data::validate(raw, &ValidateOptions::default())
        .dataset
        .expect("a simulated fleet is valid")
});

static FEATURES: LazyLock<FittedFeatures> = LazyLock::new(fit_features);

fn main() {
    divan::main();
}

fn with_recipe<T>(model: &ModelOptions, run: impl FnOnce(&Recipe<'_>) -> T) -> T {
    let (features, target) = (FeatureOptions::default(), TargetOptions::default());
    run(&Recipe {
        features: &features,
        target: &target,
        model,
        training: &TrainOptions::default(),
    })
}

#[divan::bench(name = "fit the features", sample_count = 10)]
fn features(bencher: Bencher) {
    LazyLock::force(&FLEET);
    bencher.bench(fit_features);
}

fn fit_features() -> FittedFeatures {
    let fitted = with_recipe(&ModelOptions::default(), |recipe| {
        final_features(&FLEET, recipe, SEED)
    });
    fitted.expect("a fleet with sensors that wear")
}

fn longest_unit() -> &'static Trajectory {
    FLEET
        .train()
        .iter()
        .max_by_key(|unit| unit.len())
        .expect("100 units")
}

#[divan::bench(name = "feature table of the longest unit")]
fn table(bencher: Bencher) {
    let (features, unit) = (&*FEATURES, longest_unit());
    bencher.bench(|| features.table(unit));
}

#[divan::bench(name = "sequence of the longest unit")]
fn sequence(bencher: Bencher) {
    let (features, unit) = (&*FEATURES, longest_unit());
    bencher.bench(|| features.sequence(unit));
}

fn threads(count: usize) -> ThreadPool {
    ThreadPoolBuilder::new()
        .num_threads(count)
        .build()
        .expect("threads")
}

/// Every row of every unit, four times what a fit of the product learns from.
#[divan::bench(name = "fit 300 trees", args = [1, 2], sample_count = 5)]
fn gbdt(bencher: Bencher, count: usize) {
    let tables: Vec<_> = FLEET
        .train()
        .iter()
        .map(|unit| FEATURES.table(unit))
        .collect();
    let width = tables[0].width;
    let rows = Matrix {
        width,
        values: tables.into_iter().flat_map(|table| table.values).collect(),
    };
    let labels: Vec<_> = FLEET
        .train()
        .iter()
        .flat_map(|unit| (0..unit.len()).map(|row| unit.rul_at(row)))
        .collect();
    let (pool, options) = (threads(count), GbdtOptions::default());
    bencher
        .bench(|| pool.install(|| fit_gbdt(&rows, &labels, &options, SEED, &Reporter::silent())));
}

/// How long one machine waits for its answer, once its features are there.
#[divan::bench(name = "predict the longest unit", args = ["linear", "gbdt", "gru"])]
fn predict(bencher: Bencher, kind: &str) {
    let options = if kind == "gru" {
        json!({ "steps": 5 })
    } else {
        json!({})
    };
    let model = ModelOptions::decode(kind, options)
        .expect("a known family")
        .expect("known options");
    let fitted = with_recipe(&model, |recipe| {
        final_fit(
            &FLEET,
            &FEATURES,
            recipe,
            SEED,
            &OutOfFold::default(),
            &Workspace::none(),
            &Reporter::silent(),
        )
    });
    let predictor = fitted.expect("a fleet to learn from");
    let input = FEATURES.input(model.input(), longest_unit());
    bencher.bench(|| predictor.predict_last(&input));
}
