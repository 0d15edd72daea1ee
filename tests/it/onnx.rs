//! Exported models say what the program says: every family through the checker of `onnx` and onnxruntime, and an MLflow
//! model through `mlflow.pyfunc.load_model` and `mlflow models serve`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pdm_ml::models::ModelOptions;
use serde_json::Value;

use crate::needs::python;
use crate::project::{Project, SMALL};

/// Small models, each with a way of reading that a plain one would not show: several layers, strides, windows
/// and contexts shorter than the histories, quantiles, seeds, and members that read one input or both.
const MODELS: [(&str, &str); 11] = [
    ("linear", "kind = \"linear\"\n"),
    ("gbdt", "kind = \"gbdt\"\nrounds = 60\n"),
    (
        "gru",
        "kind = \"gru\"\nsteps = 80\nlearning_rate = 0.02\nhidden = 7\nhead = 5\nlayers = 2\n",
    ),
    (
        "lstm",
        "kind = \"lstm\"\nsteps = 80\nlearning_rate = 0.02\nhidden = 6\nhead = 5\nlayers = 2\nstride = 3\n",
    ),
    (
        "cnn",
        "kind = \"cnn\"\nsteps = 30\nbatch = 32\nwindow = 6\nlayers = 2\nfilters = 3\nkernel = 4\nhead = 5\nstride = 3\n",
    ),
    (
        "tcn",
        "kind = \"tcn\"\nsteps = 60\nlearning_rate = 0.01\nchannels = 5\nblocks = 3\nhead = 4\nstride = 2\n",
    ),
    (
        "transformer",
        "kind = \"transformer\"\nsteps = 60\nlearning_rate = 0.01\nwidth = 8\nlayers = 2\nheads = 2\nfeed_forward = 9\nhead = 4\nmax_steps = 12\n",
    ),
    (
        "quantiles",
        "kind = \"gru\"\nsteps = 80\nlearning_rate = 0.02\nhidden = 4\nhead = 3\nstride = 1\n\n[train]\nloss = \"quantile\"\n",
    ),
    (
        "seeds",
        "kind = \"gbdt\"\nrounds = 20\n\n[train]\nseeds = 3\n",
    ),
    (
        "stack",
        "kind = \"stack\"\n\n[[model.member]]\nkind = \"linear\"\n\n[[model.member]]\nkind = \"gbdt\"\nrounds = 20\n\n\
         [[model.member]]\nkind = \"gru\"\nsteps = 60\nlearning_rate = 0.02\nhidden = 4\nhead = 3\n\n[train]\nseeds = 2\n",
    ),
    (
        "tables",
        "kind = \"stack\"\n\n[[model.member]]\nkind = \"linear\"\n\n[[model.member]]\nkind = \"gbdt\"\nrounds = 20\n",
    ),
];

/// Rows of the first units' histories; those after them are whole.
const SHORT: [usize; 9] = [1, 2, 3, 4, 5, 8, 9, 16, 31];

fn script(python: &Path, name: &str, arguments: &[&Path]) -> Vec<Value> {
    answers(Command::new(python).arg(script_path(name)).args(arguments))
}

pub(crate) fn script_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scripts")
        .join(name)
}

