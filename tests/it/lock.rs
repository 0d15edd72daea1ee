//! `pdm.lock`, `--locked` and `--frozen`; and one command at a time: `--wait`.

use std::fs::File;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::project::{Answer, Project, SMALL};

const TRAIN: &str = "datasets/simulated/train_SIM001.txt";

fn locked() -> Project {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    project
}

/// Another copy of the project without anything that was computed, as CI checks it out.
fn checked_out(project: &Project) -> Project {
    let other = Project::with_pipeline(&project.read("pdm.toml"));
    for file in [
        "pdm.lock",
        TRAIN,
        "datasets/simulated/test_SIM001.txt",
        "datasets/simulated/RUL_SIM001.txt",
    ] {
        other.write(file, project.read(file));
    }
    other.write(
        "datasets/simulated/SIM001.json",
        project.read("datasets/simulated/SIM001.json"),
    );
    other
}

fn refused(answer: &Answer, code: i32, words: &[&str]) {
    assert_eq!(answer.code, code, "{answer:?}");
    words
        .iter()
        .for_each(|word| assert!(answer.stderr.contains(word), "{word}: {answer:?}"));
}

#[test]
fn a_lock_is_written_once_and_is_the_same_wherever_the_pipeline_runs() {
    let project = locked();
    let lock: serde_json::Value = serde_json::from_str(&project.read("pdm.lock")).unwrap();
    let stages: Vec<_> = lock["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stage| stage["stage"].clone())
        .collect();
    assert_eq!(
        stages,
        ["validate", "features", "train", "calibrate", "evaluate"]
    );
    assert_eq!(lock["inputs"][2]["path"], TRAIN, "{lock:#}");
    assert_eq!(lock["stages"][2]["parameters"]["model"]["kind"], "linear");

    let written = File::open(project.file("pdm.lock"))
        .unwrap()
        .metadata()
        .unwrap()
        .modified()
        .unwrap();
    project.json(&["run"]);
    assert_eq!(
        File::open(project.file("pdm.lock"))
            .unwrap()
            .metadata()
            .unwrap()
            .modified()
            .unwrap(),
        written
    );

    let ci = checked_out(&project);
    let outcome = ci.json(&["run", "--locked"]);
    assert_eq!(
        outcome["alias"], "champion",
        "every stage ran again and made the same bytes"
    );
    assert_eq!(ci.read("pdm.lock"), project.read("pdm.lock"));
    ci.json(&["run"]);
    assert_eq!(ci.read("pdm.lock"), project.read("pdm.lock"));
}

#[test]
fn locked_fails_where_the_lock_would_change_and_names_the_key_and_its_line() {
    let project = locked();
    let before = project.read("pdm.lock");
    project.write(
        "pdm.toml",
        SMALL.replace("kind = \"linear\"", "kind = \"linear\"\nl2 = 3.5"),
    );
    let answer = project.pdm(&["run", "--locked"]);
    refused(
        &answer,
        2,
        &[
            "stage `train`",
            "`model.l2`",
            "→ 3.5 (pdm.toml:15)",
            "pdm.lock",
            "hint:",
        ],
    );
    refused(
        &project.pdm(&["train", "--locked", "--frozen"]),
        2,
        &["cannot be used with"],
    );
    assert_eq!(project.read("pdm.lock"), before);
    assert_eq!(
        project.json(&["runs", "list"])["runs"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "nothing was begun"
    );
    project.json(&["train"]);
    let after: serde_json::Value = serde_json::from_str(&project.read("pdm.lock")).unwrap();
    assert_eq!(after["stages"][2]["parameters"]["model"]["l2"], 3.5);
    assert_eq!(
        after["stages"].as_array().unwrap().len(),
        4,
        "what followed does not hold any more"
    );
    refused(
        &project.pdm(&["evaluate", "--locked"]),
        2,
        &["stage `evaluate`", "the lock does not have it"],
    );
    project.json(&["train", "--locked"]);
}

#[test]
fn other_data_are_named_by_file_and_end_with_a_code_of_their_own() {
    let project = locked();
    let rows = project.read(TRAIN);
    project.write(TRAIN, rows.replacen("1 1 ", "1  1 ", 1));
    for mode in ["--locked", "--frozen"] {
        let answer = project.pdm(&["run", mode]);
        refused(
            &answer,
            42,
            &[&format!(
                "`{TRAIN}` changed ({} → {} bytes)",
                rows.len(),
                rows.len() + 1
            )],
        );
    }
    let json = project.pdm(&["run", "--frozen", "--format", "json"]);
    let error: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(error["error"]["exit"], 42);
}

#[test]
fn a_result_of_other_bytes_is_not_reproduced() {
    let project = locked();
    let lock: serde_json::Value = serde_json::from_str(&project.read("pdm.lock")).unwrap();
    let weights = lock["stages"][2]["outputs"]["weights.safetensors"]
        .as_str()
        .unwrap();
    project.write(
        "pdm.lock",
        project.read("pdm.lock").replace(weights, &"0".repeat(64)),
    );
    let answer = project.pdm(&["run", "--locked"]);
    refused(
        &answer,
        42,
        &[
            "stage `train` made other bytes",
            "`weights.safetensors` (000000000000… → ",
        ],
    );
    let answer = project.pdm(&["run"]);
    refused(&answer, 0, &["warning: stage `train` made other bytes"]);
    assert!(
        project.read("pdm.lock").contains(weights),
        "brought up to date"
    );
}

#[test]
fn frozen_leaves_the_lock_alone_and_a_missing_or_damaged_one_is_an_error() {
    let project = locked();
    let before = project.read("pdm.lock");
    project.write(
        "pdm.toml",
        SMALL.replace("kind = \"linear\"", "kind = \"linear\"\nl2 = 3.5"),
    );
    project.json(&["run", "--frozen"]);
    assert_eq!(project.read("pdm.lock"), before);
    project.write("pdm.lock", "<<<<<<< HEAD\n");
    refused(
        &project.pdm(&["run", "--frozen"]),
        2,
        &["`pdm.lock` is not valid"],
    );
    std::fs::remove_file(project.file("pdm.lock")).unwrap();
    refused(
        &project.pdm(&["run", "--locked"]),
        2,
        &["there is no `pdm.lock`"],
    );
    refused(
        &Project::empty().pdm(&["run", "--locked"]),
        2,
        &["the embedded pipeline has no lock"],
    );
}

#[test]
fn each_pipeline_has_its_lock_and_what_is_set_beside_the_file_is_not_locked() {
    let project = Project::empty();
    project.write("pipelines/a.toml", SMALL);
    project.write("pipelines/b.toml", SMALL.replace("\"small\"", "\"other\""));
    project.json(&["train", "pipelines/a.toml"]);
    let answer = project.pdm(&["train", "pipelines/a.toml", "--set", "model.l2=3.5"]);
    refused(
        &answer,
        0,
        &["`pipelines/a.lock` is not changed", "--set model.l2=3.5"],
    );
    let answer = project.pdm(&["train", "pipelines/b.toml", "--set", "model.l2=3.5"]);
    assert_eq!((answer.code, answer.stderr.as_str()), (0, ""));
    assert!(
        project.file("pipelines/a.lock").exists() && !project.file("pipelines/b.lock").exists()
    );
    project.json(&[
        "train",
        "pipelines/b.toml",
        "--set",
        "registry.promote=false",
    ]);
    assert!(
        project.file("pipelines/b.lock").exists(),
        "what the registry does is not locked"
    );
}

#[test]
fn each_profile_has_its_lock_and_a_variable_is_set_beside_the_file() {
    let project = Project::with_pipeline(&format!("{SMALL}\n[profile.ci]\nmodel.l2 = 3.5\n"));
    project.json(&["train", "-p", "ci"]);
    assert!(project.file("pdm.ci.lock").exists() && !project.file("pdm.lock").exists());
    project.json(&["train"]);
    assert_ne!(project.read("pdm.ci.lock"), project.read("pdm.lock"));
    project.json(&["train", "-p", "ci", "--locked"]);
    let before = project.read("pdm.lock");
    let mut command = project.command(&["train"]);
    let answer = Answer::of(command.env("PDM_ML__MODEL__L2", "4.5"));
    refused(
        &answer,
        0,
        &["`pdm.lock` is not changed", "`PDM_ML__MODEL__L2`"],
    );
    assert_eq!(project.read("pdm.lock"), before);
}

const HOLDER: &str = r#"{"pid":4711,"command":"pdm-ml tune","user":"ada","host":"plant-7","since":"2026-11-28T01:00:00Z"}"#;

#[test]
fn the_second_command_waits_says_for_whom_and_goes_on() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["features"]);
    let held = File::options()
        .write(true)
        .open(project.file(".pdm-ml/lock"))
        .unwrap();
    held.try_lock().unwrap();
    project.write(".pdm-ml/lock.json", HOLDER);
    let holder = "`pdm-ml tune` (pid 4711, ada@plant-7, since 2026-11-28T01:00:00Z)";
    refused(
        &project.pdm(&["train", "--wait", "0"]),
        75,
        &[holder, "waited 0", "hint:"],
    );
    refused(
        &project.pdm(&["train", "--wait", "300ms"]),
        75,
        &[&format!("waiting for {holder}")],
    );
    refused(
        &project.pdm(&["cache", "gc", "--yes", "--wait", "0"]),
        75,
        &[holder],
    );
    for reader in [
        &["plan"][..],
        &["registry", "list"],
        &["cache", "list"],
        &["cache", "why", "train"],
        &["runs", "list"],
    ] {
        assert_eq!(
            project.pdm(&[reader, &["--wait", "0"]].concat()).code,
            0,
            "{reader:?} does not wait"
        );
    }
    let waiting = project
        .command(&["train"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    drop(held);
    let output = waiting.wait_with_output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.success() && words.contains(&format!("waiting for {holder}")),
        "{words}"
    );
}

#[test]
fn a_killed_command_blocks_no_other() {
    let project = Project::with_pipeline(SMALL);
    let slow = [
        "run",
        "--set",
        "model.kind=gbdt",
        "--set",
        "model.rounds=20000",
    ];
    let mut child = project
        .command(&slow)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !project.file(".pdm-ml/lock.json").exists() {
        assert!(started.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(10));
    }
    let busy = project.pdm(&["run", "--wait", "0"]);
    refused(&busy, 75, &[&format!("`pdm-ml run` (pid {}", child.id())]);
    assert!(!busy.stderr.contains("gbdt"), "what was set is not shown");
    assert!(
        Command::new("kill")
            .args(["-KILL", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    child.wait().unwrap();
    assert_eq!(project.pdm(&["features", "--wait", "0"]).code, 0);
}
