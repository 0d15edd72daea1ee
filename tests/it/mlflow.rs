//! The pipeline with a real MLflow server, started by `scripts/services`, and read back by MLflow's own Python client.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::needs::{mlflow_url, python};
use crate::onnx;
use crate::project::{Project, SMALL};

const READ_BACK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mlflow_read_back.py");

/// Folds and seeds, curves, and a registered model.
const NETWORK: &str = r#"
version = 3

[project]
name = "small"
seed = 7

[dataset]
kind = "simulated"
train_units = 24
test_units = 12

[evaluate]
bootstrap = { resamples = 400 }

[[gate]]
metric = "rmse"
rule = "at_most"
value = 1000.0

[split]
folds = 2

[model]
kind = "gru"
hidden = 4
steps = 60

[train]
seeds = 2
"#;

/// The server's address and a Python with its client.
fn server() -> (String, PathBuf) {
    (mlflow_url(), python())
}

/// A pipeline of a name of its own, so that its registered model is its own, too.
fn project(name: &str, pipeline: &str) -> (Project, String) {
    let name = format!("{name}-{}", std::process::id());
    (
        Project::with_pipeline(
            &pipeline.replace("name = \"small\"", &format!("name = \"{name}\"")),
        ),
        name,
    )
}

/// Compares a run on the server with its journal, and returns what was compared.
fn read_back(python: &Path, url: &str, experiment: &str, project: &Project, run: &str) -> Value {
    let folder = project.file(&format!("experiments/runs/{run}"));
    let output = Command::new(python)
        .arg(READ_BACK)
        .args([url, experiment])
        .arg(folder)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {stderr}"))
}

/// Loads the server's registered model in Python, and holds its predictions against ours.
fn python_predicts_alike(python: &Path, url: &str, project: &Project, model: &str) {
    let folder = onnx::case(project, model, "case");
    let mut command = Command::new(python);
    command
        .arg(onnx::script_path("check-mlflow"))
        .arg(folder)
        .args(["--model", &format!("models:/{model}")]);
    let result = &onnx::answers(command.env("MLFLOW_TRACKING_URI", url))[0];
    assert!(result["pyfunc"].as_f64().unwrap() < 1e-4, "{result:#}");
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn a_training_is_read_back_by_the_python_client() {
    let (url, python) = server();
    let (project, name) = project("read-back", NETWORK);
    let run = |more: &[&str]| {
        let mut command = project.command(&[&["run", "--format", "json"], more].concat());
        command
            .env("MLFLOW_TRACKING_URI", &url)
            .env("MLFLOW_RUN_CONTEXT", r#"{"team":"plant 7"}"#);
        command.env("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05");
        let output = command
            .env("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["run"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let first = run(&[]);
    // A server under the load of all tests may have been too slow for the end of the run.
    assert_eq!(project.pdm(&["track", "sync", "--to", &url]).code, 0);
    let seen = read_back(&python, &url, &name, &project, &first);
    // Two folds and the final fit, each with two seeds.
    assert_eq!(seen["children"], 9, "{seen:#}");
    assert_eq!(
        (&seen["versions"], &seen["aliases"]),
        (&1.into(), &1.into()),
        "{seen:#}"
    );
    for (what, least) in [
        ("points", 100),
        ("params", 20),
        ("inputs", 7),
        ("artifacts", 8),
    ] {
        assert!(seen[what].as_u64().unwrap() >= least, "{what}: {seen:#}");
    }
    assert!(
        seen["metrics"]
            .as_array()
            .unwrap()
            .contains(&"system/cpu_utilization_percentage".into()),
        "{seen:#}"
    );
    python_predicts_alike(&python, &url, &project, &format!("{name}@champion"));

    let second = run(&["--force", "--set", "project.seed=8"]);
    assert_eq!(project.pdm(&["track", "sync", "--to", &url]).code, 0);
    let seen = read_back(&python, &url, &name, &project, &second);
    assert_eq!(
        (&seen["children"], &seen["versions"], &seen["aliases"]),
        (&9.into(), &1.into(), &1.into()),
        "{seen:#}"
    );
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn what_was_recorded_without_a_server_is_sent_later_and_once() {
    let (url, python) = server();
    let (project, name) = project("later", SMALL);
    let dead = ["--set", "tracking.mlflow_url=http://127.0.0.1:9"];
    let answer = project.pdm(&[&["run", "--format", "json"], &dead[..]].concat());
    assert!(
        answer.code == 0 && answer.stderr.contains("run `pdm-ml track sync` later"),
        "{answer:?}"
    );
    let run = serde_json::from_str::<Value>(&answer.stdout).unwrap()["run"]
        .as_str()
        .unwrap()
        .to_owned();

    let refused = project.pdm(&["track", "sync"]);
    assert!(
        refused.code == 2 && refused.stderr.contains("--to"),
        "{refused:?}"
    );
    let sync = || project.json(&["track", "sync", "--to", &url]);
    let first = sync();
    assert_eq!(first["runs"][0]["report"]["complete"], true, "{first:#}");
    assert_eq!(
        first["models"]["versions"],
        serde_json::json!([format!("{name}/1")]),
        "{first:#}"
    );
    let second = sync();
    assert_eq!(
        (&second["runs"], &second["models"]["versions"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
    assert!(
        project
            .pdm(&["track", "sync", "--to", &url])
            .stdout
            .contains("nothing to send")
    );
    let seen = read_back(&python, &url, &name, &project, &run);
    assert_eq!(
        (&seen["children"], &seen["aliases"]),
        (&6.into(), &1.into()),
        "{seen:#}"
    );

    // A promotion by hand is sent at once.
    let promoted = project.pdm(&[
        "run",
        "--set",
        "project.seed=9",
        "--set",
        "registry.promote=false",
    ]);
    assert_eq!(promoted.code, 0, "{promoted:?}");
    let at = format!("tracking.mlflow_url={url}");
    let words = [
        "promote",
        "--model",
        &format!("{name}/2"),
        "--force",
        "--reason",
        "sent",
        "--set",
        &at,
    ];
    let promoted = project.pdm(&words);
    assert!(
        promoted.code == 0 && !promoted.stderr.contains("were not updated"),
        "{promoted:?}"
    );
    let after = sync();
    assert_eq!(
        after["models"]["aliases"],
        serde_json::json!([]),
        "{after:#}"
    );
}
