//! Cross-validation and the final fit, on simulated fleets and, where it is installed, on FD001.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::*;
use crate::data::{
    CmapssOptions, DatasetOptions, Folds, Level, SeverityOptions, SimulateOptions, SplitOptions,
    ValidDataset, ValidateOptions, Verify, ingest, simulate, validate,
};
use crate::features::{FeatureOptions, FittedFeatures, Matrix, TargetOptions};
use crate::models::FamilyOptions;
use crate::models::{
    GbdtOptions, GruOptions, LinearOptions, ModelOptions, Predictor, StackOptions,
};
use pdm_core::domain::{FromData, Subset};
use pdm_core::events::{Event, Interrupt, Observer, Reporter};

const SEED: u64 = 11;

fn read(options: &DatasetOptions, root: &Path) -> ValidDataset {
    validate(ingest(options, root).unwrap(), &ValidateOptions::default())
        .dataset
        .unwrap()
}

fn fleet(units: u32) -> ValidDataset {
    let folder = tempfile::tempdir().unwrap();
    let options = SimulateOptions {
        train_units: units,
        test_units: 2,
        path: "fleet".into(),
        ..Default::default()
    };
    simulate(&options)
        .write(&folder.path().join("fleet"))
        .unwrap();
    read(&DatasetOptions::Simulated(options), folder.path())
}

/// Whether a fit draws random numbers and reports its steps; closed-form fits do neither.
fn fits_in_steps(model: &ModelOptions) -> bool {
    model.family().never_stops_early().is_none()
}

/// The other options at their defaults.
struct Rest {
    features: FeatureOptions,
    target: TargetOptions,
    training: TrainOptions,
}

impl Rest {
    fn new() -> Self {
        Self {
            features: Default::default(),
            target: Default::default(),
            training: Default::default(),
        }
    }

    fn with<'a>(&'a self, model: &'a ModelOptions) -> Recipe<'a> {
        Recipe {
            features: &self.features,
            target: &self.target,
            model,
            training: &self.training,
        }
    }
}

fn folds(dataset: &ValidDataset, count: usize) -> Folds {
    Folds::assign(
        dataset,
        &SplitOptions {
            folds: count,
            holdout: None,
        },
        SEED,
    )
    .unwrap()
}

/// All folds, one after the other.
fn cross_validate(
    dataset: &ValidDataset,
    folds: &Folds,
    recipe: &Recipe<'_>,
    seed: u64,
    reporter: &Reporter,
) -> Result<OutOfFold, TrainError> {
    let fit = |fold| {
        fit_fold(
            dataset,
            folds,
            fold,
            recipe,
            seed,
            &Workspace::none(),
            reporter,
        )
    };
    let done = (0..folds.count()).map(fit).collect::<Result<Vec<_>, _>>()?;
    Ok(OutOfFold::gather(done, recipe.target))
}

#[test]
fn every_unit_is_judged_in_its_own_fold_only() {
    let (dataset, rest) = (fleet(10), Rest::new());
    let folds = folds(&dataset, 3);
    for model in ModelOptions::small() {
        let judged = cross_validate(
            &dataset,
            &folds,
            &rest.with(&model),
            SEED,
            &Reporter::silent(),
        )
        .unwrap();
        let mut cuts_of = BTreeMap::new();
        for p in &judged.predictions {
            let unit = dataset
                .train()
                .iter()
                .find(|unit| unit.unit == p.unit)
                .unwrap();
            assert_eq!(p.truth, f64::from(unit.last_cycle().0 - p.cycle.0));
            assert!(p.truth >= 1.0 && p.cycle.0 >= 15 && p.rul.is_finite());
            assert!(folds.held_out(&dataset, p.fold).contains(&unit));
            *cuts_of.entry(&p.unit).or_insert(0) += 1;
        }
        assert!(
            cuts_of.len() == 10 && cuts_of.values().all(|cuts| *cuts == 8),
            "{cuts_of:?}"
        );
        let order: Vec<_> = judged
            .predictions
            .iter()
            .map(|p| (&p.unit, p.cycle))
            .collect();
        assert!(order.is_sorted_by(|a, b| a < b));
    }
}

#[test]
fn folds_can_be_fitted_apart_and_all_models_are_judged_at_the_same_cycles() {
    let (dataset, rest, reporter) = (fleet(8), Rest::new(), Reporter::silent());
    let folds = folds(&dataset, 2);
    let cycles = ModelOptions::small().into_iter().map(|model| {
        let recipe = rest.with(&model);
        let whole = cross_validate(&dataset, &folds, &recipe, SEED, &reporter).unwrap();
        let none = Workspace::none();
        let apart = [1, 0]
            .map(|fold| fit_fold(&dataset, &folds, fold, &recipe, SEED, &none, &reporter).unwrap());
        assert_eq!(whole, OutOfFold::gather(apart, recipe.target));
        whole
            .predictions
            .iter()
            .map(|p| (p.unit.clone(), p.cycle))
            .collect::<Vec<_>>()
    });
    let cycles: Vec<_> = cycles.collect();
    assert!(cycles.iter().all(|of_model| *of_model == cycles[0]));
}

