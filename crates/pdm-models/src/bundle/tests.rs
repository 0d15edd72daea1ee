//! Tests of bundles, also of forged ones: correct digests do not prove that the numbers are valid.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::manifest::{CALIBRATION, CONTENTS, FEATURES, MANIFEST, PROFILE, WEIGHTS};
use super::*;
use crate::data::{
    Contents, DatasetOptions, SimulateOptions, Trajectory, ValidDataset, ValidateOptions, ingest,
    simulate, validate,
};
use crate::features::{FeatureOptions, FittedFeatures, TargetOptions, fit};
use crate::models::gbdt::{Leaf, TreeNode};
use crate::models::neural::Network;
use crate::models::{Ensemble, Gbdt, Linear, ModelOptions, Neural, Predictor, Stack};
use pdm_core::content::Digest;
use pdm_core::domain::{Cycle, FlagKind, Interval, Prediction, UnitId};
use pdm_core::scoring::{CalibrateOptions, Conformal, Cuts, Part, Protocol, ShortUnits};

/// A small fleet in six regimes, and the features fitted on it.
struct TestFleet {
    dataset: ValidDataset,
    features: FittedFeatures,
}

static FLEET: LazyLock<TestFleet> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let options = SimulateOptions {
        path: "sim".into(),
        train_units: 12,
        test_units: 4,
        regimes: 6,
        ..SimulateOptions::default()
    };
    fs::create_dir(folder.path().join("sim")).unwrap();
    simulate(&options)
        .write(&folder.path().join("sim"))
        .unwrap();
    let raw = ingest(&DatasetOptions::Simulated(options), folder.path()).unwrap();
    let dataset = validate(raw, &ValidateOptions::default()).dataset.unwrap();
    let features = fit(
        &dataset.training(),
        &FeatureOptions::default(),
        &TargetOptions::default(),
        1,
    )
    .unwrap();
    TestFleet { dataset, features }
});

/// Small options of every family.
fn families() -> Vec<ModelOptions> {
    let small = |kind: &str| match kind {
        "gru" | "lstm" => json!({ "hidden": 4, "head": 3 }),
        "cnn" => json!({ "window": 6, "layers": 2, "filters": 2, "kernel": 3, "head": 3 }),
        "tcn" => json!({ "channels": 4, "blocks": 2, "head": 3 }),
        "transformer" => {
            json!({ "width": 4, "layers": 1, "heads": 2, "feed_forward": 4, "head": 3, "max_steps": 9 })
        }
        "stack" => {
            json!({ "member": [{ "kind": "linear" }, { "kind": "gru", "hidden": 4, "head": 3 }] })
        }
        _ => json!({}),
    };
    ModelOptions::KINDS
        .iter()
        .map(|kind| ModelOptions::decode(kind, small(kind)).unwrap().unwrap())
        .collect()
}

/// Arbitrary weights of the right shape.
fn model(options: &ModelOptions) -> Box<dyn Predictor> {
    let [table, sequence] = FLEET.features.widths();
    if let Some(options) = options.neural() {
        let network = Network::new(options, sequence, 1);
        let parameters = (0..network.layout.len())
            .map(|i| 0.4 * (1.7 * i as f32).sin())
            .collect();
        return Box::new(Neural::new(options, network, parameters, sequence, 125.0));
    }
    match options {
        ModelOptions::Stack(options) => {
            let members: Vec<_> = options.member.iter().map(model).collect();
            Box::new(Stack::new(members, vec![0.5, 0.5], table))
        }
        ModelOptions::Gbdt(_) => {
            let mut forest = Gbdt::new(60.0, table);
            let nodes = [
                TreeNode {
                    feature: 1,
                    threshold: 0.5,
                    left: 1,
                    right: !0,
                },
                TreeNode {
                    feature: 7,
                    threshold: -0.5,
                    left: !1,
                    right: !2,
                },
            ];
            let leaf = |value| Leaf { value, rows: 40 };
            forest.push_tree(&nodes, &[leaf(1.0), leaf(-2.0), leaf(3.0)], &[5.0, 2.0]);
            Box::new(forest)
        }
        _ => Box::new(Ensemble::new(vec![
            linear(table, 0.01),
            linear(table, -0.02),
        ])),
    }
}

