//! One thread and little memory: slower, and the same bytes.

use std::process::Stdio;

use serde_json::Value;

use crate::project::{Project, SMALL};

const BUDGET: [&str; 4] = [
    "--set",
    "project.budget.threads=1",
    "--set",
    "project.budget.memory=512MiB",
];

fn boosted() -> String {
    SMALL.replace("kind = \"linear\"", "kind = \"gbdt\"\nrounds = 60")
}

#[test]
fn one_thread_and_little_memory_give_the_same_bytes() {
    let free = Project::with_pipeline(&boosted());
    let small = Project::with_pipeline(&boosted());
    let first = free.json(&["run", "--threads", "4"]);
    // The limit is the system's, over all address space: the program's own stays far below its budget in main memory.
    let mut limited = std::process::Command::new("sh");
    limited.args([
        "-c",
        "ulimit -v 2097152 && exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_pdm-ml"),
    ]);
    limited
        .args(["run", "--format", "json"])
        .args(BUDGET)
        .current_dir(small.path())
        .stdin(Stdio::null());
    let output = limited.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let second: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(first["version"]["bundle"], second["version"]["bundle"]);
    assert_eq!(first["scores"], second["scores"]);
}

#[test]
fn the_number_of_threads_is_the_pipelines_unless_the_flag_says_otherwise() {
    let project =
        Project::with_pipeline(&SMALL.replace("seed = 7", "seed = 7\nbudget = { threads = 3 }"));
    let machine = |args: &[&str]| {
        let checks = project.json(&[&["doctor"], args].concat());
        checks
            .as_array()
            .unwrap()
            .iter()
            .find(|check| check["what"] == "machine")
            .unwrap()["found"]
            .to_string()
    };
    assert!(machine(&[]).contains("3 threads"), "{}", machine(&[]));
    assert!(machine(&["--threads", "2"]).contains("2 threads"));
    let none = project.pdm(&["plan", "--set", "project.budget.threads=0"]);
    assert!(
        none.code == 2 && none.stderr.contains("must be from 1 to 1024"),
        "{none:?}"
    );
}

#[test]
fn every_stage_is_held_against_the_budget_before_it_begins() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["features"]);
    let tight = ["--set", "project.budget.memory=20MiB"];
    std::fs::remove_dir_all(project.file(".pdm-ml")).unwrap();
    let plan = project.pdm(&[&["plan", "--exit-code"], &tight[..]].concat());
    assert_eq!(plan.code, 50, "{plan:?}");
    assert!(
        plan.stdout.contains("validate: about")
            && plan.stdout.contains("the stage would not start"),
        "{}",
        plan.stdout
    );
    let planned = project.json(&[&["plan"], &tight[..]].concat());
    assert_eq!(
        (&planned[0]["over_budget"], &planned[5]["over_budget"]),
        (&Value::Bool(true), &Value::Bool(false))
    );

    let answer = project.pdm(&[&["run", "--format", "json"], &tight[..]].concat());
    assert_eq!(answer.code, 50, "{answer:?}");
    let error = serde_json::from_str::<Value>(&answer.stdout).unwrap()["error"].clone();
    let cause = error["causes"][0].as_str().unwrap();
    assert!(
        cause.starts_with("reading the data needs about "),
        "{cause}"
    );
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("--set project.budget.memory="),
        "{error:#}"
    );
    assert!(
        project.json(&["plan"])[0]["runs"].as_bool().unwrap(),
        "nothing was kept"
    );
}

#[test]
fn a_retrain_keeps_to_its_budget_too() {
    let project = Project::with_pipeline(SMALL);
    let tight = project.pdm(&[
        "retrain",
        "--format",
        "json",
        "--set",
        "project.budget.memory=20MiB",
    ]);
    assert_eq!(tight.code, 50, "{tight:?}");
    assert!(
        tight.stdout.contains("more than the memory budget of"),
        "{tight:?}"
    );
    assert_eq!(project.json(&["retrain"])["result"], "promoted");
}