/// No out-of-fold predictions, with equal weights for the members of a stack.
fn unweighed(recipe: &Recipe<'_>) -> OutOfFold {
    let Some(stack) = recipe.model.stack() else {
        return OutOfFold::default();
    };
    let weights = vec![1.0 / stack.member.len() as f64; stack.member.len()];
    let blend = Blend {
        weights,
        fold_weights: Vec::new(),
        member_rmse: Vec::new(),
    };
    OutOfFold {
        predictions: Vec::new(),
        blend: Some(blend),
    }
}

/// The final features and model.
fn both(
    dataset: &ValidDataset,
    recipe: &Recipe<'_>,
    seed: u64,
    reporter: &Reporter,
) -> Result<(FittedFeatures, Box<dyn Predictor>), TrainError> {
    let features = final_features(dataset, recipe, seed)?;
    let model = final_fit(
        dataset,
        &features,
        recipe,
        seed,
        &unweighed(recipe),
        &Workspace::none(),
        reporter,
    )?;
    Ok((features, model))
}

#[test]
fn a_prediction_is_that_of_the_history_cut_there() {
    let (dataset, rest) = (fleet(6), Rest::new());
    for model in ModelOptions::small() {
        let recipe = rest.with(&model);
        let (features, fitted) = both(&dataset, &recipe, SEED, &Reporter::silent()).unwrap();
        let input = |rows: usize| features.input(model.input(), &dataset.train()[0].cut(rows));
        let whole = fitted.predict(&input(dataset.train()[0].len()));
        assert_eq!(fitted.input(), model.input());
        for rows in [1, 2, 5, 37, 90] {
            assert_eq!(
                fitted.predict(&input(rows)),
                whole[..rows],
                "{} at {rows}",
                model.kind()
            );
            assert_eq!(fitted.predict_last(&input(rows)), whole[rows - 1]);
        }
    }
}

#[test]
fn a_final_fit_is_reproducible_and_its_weights_come_back() {
    let (dataset, rest) = (fleet(6), Rest::new());
    for model in ModelOptions::small() {
        let fit = |seed, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                both(&dataset, &rest.with(&model), seed, &Reporter::silent())
                    .unwrap()
                    .1
            })
        };
        let (one, two) = (fit(1, 1), fit(1, 2));
        assert_eq!(one.weights(), two.weights(), "{}", model.kind());
        let loaded = model.load(&one.weights()).unwrap();
        let input = Matrix {
            width: width(&dataset, &model),
            values: vec![0.5; 3 * width(&dataset, &model)],
        };
        assert_eq!(loaded.predict(&input), one.predict(&input));
        if fits_in_steps(&model) {
            assert_ne!(one.weights(), fit(2, 1).weights(), "{}", model.kind());
        }
    }
}

fn width(dataset: &ValidDataset, model: &ModelOptions) -> usize {
    let rest = Rest::new();
    let features =
        crate::features::fit(&dataset.training(), &rest.features, &rest.target, 0).unwrap();
    features.input(model.input(), &dataset.train()[0]).width
}

/// What a small fit learns from, whatever the family.
fn examples(dataset: &ValidDataset, recipe: &Recipe<'_>) -> Vec<UnitExamples> {
    let features = final_features(dataset, recipe, SEED).unwrap();
    dataset
        .train()
        .iter()
        .map(|unit| recipe.examples(&features, recipe.model.input(), unit))
        .collect()
}

#[test]
fn repeated_fits_are_averaged_and_the_first_is_that_of_the_seed_itself() {
    let (dataset, rest) = (fleet(5), Rest::new());
    for model in ModelOptions::small()
        .into_iter()
        .filter(|model| model.stack().is_none())
    {
        let examples = examples(&dataset, &rest.with(&model));
        let fit = |seed, seeds| {
            let training = TrainOptions {
                seeds,
                ..Default::default()
            };
            let (none, silent) = (Workspace::none(), Reporter::silent());
            fit(
                &model,
                &examples,
                &rest.target,
                &training,
                seed,
                &none,
                &silent,
            )
            .unwrap()
        };
        let history = &examples[0].input;
        let singles = [SEED, derive_seed(SEED, "seed-2")].map(|seed| fit(seed, 1).predict(history));
        let mean: Vec<_> = singles[0]
            .iter()
            .zip(&singles[1])
            .map(|(one, two)| (one + two) / 2.0)
            .collect();
        let repeated = fit(SEED, 2);
        assert_eq!(repeated.predict(history), mean, "{}", model.kind());
        assert_eq!(repeated.predict_last(history), *mean.last().unwrap());
        let loaded = model.load(&repeated.weights()).unwrap();
        assert_eq!(
            (loaded.predict(history), loaded.weights()),
            (mean, repeated.weights())
        );
    }
}