fn linear(width: usize, coefficient: f64) -> Box<dyn Predictor> {
    Box::new(Linear::new(60.0, vec![coefficient; width]))
}

fn calibration() -> Conformal {
    let protocol = Protocol {
        part: Part::OutOfFold,
        data: Digest::of("data"),
        units: 60,
        cuts: Cuts::LastCycle,
        truth_cap: Some(125.0),
        clip: Interval {
            lower: 0.0,
            upper: 125.0,
        },
        short_units: ShortUnits::Scored,
    };
    let prediction = |unit: u32| Prediction {
        unit: UnitId::from(unit),
        cycle: Cycle(40),
        rul: f64::from(unit),
        interval: None,
        truth: Some(f64::from(unit) + f64::from(unit % 7) - 3.0),
        flags: Vec::new(),
    };
    let predictions: Vec<_> = (5..65).map(prediction).collect();
    Conformal::fit(&predictions, &CalibrateOptions::default(), &protocol, 1).unwrap()
}

fn write_bundle(options: &ModelOptions, folder: &Path) {
    let TestFleet { dataset, features } = &*FLEET;
    let provenance = Provenance {
        dataset: "sim".to_owned(),
        training_data: Digest::of("train"),
        training_units: 12,
        split: Digest::of("split"),
        seed: 1,
    };
    let parts = BundleParts {
        features,
        model: options,
        weights: &model(options).weights(),
        target: &TargetOptions::default(),
        calibration: &calibration(),
        profile: &ReferenceProfile::describe(&dataset.training(), features, 15),
        contents: &Contents::of(dataset),
        provenance,
    };
    assemble(&parts, folder).unwrap();
}

/// A bundle in a folder, in which one file at a time is forged.
struct Forged {
    folder: tempfile::TempDir,
    manifest: Value,
}

impl Forged {
    fn new(options: &ModelOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_bundle(options, folder.path());
        let manifest =
            serde_json::from_slice(&fs::read(folder.path().join(MANIFEST)).unwrap()).unwrap();
        Self { folder, manifest }
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.path().join(name)).unwrap()
    }

    /// Replaces a file and its digest in the manifest, opens and uses the bundle, and restores both.
    fn holds_with(&self, name: &str, bytes: &[u8], what: &str) {
        let path = self.folder.path().join(name);
        let (good, good_manifest) = (fs::read(&path).unwrap(), self.read(MANIFEST));
        fs::write(&path, bytes).unwrap();
        if name != MANIFEST {
            let mut manifest = self.manifest.clone();
            let files = manifest["files"].as_array_mut().unwrap();
            let file = files.iter_mut().find(|file| file["name"] == name).unwrap();
            file["sha256"] = json!(Digest::of(bytes));
            file["bytes"] = json!(bytes.len());
            fs::write(
                self.folder.path().join(MANIFEST),
                serde_json::to_vec(&manifest).unwrap(),
            )
            .unwrap();
        }
        let ended = catch_unwind(AssertUnwindSafe(|| self.open_and_use()));
        assert!(ended.is_ok(), "{name} with {what} ends in a panic");
        fs::write(&path, good).unwrap();
        fs::write(self.folder.path().join(MANIFEST), good_manifest).unwrap();
    }

    /// Both an error and predictions are acceptable.
    fn open_and_use(&self) {
        let Ok(bundle) = ModelBundle::open(self.folder.path(), None) else {
            return;
        };
        let units: Vec<Trajectory> = FLEET
            .dataset
            .test()
            .unwrap()
            .units
            .iter()
            .take(1)
            .map(|unit| unit.cut(21))
            .collect();
        let short = units[0].cut(1);
        bundle.predict(&units);
        bundle.predict(&[short]);
        bundle.predict_every_cycle(&units);
    }

    fn mutate_json(&self, name: &str, step: usize) {
        let good: Value = serde_json::from_slice(&self.read(name)).unwrap();
        for (at, path) in paths(&good)
            .into_iter()
            .enumerate()
            .filter(|(at, _)| at % step == 0)
        {
            for value in replacements(good.pointer(&path).unwrap(), at) {
                let mut forged = good.clone();
                *forged.pointer_mut(&path).unwrap() = value.clone();
                let what = format!("{path} = {}", shortened(&value));
                self.holds_with(name, &serde_json::to_vec(&forged).unwrap(), &what);
            }
        }
    }

    fn mutate_weights(&self) {
        let good = self.read(WEIGHTS);
        let length = u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
        let (header, data) = (&good[8..8 + length], &good[8 + length..]);
        for length in [0, 1, length as u64 + 1, good.len() as u64, u64::MAX] {
            let bytes = [&length.to_le_bytes(), &good[8..]].concat();
            self.holds_with(WEIGHTS, &bytes, &format!("a header of {length} bytes"));
        }
        let header: Value = serde_json::from_slice(header).unwrap();
        for (at, path) in paths(&header).into_iter().enumerate() {
            for value in replacements(header.pointer(&path).unwrap(), at) {
                let mut forged = header.clone();
                *forged.pointer_mut(&path).unwrap() = value.clone();
                let forged = serde_json::to_vec(&forged).unwrap();
                let bytes = [&(forged.len() as u64).to_le_bytes()[..], &forged, data].concat();
                self.holds_with(WEIGHTS, &bytes, &format!("{path} = {}", shortened(&value)));
            }
        }
        for (at, pattern) in (8 + length..good.len() - 8)
            .step_by(52)
            .zip([[0xff; 8], [0x7f; 8], [0; 8]].iter().cycle())
        {
            let mut bytes = good.clone();
            bytes[at..at + 8].copy_from_slice(pattern);
            self.holds_with(WEIGHTS, &bytes, &format!("{pattern:x?} at {at}"));
        }
    }
}

