//! A job replaces its outputs however it ends: an earlier summary, report or metrics file is never mistaken for its own.

use serde_json::{Value, json};

use crate::project::{Answer, Project, SMALL};

/// The summary of an earlier retrain that succeeded.
const LAST: &str =
    r#"{"time": "2026-01-01T02:00:00Z", "pipeline": "small", "result": "promoted", "exit": 0}"#;

fn project(pipeline: Option<&str>) -> Project {
    let project = Project::empty();
    if let Some(text) = pipeline {
        project.write("pdm.toml", text);
    }
    project.write("summary.json", LAST);
    project
}

fn summary(project: &Project) -> Value {
    serde_json::from_str(&project.read("summary.json")).unwrap()
}

#[test]
fn a_retrain_that_cannot_begin_replaces_the_summary_and_has_a_closing_line() {
    let broken = SMALL.replace("seed = 7", "sede = 7");
    let cases: [(Option<&str>, &[&str], i32); 9] = [
        (Some(&broken), &["retrain", "--summary", "summary.json"], 2),
        (
            Some("not toml ["),
            &["retrain", "--summary", "summary.json"],
            2,
        ),
        (
            None,
            &["retrain", "missing.toml", "--summary", "summary.json"],
            2,
        ),
        (
            Some(SMALL),
            &["retrain", "--summary", "summary.json", "--frobnicate"],
            2,
        ),
        (
            Some(SMALL),
            &["retrain", "--if", "nonsense", "--summary=summary.json"],
            2,
        ),
        (
            Some(SMALL),
            &["retrain", "--summary", "summary.json", "--format", "xml"],
            2,
        ),
        (
            Some(SMALL),
            &[
                "retrain",
                "--summary",
                "summary.json",
                "--set",
                "model.kind=magic",
            ],
            2,
        ),
        (
            Some(SMALL),
            &["retrain", "--summary", "summary.json", "--profile", "none"],
            2,
        ),
        (
            Some(SMALL),
            &[
                "retrain",
                "--summary",
                "summary.json",
                "--log-level",
                "loud",
            ],
            2,
        ),
    ];
    for (pipeline, args, code) in cases {
        let project = project(pipeline);
        let answer = project.pdm(args);
        assert_eq!(answer.code, code, "{args:?}: {answer:?}");
        let found = summary(&project);
        assert_eq!(
            (&found["result"], &found["exit"]),
            (&json!("failed"), &json!(code)),
            "{args:?}: {found:#}"
        );
        assert!(
            found["why"].as_str().is_some_and(|why| !why.is_empty()),
            "{args:?}: {found:#}"
        );
        let lines = answer
            .stderr
            .lines()
            .filter(|line| line.contains(" retrain ") && line.contains("failed (exit"));
        assert_eq!(lines.count(), 1, "{args:?}: {}", answer.stderr);
    }
}

#[test]
fn the_folder_of_a_retrain_is_used_even_if_its_arguments_are_wrong() {
    let project = Project::empty();
    project.write("plant/pdm.toml", SMALL);
    project.write("plant/summary.json", LAST);
    assert_eq!(
        project
            .pdm(&[
                "-C",
                "plant",
                "retrain",
                "--summary",
                "summary.json",
                "--nonsense"
            ])
            .code,
        2
    );
    let found: Value = serde_json::from_str(&project.read("plant/summary.json")).unwrap();
    assert_eq!(found["result"], "failed");
}

#[test]
fn a_file_that_is_no_summary_is_left_alone_if_the_retrain_fails() {
    for (name, args) in [
        (
            "pdm.toml",
            &["retrain", "--summary", "pdm.toml", "--nonsense"][..],
        ),
        (
            "pdm.toml",
            &["retrain", "missing.toml", "--summary", "pdm.toml"],
        ),
        (
            "notes.txt",
            &["retrain", "--summary", "notes.txt", "--if", "nonsense"],
        ),
    ] {
        let project = Project::with_pipeline(SMALL);
        project.write("notes.txt", "mine");
        let before = project.read(name);
        assert_eq!(project.pdm(args).code, 2);
        assert_eq!(project.read(name), before, "{args:?}");
    }
}

#[test]
fn reports_and_metrics_are_replaced_where_the_arguments_are_wrong() {
    let project = Project::with_pipeline(SMALL);
    let outputs = [
        "--report",
        "gate.json",
        "--report",
        "junit=gate.xml",
        "--metrics-file",
        "m.prom",
    ];
    let run = |more: &[&str]| project.pdm(&[&["gate"], &outputs[..], more].concat());
    assert_eq!(run(&[]).code, 0);
    assert!(
        project.read("m.prom").contains("pdm_ml_exit_code")
            && project.read("gate.json").contains("\"pass\"")
    );
    assert_eq!(run(&["--nonsense"]).code, 2);
    let report: Value = serde_json::from_str(&project.read("gate.json")).unwrap();
    assert!(
        report["verdict"].is_null()
            && report["troubles"][0]["message"]
                .as_str()
                .unwrap()
                .contains("--nonsense"),
        "{report:#}"
    );
    assert!(
        project.read("gate.xml").contains("--nonsense"),
        "{}",
        project.read("gate.xml")
    );
    let metrics = project.read("m.prom");
    let exit = metrics
        .lines()
        .find(|line| line.starts_with("pdm_ml_exit_code{"));
    assert!(exit.is_some_and(|line| line.ends_with(" 2")), "{metrics}");
}

/// A killed retrain cannot write its result; its summary must not look like that of the previous one.
#[test]
fn a_retrain_says_from_its_beginning_that_it_has_not_ended() {
    let slow = format!(
        "{SMALL}\n[[stage]]\nname = \"slow\"\nbefore = \"train\"\nexec = [\"sh\", \"-c\", \"cp summary.json seen.json\"]\n"
    );
    let project = project(Some(&slow));
    let answer = Answer::of(&mut project.command(&[
        "retrain",
        "--if",
        "always",
        "--summary",
        "summary.json",
    ]));
    assert_eq!(answer.code, 0, "{answer:?}");
    let seen: Value = serde_json::from_str(&project.read("seen.json")).unwrap();
    assert_eq!(
        (&seen["result"], &seen["exit"]),
        (&json!("unfinished"), &Value::Null),
        "{seen:#}"
    );
    assert_eq!(summary(&project)["result"], "promoted");
}