/// Records the names of all metrics.
#[derive(Default)]
struct Names(Mutex<std::collections::BTreeSet<String>>);

impl Observer for Names {
    fn on(&self, event: &Event) {
        if let Event::Metric { key, .. } = event {
            self.0.lock().unwrap().insert(key.clone());
        }
    }
}

#[test]
fn a_stack_has_weights_per_fold_and_final_weights_of_all_folds() {
    let (dataset, rest, silent) = (fleet(9), Rest::new(), Reporter::silent());
    let options = StackOptions::small();
    let count = options.member.len();
    let model = ModelOptions::Stack(options);
    let (recipe, folds) = (rest.with(&model), folds(&dataset, 3));
    let judged = cross_validate(&dataset, &folds, &recipe, SEED, &silent).unwrap();
    let blend = judged.blend.as_ref().unwrap();
    for p in &judged.predictions {
        let weighed = p
            .members
            .iter()
            .zip(&blend.fold_weights[p.fold])
            .map(|(value, weight)| value * weight);
        assert_eq!((p.members.len(), p.rul), (count, weighed.sum()));
    }
    let features = final_features(&dataset, &recipe, SEED).unwrap();
    let fit = |judged| {
        final_fit(
            &dataset,
            &features,
            &recipe,
            SEED,
            judged,
            &Workspace::none(),
            &silent,
        )
    };
    let stack = fit(&judged).unwrap();
    let unit = &dataset.train()[0];
    let members = recipe.learn_models(
        &dataset.training(),
        &features,
        derive_seed(SEED, "final"),
        &Workspace::none(),
        &silent,
    );
    let mut expected = vec![0.0; unit.len()];
    for (member, weight) in members.unwrap().iter().zip(&blend.weights) {
        let predictions = member.predict(&features.input(member.input(), unit));
        expected
            .iter_mut()
            .zip(predictions)
            .for_each(|(sum, value)| *sum += weight * value);
    }
    assert_eq!(
        stack.predict(&features.input(stack.input(), unit)),
        expected
    );
    assert!(matches!(
        fit(&OutOfFold::default()),
        Err(TrainError::TooLittleData { .. })
    ));
}

/// Runs `work` and returns its result and the names of the metrics it logged.
fn metrics<T>(work: impl FnOnce(&Reporter) -> T) -> (T, Vec<String>) {
    let names = Arc::new(Names::default());
    let result = work(&Reporter::silent().with(Arc::<Names>::clone(&names)));
    let names = names.0.lock().unwrap().iter().cloned().collect();
    (result, names)
}

#[test]
fn a_fit_that_was_finished_before_is_not_done_again() {
    let (dataset, mut rest) = (fleet(5), Rest::new());
    rest.training.seeds = 2;
    let folder = tempfile::tempdir().unwrap();
    for model in ModelOptions::small().into_iter().filter(fits_in_steps) {
        let (recipe, kind) = (rest.with(&model), model.kind());
        let features = final_features(&dataset, &recipe, SEED).unwrap();
        let workspace = Workspace::at(folder.path()).part(kind);
        let fit = |reporter: &Reporter| {
            final_fit(
                &dataset,
                &features,
                &recipe,
                SEED,
                &unweighed(&recipe),
                &workspace,
                reporter,
            )
            .unwrap()
        };
        let (whole, all) = metrics(fit);
        let fitted_last = model.stack().and_then(|stack| stack.names().pop());
        let lost = match fitted_last {
            Some(member) => format!("final/{member}/seed-2"),
            None => "final/seed-2".to_owned(),
        };
        assert!(
            all.iter().any(|name| name.starts_with(&lost))
                && all.iter().any(|name| !name.starts_with(&lost))
        );
        std::fs::remove_dir_all(folder.path().join(kind).join(&lost)).unwrap();
        let (resumed, rest) = metrics(fit);
        assert!(
            !rest.is_empty() && rest.iter().all(|name| name.starts_with(&lost)),
            "{rest:?}"
        );
        assert_eq!(resumed.weights(), whole.weights());
    }
}

#[test]
fn a_signal_stops_every_family() {
    let (dataset, rest) = (fleet(4), Rest::new());
    let interrupt = Interrupt::default();
    interrupt
        .cell()
        .store(15, std::sync::atomic::Ordering::Relaxed);
    for model in ModelOptions::small() {
        let stopped = both(
            &dataset,
            &rest.with(&model),
            SEED,
            &Reporter::new(interrupt.clone()),
        );
        assert!(matches!(stopped, Err(TrainError::Interrupted(_))));
    }
}