/// Returns the pointer of every number, text and list below a value.
fn paths(value: &Value) -> Vec<String> {
    let mut paths = Vec::new();
    let below = |key: String, value: &Value| paths_below(&key, value);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                paths.extend(below(key.replace('~', "~0").replace('/', "~1"), value));
            }
        }
        Value::Array(items) => {
            for (at, value) in items.iter().enumerate() {
                paths.extend(below(at.to_string(), value));
            }
        }
        _ => {}
    }
    paths
}

fn paths_below(key: &str, value: &Value) -> Vec<String> {
    let own = (!value.is_object()).then(|| format!("/{key}"));
    own.into_iter()
        .chain(paths(value).into_iter().map(|path| format!("/{key}{path}")))
        .collect()
}

/// Returns replacements for a value; for numbers a few of many, chosen by their position.
fn replacements(value: &Value, at: usize) -> Vec<Value> {
    match value {
        Value::Number(number) => {
            let next = number.as_f64().unwrap_or_default() + 1.0;
            let all = [
                json!(0),
                json!(-1),
                json!(u64::MAX),
                json!(1e308),
                json!(4096),
                json!(-1e308),
                json!(0.5),
                json!(null),
            ];
            let next = if next.fract() == 0.0 && next > 0.0 {
                json!(next as u64)
            } else {
                json!(next)
            };
            vec![all[at % 8].clone(), all[(at + 3) % 8].clone(), next]
        }
        Value::Array(items) => {
            let mut longer = items.clone();
            longer.extend(items.first().cloned());
            let shorter = items.iter().skip(1).cloned().collect();
            let many = items
                .iter()
                .cycle()
                .take(300 * items.len())
                .cloned()
                .collect();
            vec![
                json!([]),
                Value::Array(longer),
                Value::Array(shorter),
                Value::Array(many),
            ]
        }
        Value::String(_) => vec![json!(""), json!("s_1"), json!("F64"), json!("linear")],
        _ => vec![json!(null), json!(7), json!(true)],
    }
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(80).collect()
}

#[test]
fn bundles_of_every_family_open_as_they_were_written() {
    for options in families() {
        let forged = Forged::new(&options);
        let bundle = ModelBundle::open(forged.folder.path(), None).unwrap();
        let predictions = bundle.predict(&FLEET.dataset.test().unwrap().units);
        assert!(
            predictions.iter().all(|p| p.rul.is_finite()),
            "{}",
            options.kind()
        );
    }
}