/// What a script prints: a JSON value a line.
pub(crate) fn answers(script: &mut Command) -> Vec<Value> {
    let output = script.stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{stdout}\n{stderr}");
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A project with a trained model, and histories of all lengths to predict.
fn trained(model: &str) -> (Project, String) {
    let project = Project::with_pipeline(&SMALL.replace("kind = \"linear\"\n", model));
    let bundle = project.json(&["train"])["bundle"]
        .as_str()
        .unwrap()
        .to_owned();
    (project, bundle)
}

/// Writes histories of all lengths of the simulated fleet into `units.txt`.
fn histories(project: &Project) {
    let mut units = String::new();
    let fleet = project.read("datasets/simulated/test_SIM001.txt");
    for unit in 1..=12 {
        let rows = fleet
            .lines()
            .filter(|line| line.split(' ').next() == Some(&unit.to_string()));
        let some = SHORT.get(unit - 1).copied().unwrap_or(usize::MAX);
        rows.take(some)
            .for_each(|row| writeln!(units, "{row}").unwrap());
    }
    project.write("units.txt", units);
}

/// What `check-onnx` and `check-mlflow` read, in the folder `name` of the project.
pub(crate) fn case(project: &Project, model: &str, name: &str) -> PathBuf {
    if !project.file("units.txt").exists() {
        histories(project);
    }
    let at = |file: &str| format!("{name}/{file}");
    let exported = project.json(&["export", "onnx", model, "--out", &at("model.onnx")]);
    let written = project.json(&[
        "export",
        "inputs",
        model,
        "--input",
        "units.txt",
        "--out",
        &at("inputs.json"),
    ]);
    let predictions = project
        .pdm(&[
            "predict",
            "-m",
            model,
            "-i",
            "units.txt",
            "--format",
            "json",
        ])
        .stdout;
    let rows: Value = serde_json::from_str(&predictions).unwrap();
    assert_eq!(
        written["rows"].as_array().unwrap().len(),
        rows.as_array().unwrap().len()
    );
    assert_eq!(written["rows"][8]["unit"], rows[8]["unit"]);
    assert_eq!(exported["outputs"][0]["name"], "rul");
    project.write(&at("predictions.json"), predictions);
    project.file(name)
}

#[test]
#[ignore = "needs a Python with mlflow and onnxruntime; scripts/test installs one"]
fn every_family_says_in_onnxruntime_what_it_says_here() {
    let python = python();
    let named = MODELS.map(|(name, model)| (name, model.to_owned()));
    let families = ModelOptions::small()
        .into_iter()
        .filter(|family| MODELS.iter().all(|(name, _)| *name != family.kind()));
    let others = families.map(|family| (family.kind(), toml::to_string(&family).unwrap()));
    let models: Vec<_> = named
        .into_iter()
        .chain(others)
        .map(|(name, model)| (name, trained(&model)))
        .collect();
    let cases: Vec<_> = models
        .iter()
        .map(|(name, (project, bundle))| case(project, bundle, name))
        .collect();
    let arguments: Vec<_> = cases.iter().map(PathBuf::as_path).collect();
    let results = script(&python, "check-onnx", &arguments);
    for (result, (name, _)) in results.iter().zip(&models) {
        println!(
            "{name}: worst {} and alone {} cycles",
            result["worst"], result["worst_alone"]
        );
        assert_eq!(
            (&result["case"], &result["units"]),
            (&Value::from(*name), &Value::from(12))
        );
        let spread = result["range"][1].as_f64().unwrap() - result["range"][0].as_f64().unwrap();
        assert!(spread > 1.0, "{name} predicts the same for all: {result}");
    }
    for (name, operator) in [
        ("gbdt", "TreeEnsembleRegressor"),
        ("gru", "GRU"),
        ("lstm", "LSTM"),
        ("cnn", "Conv"),
    ] {
        let result = results
            .iter()
            .find(|result| result["case"] == name)
            .unwrap();
        assert!(
            result["operators"]
                .as_array()
                .unwrap()
                .contains(&operator.into()),
            "{name}: {result}"
        );
    }
}

#[test]
#[ignore = "needs a Python with mlflow and onnxruntime; scripts/test installs one"]
fn an_mlflow_model_is_loaded_and_served_without_this_program() {
    let python = python();
    let (project, bundle) = trained(MODELS.iter().find(|(name, _)| *name == "stack").unwrap().1);
    let folder = case(&project, &bundle, "stack");
    project.json(&["export", "mlflow", &bundle, "--out", "stack/mlflow"]);
    let result = &script(&python, "check-mlflow", &[&folder, Path::new("--serve")])[0];
    println!(
        "worst {} by pyfunc and {} served, in cycles",
        result["pyfunc"], result["served"]
    );
    let uuid = result["model_uuid"].as_str().unwrap();
    assert!(
        project
            .read("stack/mlflow/MLmodel")
            .contains(&format!("pdm_ml.bundle: '{uuid}")),
        "{uuid}"
    );
    let names: Vec<_> = result["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| &input["name"])
        .collect();
    assert_eq!(names, ["features", "lengths"]);
    let example = result["example"][0].as_f64().unwrap();
    assert!((0.0..=125.0).contains(&example), "{result}");
}

#[test]
fn a_registered_model_exports_to_the_bytes_of_its_bundle_and_records_its_time() {
    let project = Project::with_pipeline(SMALL);
    let outcome = project.json(&["run"]);
    let bundle = outcome["bundle"].as_str().unwrap();
    let fleet = "datasets/simulated/test_SIM001.txt";
    project.json(&["export", "onnx", "small@champion", "--out", "a.onnx"]);
    project.json(&["export", "onnx", bundle, "--out", "b/c.onnx"]);
    project.json(&[
        "export",
        "mlflow",
        "small@champion",
        "--out",
        "model",
        "--input",
        fleet,
    ]);
    let bytes = |name: &str| std::fs::read(project.file(name)).unwrap();
    assert_eq!(bytes("a.onnx"), bytes("b/c.onnx"));
    assert_eq!(bytes("a.onnx"), bytes("model/model.onnx"));
    assert!(
        project
            .read("model/MLmodel")
            .contains("\nutc_time_created: '20")
    );
    let example: Value = serde_json::from_slice(&bytes("model/input_example.json")).unwrap();
    assert_eq!(example["features"].as_array().map(Vec::len), Some(12));

    project.json(&[
        "export",
        "inputs",
        "small/1",
        "--input",
        fleet,
        "--unit",
        "3",
        "--out",
        "three.json",
    ]);
    let three: Value = serde_json::from_slice(&bytes("three.json")).unwrap();
    assert_eq!(
        three["inputs"]["features"],
        Value::from(vec![example["features"][2].clone()])
    );
    let answer = project.pdm(&["export", "onnx", "nobody", "--out", "x.onnx"]);
    assert_eq!(answer.code, 2, "{answer:?}");
}