#[test]
fn options_out_of_range_are_refused() {
    let (dataset, mut rest) = (fleet(4), Rest::new());
    let refused = |rest: &Rest, model| {
        both(&dataset, &rest.with(&model), SEED, &Reporter::silent())
            .unwrap_err()
            .to_string()
    };
    let gru = ModelOptions::Gru(GruOptions {
        stride: FromData::Set(0),
        ..Default::default()
    });
    assert_eq!(
        refused(&rest, gru),
        "`stride` must be from 1 to 65536, not 0"
    );
    rest.training.row_stride = FromData::Set(0);
    assert_eq!(
        refused(&rest, ModelOptions::default()),
        "`row_stride` must be from 1 to 1000000, not 0"
    );
}

/// The bound of the project for FD001: out-of-fold RMSE, both sides capped at 125 cycles, at most 9.0.
#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn trees_on_fd001_of_nasa_files_are_as_good_as_promised() {
    let path = cmapss();
    let options = CmapssOptions {
        path,
        ..Default::default()
    };
    let (dataset, rest) = (
        read(&DatasetOptions::Cmapss(options), Path::new("/")),
        Rest::new(),
    );
    let model = ModelOptions::Gbdt(GbdtOptions::default());
    let judged = cross_validate(
        &dataset,
        &folds(&dataset, 5),
        &rest.with(&model),
        SEED,
        &Reporter::silent(),
    )
    .unwrap();
    let errors = judged
        .predictions
        .iter()
        .map(|p| (p.rul.clamp(0.0, 125.0) - p.truth.min(125.0)).powi(2));
    let rmse = (errors.sum::<f64>() / judged.predictions.len() as f64).sqrt();
    assert!(rmse < 9.0, "{rmse}");
}

#[test]
fn a_subset_is_scored_at_the_same_cycles_alone_and_in_a_pool() {
    let folder = tempfile::tempdir().unwrap();
    for (name, seed) in [("FD001", 1), ("FD003", 2)] {
        let fleet = SimulateOptions {
            name: name.into(),
            seed,
            train_units: 6,
            test_units: 2,
            ..Default::default()
        };
        simulate(&fleet).write(folder.path()).unwrap();
    }
    let judged = |subset, subsets: &[Subset]| {
        let options = CmapssOptions {
            subset,
            subsets: subsets.into(),
            path: PathBuf::new(),
            verify: Verify::Off,
        };
        let severity = SeverityOptions {
            unit_counts: Level::Off,
            ..Default::default()
        };
        let options = ingest(&DatasetOptions::Cmapss(options), folder.path()).unwrap();
        let dataset = validate(
            options,
            &ValidateOptions {
                severity,
                ..Default::default()
            },
        )
        .dataset
        .unwrap();
        let (model, rest) = (ModelOptions::Linear(LinearOptions::default()), Rest::new());
        cross_validate(
            &dataset,
            &folds(&dataset, 2),
            &rest.with(&model),
            SEED,
            &Reporter::silent(),
        )
        .unwrap()
        .predictions
    };
    let alone = judged(Some(Subset::FD003), &[]);
    let pooled = judged(None, &[Subset::FD001, Subset::FD003]);
    let cuts = |of: &[OutOfFoldPrediction], group: &str| -> std::collections::BTreeSet<_> {
        let own = of
            .iter()
            .filter_map(|p| Some((p.unit.as_str().strip_prefix(group)?.to_owned(), p.cycle)));
        own.collect()
    };
    assert_eq!(
        (pooled.len(), cuts(&pooled, "FD003-")),
        (2 * alone.len(), cuts(&alone, ""))
    );
    assert_ne!(cuts(&pooled, "FD001-"), cuts(&pooled, "FD003-"));
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn the_regimes_of_a_pool_of_nasa_files_are_those_of_its_subsets() {
    let path = cmapss();
    for (subsets, regimes) in [
        ([Subset::FD001, Subset::FD003], 1),
        ([Subset::FD002, Subset::FD004], 6),
    ] {
        let options = CmapssOptions {
            subset: None,
            subsets: subsets.into(),
            path: path.clone(),
            ..Default::default()
        };
        let (dataset, rest) = (
            read(&DatasetOptions::Cmapss(options), Path::new("/")),
            Rest::new(),
        );
        let features =
            final_features(&dataset, &rest.with(&ModelOptions::default()), SEED).unwrap();
        assert_eq!(
            (features.regime_count(), features.sensors().len()),
            (regimes, 14),
            "{subsets:?}"
        );
    }
}

/// Returns the folder of NASA's files.
fn cmapss() -> PathBuf {
    let folder = std::env::var_os("PDM_ML_CMAPSS").map(PathBuf::from);
    folder.expect(
        "PDM_ML_CMAPSS is not set: it names the folder of NASA's files (datasets/README.md)",
    )
}