#[test]
fn a_forged_number_or_list_is_an_error_or_a_bundle_and_never_a_panic() {
    for options in families() {
        let forged = Forged::new(&options);
        // Features and profile are the same for all families, so each family tries another share of them.
        let share = 1 + 2 * families().len();
        forged.mutate_json(MANIFEST, 1);
        forged.mutate_json(CALIBRATION, 3);
        forged.mutate_json(FEATURES, share);
        forged.mutate_json(PROFILE, share);
        forged.mutate_json(CONTENTS, share);
        forged.mutate_weights();
    }
}

#[test]
fn options_that_ask_for_more_than_any_machine_has_are_refused_before_room_is_made() {
    let tcn = ModelOptions::decode("tcn", json!({ "channels": 4, "blocks": 2, "head": 3 }))
        .unwrap()
        .unwrap();
    let forged = Forged::new(&tcn);
    let mut manifest = forged.manifest.clone();
    manifest["model"]["channels"] = json!(4096);
    manifest["model"]["blocks"] = json!(16);
    manifest["model"]["kernel"] = json!(256);
    fs::write(
        forged.folder.path().join(MANIFEST),
        serde_json::to_vec(&manifest).unwrap(),
    )
    .unwrap();
    let error = ModelBundle::open(forged.folder.path(), None).unwrap_err();
    assert!(matches!(error, BundleError::Weights(_)), "{error}");
    manifest["model"]["channels"] = json!(5_000_000_000_u64);
    fs::write(
        forged.folder.path().join(MANIFEST),
        serde_json::to_vec(&manifest).unwrap(),
    )
    .unwrap();
    let error = ModelBundle::open(forged.folder.path(), None).unwrap_err();
    assert!(
        error.to_string().contains("`model.channels`") && error.is_integrity(),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn a_pipe_instead_of_a_file_does_not_block() {
    for name in [MANIFEST, WEIGHTS, FEATURES] {
        let forged = Forged::new(&families()[0]);
        let path = forged.folder.path().join(name);
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR,
            0,
        )
        .unwrap();
        let error = ModelBundle::open(forged.folder.path(), None).unwrap_err();
        assert!(matches!(error, BundleError::NotAFile { .. }), "{error}");
    }
}

fn opened() -> ModelBundle {
    let forged = Forged::new(&families()[0]);
    ModelBundle::open(forged.folder.path(), None).unwrap()
}

fn kinds(bundle: &ModelBundle, unit: &Trajectory) -> Vec<FlagKind> {
    let [prediction] = &bundle.predict(std::slice::from_ref(unit))[..] else {
        panic!("one unit, one prediction")
    };
    let every = bundle.predict_every_cycle(std::slice::from_ref(unit));
    assert_eq!(
        every.last().unwrap().flags,
        prediction.flags,
        "the prediction at the last of all cycles is the same"
    );
    prediction.flags.iter().map(|flag| flag.kind).collect()
}

/// Whole training histories have no flags.
fn known_unit() -> Trajectory {
    FLEET.dataset.train()[3].clone()
}

#[test]
fn units_of_training_and_the_test_part_are_not_flagged() {
    let bundle = opened();
    let test = &FLEET.dataset.test().unwrap().units;
    for unit in FLEET.dataset.train().iter().chain(test) {
        assert_eq!(kinds(&bundle, unit), [], "unit {}", unit.unit);
    }
}

#[test]
fn a_counter_that_begins_elsewhere_is_flagged_with_what_it_changes() {
    let bundle = opened();
    let unit = known_unit();
    let later = |by: u32| Trajectory {
        cycles: unit.cycles.iter().map(|c| Cycle(c.0 + by)).collect(),
        ..unit.clone()
    };
    assert_eq!(kinds(&bundle, &later(5).cut(30)), [FlagKind::FirstCycle]);
    let old = later(2000);
    assert_eq!(kinds(&bundle, &old), [FlagKind::FirstCycle, FlagKind::Age]);
    let [plain, moved] = &bundle.predict(&[unit.clone(), old])[..] else {
        panic!()
    };
    let expected = format!("counted from there its RUL would be {:.1}", plain.rul);
    assert!(
        moved.flags[0].message.ends_with(&expected),
        "{} {expected}",
        moved.flags[0].message
    );
}

#[test]
fn an_age_beyond_training_is_clipped() {
    let bundle = opened();
    let oldest = bundle.profile().histories.as_ref().unwrap().cycles[1];
    let unit = known_unit();
    let begin = |last: u32| {
        let first = last + 1 - unit.len() as u32;
        Trajectory {
            cycles: (first..=last).map(Cycle).collect(),
            ..unit.clone()
        }
    };
    let [at, beyond] = [oldest, oldest + 1].map(|last| bundle.predict(&[begin(last)]).remove(0));
    let far = bundle.input(&begin(oldest + 5000));
    assert_eq!(
        far.row(far.rows() - 1),
        bundle.input(&begin(oldest)).row(far.rows() - 1)
    );
    assert_eq!(at.rul, beyond.rul);
    assert!(beyond.flags.iter().any(|flag| flag.kind == FlagKind::Age));
    assert!(at.flags.iter().all(|flag| flag.kind != FlagKind::Age));
}

#[test]
fn gaps_and_short_histories_are_flagged_from_where_they_are() {
    let bundle = opened();
    let unit = known_unit();
    let gap = Trajectory {
        cycles: unit
            .cycles
            .iter()
            .map(|c| Cycle(if c.0 > 20 { c.0 + 6 } else { c.0 }))
            .collect(),
        ..unit.clone()
    };
    assert_eq!(kinds(&bundle, &gap.cut(40)), [FlagKind::Gaps]);
    let flagged: Vec<bool> = bundle
        .predict_every_cycle(&[gap.cut(40)])
        .iter()
        .map(|p| !p.flags.is_empty())
        .collect();
    assert_eq!(
        flagged.iter().position(|flagged| *flagged),
        Some(0),
        "short histories first"
    );
    assert_eq!(flagged[14..20], [false; 6]);
    assert!(flagged[20..].iter().all(|flagged| *flagged));
    assert_eq!(kinds(&bundle, &unit.cut(14)), [FlagKind::ShortHistory]);
    assert_eq!(kinds(&bundle, &unit.cut(15)), []);
}

#[test]
fn a_sensor_in_another_unit_of_measure_is_flagged_and_one_that_is_not_read_is_not() {
    let bundle = opened();
    let schema = &bundle.manifest().schema;
    let sensor = &bundle.features().sensors()[0];
    let channel = schema.channel(sensor).unwrap();
    let mut unit = known_unit();
    unit.channels[channel]
        .iter_mut()
        .for_each(|value| *value = (*value - 491.67) / 1.8);
    let found = bundle.predict(&[unit.clone()]).remove(0).flags;
    assert!(
        found
            .iter()
            .any(|flag| flag.kind == FlagKind::SensorRange && flag.message.contains(sensor)),
        "{found:?}"
    );
    assert!(kinds(&bundle, &unit).contains(&FlagKind::SensorLevel));
    if let Some(unread) = schema
        .sensors
        .iter()
        .find(|name| !bundle.features().sensors().contains(name))
    {
        let mut unit = known_unit();
        unit.channels[schema.channel(unread).unwrap()]
            .iter_mut()
            .for_each(|value| *value += 1e6);
        assert_eq!(kinds(&bundle, &unit), []);
    }
    let mut unit = known_unit();
    unit.channels[0].iter_mut().for_each(|value| *value += 7.0);
    assert!(kinds(&bundle, &unit).contains(&FlagKind::Settings));
}

#[test]
fn a_shift_within_the_range_of_a_sensor_is_flagged_by_where_it_begins() {
    let bundle = opened();
    let histories = bundle.profile().histories.as_ref().unwrap();
    let level = &histories.levels[0];
    let channel = bundle.manifest().schema.channel(&level.channel).unwrap();
    let mut unit = known_unit();
    let shift = (level.highest - level.lowest).max(1.0) + 1.0;
    for row in 0..unit.len() {
        let regime = bundle.features().regime(&unit, row);
        let sd = bundle.profile().channel(regime, &level.channel).unwrap().sd;
        unit.channels[channel][row] += (shift + level.highest - level.lowest) * sd;
    }
    assert!(kinds(&bundle, &unit).contains(&FlagKind::SensorLevel));
}

#[test]
fn a_sensor_that_is_dead_is_flagged_while_it_repeats_its_value() {
    let bundle = opened();
    let known = bundle.profile().histories.as_ref().unwrap();
    let usual = known
        .repetitions
        .iter()
        .min_by_key(|repetition| repetition.rows)
        .unwrap();
    assert!(
        usual.rows <= 2,
        "a sensor with noise, of which 5 rows are enough: {usual:?}"
    );
    let channel = bundle.manifest().schema.channel(&usual.channel).unwrap();
    let frozen = |from: usize, rows: usize| {
        let mut unit = known_unit();
        let value = unit.channels[channel][from];
        unit.channels[channel][from..from + rows].fill(value);
        unit
    };
    // In another regime the value may also be flagged as out of range; only the repetition matters here.
    let is_stuck = |unit: &Trajectory| kinds(&bundle, unit).contains(&FlagKind::Stuck);
    let unit = frozen(20, 5);
    assert!(is_stuck(&unit.cut(25)));
    let found = bundle.predict(&[unit.cut(25)]).remove(0).flags;
    let message = &found
        .iter()
        .find(|flag| flag.kind == FlagKind::Stuck)
        .unwrap()
        .message;
    let begin = format!("{} is ", usual.channel);
    assert!(
        message.starts_with(&begin) && message.contains(" in each of the last 5 rows; "),
        "{message}"
    );
    assert!(!is_stuck(&unit.cut(24)), "four rows may be chance");
    assert!(!is_stuck(&unit.cut(26)), "it moves again");
    assert!(is_stuck(&frozen(10, 40).cut(50)));
}

#[test]
fn bundles_without_repetitions_do_not_check_them() {
    let forged = Forged::new(&families()[0]);
    let mut profile: Value = serde_json::from_slice(&forged.read(PROFILE)).unwrap();
    profile["histories"]
        .as_object_mut()
        .unwrap()
        .remove("repetitions")
        .unwrap();
    let bytes = serde_json::to_vec(&profile).unwrap();
    fs::write(forged.folder.path().join(PROFILE), &bytes).unwrap();
    let mut manifest = forged.manifest.clone();
    for file in manifest["files"].as_array_mut().unwrap() {
        if file["name"] == PROFILE {
            (file["sha256"], file["bytes"]) = (json!(Digest::of(&bytes)), json!(bytes.len()));
        }
    }
    fs::write(
        forged.folder.path().join(MANIFEST),
        serde_json::to_vec(&manifest).unwrap(),
    )
    .unwrap();
    let bundle = ModelBundle::open(forged.folder.path(), None).unwrap();
    let mut unit = known_unit();
    for values in &mut unit.channels {
        let first = values[0];
        values.fill(first);
    }
    assert!(bundle.knows_histories() && !kinds(&bundle, &unit).contains(&FlagKind::Stuck));
}

#[test]
fn bundles_of_the_first_format_flag_what_they_can() {
    let forged = Forged::new(&families()[0]);
    let mut profile: Value = serde_json::from_slice(&forged.read(PROFILE)).unwrap();
    profile.as_object_mut().unwrap().remove("histories");
    let bytes = serde_json::to_vec(&profile).unwrap();
    fs::write(forged.folder.path().join(PROFILE), &bytes).unwrap();
    let mut manifest = forged.manifest.clone();
    manifest["format"] = json!(1);
    for file in manifest["files"].as_array_mut().unwrap() {
        if file["name"] == PROFILE {
            (file["sha256"], file["bytes"]) = (json!(Digest::of(&bytes)), json!(bytes.len()));
        }
    }
    fs::write(
        forged.folder.path().join(MANIFEST),
        serde_json::to_vec(&manifest).unwrap(),
    )
    .unwrap();
    let bundle = ModelBundle::open(forged.folder.path(), None).unwrap();
    assert!(!bundle.knows_histories());
    let unit = known_unit();
    assert_eq!(kinds(&bundle, &unit.cut(3)), []);
    let later = Trajectory {
        cycles: unit.cycles.iter().map(|c| Cycle(c.0 + 9000)).collect(),
        ..unit
    };
    assert_eq!(kinds(&bundle, &later), [FlagKind::FirstCycle]);
}
