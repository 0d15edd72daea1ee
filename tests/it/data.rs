//! `data`: simulate, validate, fetch.

use std::fmt::Write;

use crate::needs::cmapss;
use crate::project::{Project, SMALL};

#[test]
fn the_same_seed_simulates_the_same_bytes() {
    let texts = [1, 2].map(|_| {
        let project = Project::empty();
        let args = [
            "data",
            "simulate",
            "--train-units",
            "5",
            "--test-units",
            "3",
            "--regimes",
            "6",
            "--fault-modes",
            "2",
        ];
        assert_eq!(project.pdm(&args).code, 0);
        ["train", "test", "RUL"]
            .map(|part| project.read(&format!("datasets/simulated/{part}_SIM001.txt")))
    });
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0][2].lines().count(), 3);
    assert!(
        texts[0][0]
            .lines()
            .all(|line| line.split_whitespace().count() == 26)
    );
    assert_eq!(
        Project::empty()
            .pdm(&["data", "simulate", "--regimes", "3"])
            .code,
        2
    );
}

#[test]
fn validation_reports_every_finding_with_file_and_line() {
    let project = Project::with_pipeline(SMALL);
    assert_eq!(project.pdm(&["data", "validate"]).code, 0);
    let path = "datasets/simulated/train_SIM001.txt";
    let mut lines: Vec<_> = project.read(path).lines().map(str::to_owned).collect();
    lines[9] = lines[9].replacen(' ', " NAN ", 1);
    lines.remove(29);
    project.write(path, lines.join("\n") + "\n");
    let answer = project.pdm(&["data", "validate", "--report", "quality.json"]);
    assert_eq!(answer.code, 10, "{answer:?}");
    assert!(
        answer.stdout.contains("train_SIM001.txt:10"),
        "{}",
        answer.stdout
    );
    let report: serde_json::Value = serde_json::from_str(&project.read("quality.json")).unwrap();
    assert!(
        report["counts"]["errors"].as_u64().unwrap() >= 2,
        "{report:#}"
    );
    let run = project.pdm(&["run"]);
    assert_eq!(run.code, 10, "{run:?}");
    assert!(!project.file("registry/store").exists());
}

#[test]
fn a_missing_training_file_says_how_to_get_it() {
    let project = Project::with_pipeline(&SMALL.replace(
        "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
        "kind = \"cmapss\"\nsubset = \"FD002\"",
    ));
    let answer = project.pdm(&["run"]);
    assert_eq!(answer.code, 1);
    assert!(
        answer.stderr.contains("train_FD002.txt") && answer.stderr.contains("data fetch cmapss"),
        "{}",
        answer.stderr
    );
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn fetch_installs_nasa_files_by_digest_and_refuses_a_damaged_copy() {
    let nasa = cmapss();
    let project = Project::empty();
    let report = project.json(&["data", "fetch", "cmapss", "--from", nasa.to_str().unwrap()]);
    assert!(
        report["installed"]
            .as_array()
            .unwrap()
            .iter()
            .any(|name| name == "train_FD001.txt")
    );
    let again = project.json(&["data", "fetch", "cmapss", "--from", nasa.to_str().unwrap()]);
    assert_eq!(again["installed"], serde_json::json!([]));

    let mut bytes = std::fs::read(nasa.join("train_FD001.txt")).unwrap();
    bytes[100] ^= 1;
    project.write("copy/train_FD001.txt", bytes);
    let answer = project.pdm(&[
        "data", "fetch", "cmapss", "--from", "copy", "--into", "other",
    ]);
    assert_eq!(answer.code, 10, "{answer:?}");
    assert!(
        answer.stderr.contains("963b5e22825b34d8"),
        "{}",
        answer.stderr
    );
    assert!(!project.file("other/train_FD001.txt").exists());
}

#[test]
fn an_unreachable_mirror_says_try_again() {
    let answer = Project::empty().pdm(&[
        "data",
        "fetch",
        "cmapss",
        "--from",
        "http://127.0.0.1:9/CMAPSSData.zip",
    ]);
    assert_eq!(answer.code, 75, "{answer:?}");
}

#[test]
fn another_decimal_sign_is_another_table_for_every_stage() {
    let pipeline = "version = 3\n[project]\nname = \"signs\"\n[dataset]\nkind = \"table\"\ntrain = \"units.csv\"\n\
                    separator = \";\"\nsensors = [\"wear\"]\n[model]\nkind = \"linear\"\n";
    let project = Project::with_pipeline(pipeline);
    let mut text = "unit;cycle;wear\n".to_owned();
    for unit in 1..=20 {
        for cycle in 1..=40 {
            writeln!(
                text,
                "u{unit};{cycle};{}.{:03}",
                cycle,
                (unit * 37 + cycle * 11) % 1000
            )
            .unwrap();
        }
    }
    project.write("units.csv", text);
    project.json(&["evaluate"]);
    let planned = project.json(&["plan", "--set", "dataset.decimal=."]);
    for stage in planned.as_array().unwrap().iter().take(5) {
        assert_eq!(stage["runs"], true, "{stage:#}");
    }
}
