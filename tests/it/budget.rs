//! The budget of a pipeline: checked before training, enforced while it goes on, and of no influence on results.

use crate::project::{Answer, Project, SMALL};

fn error(answer: &Answer) -> serde_json::Value {
    serde_json::from_str::<serde_json::Value>(&answer.stdout).unwrap()["error"].clone()
}

#[test]
fn training_that_cannot_fit_its_memory_is_refused_before_it_begins() {
    let project = Project::with_pipeline(SMALL);
    // Reading the data and fitting features would be refused, too.
    project.json(&["features"]);
    let small = ["--set", "project.budget.memory=8MiB"];
    let answer = project.pdm(&[&["run", "--format", "json"], &small[..]].concat());
    assert_eq!(answer.code, 50, "{answer:?}");
    let error = error(&answer);
    assert_eq!(error["exit"], 50);
    assert_eq!(
        error["message"],
        "training was stopped by its budget; nothing was trained"
    );
    let cause = error["causes"][0].as_str().unwrap();
    assert!(
        cause.starts_with("training needs about ")
            && cause.ends_with("the memory budget of 8.0 MiB"),
        "{cause}"
    );
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("--set project.budget.memory="),
        "{error:#}"
    );
    assert_eq!(
        project.json(&["runs", "list"])["runs"][0]["status"],
        "FAILED"
    );

    let plan = project.pdm(&[&["plan"], &small[..]].concat());
    assert!(
        plan.stdout
            .contains("more than the budget of 8.0 MiB: the stage would not start"),
        "{}",
        plan.stdout
    );
    let planned = project.json(&["plan"]);
    assert!(
        planned[2]["memory_bytes"].as_u64().unwrap() > 8 << 20,
        "{planned:#}"
    );
}

#[test]
fn training_that_takes_longer_than_its_time_is_stopped() {
    let project =
        Project::with_pipeline(&SMALL.replace("seed = 7", "seed = 7\nbudget = { time = \"1ms\" }"));
    let answer = project.pdm(&["train", "--format", "json"]);
    assert_eq!(answer.code, 50, "{answer:?}");
    let error = error(&answer);
    assert!(
        error["causes"][0]
            .as_str()
            .unwrap()
            .ends_with("more than the time budget of 1ms"),
        "{error:#}"
    );
    assert!(
        error["hint"]
            .as_str()
            .unwrap()
            .contains("--set project.budget.time=1s"),
        "{error:#}"
    );
    assert_eq!(
        project
            .pdm(&["train", "--set", "project.budget.time=10min"])
            .code,
        0
    );
}

#[test]
fn a_budget_changes_no_result_and_no_key() {
    let project = Project::with_pipeline(SMALL);
    let first = project.json(&["train"]);
    let again = project.json(&[
        "train",
        "--set",
        "project.budget.time=1ms",
        "--set",
        "project.budget.memory=1GiB",
    ]);
    assert!(
        again["stages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["action"] == "cached"),
        "{again:#}"
    );
    assert_eq!(again["bundle"], first["bundle"]);
}

#[test]
fn a_budget_without_a_unit_is_a_mistake_in_the_file() {
    let project = Project::with_pipeline(
        &SMALL.replace("seed = 7", "budget = { memory = 512, time = \"soon\" }"),
    );
    let answer = project.pdm(&["plan"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    for words in [
        "expected a size such as \"1GiB\"",
        "expected a length of time such as \"30min\"",
        "pdm.toml:6:21",
    ] {
        assert!(answer.stderr.contains(words), "{words}\n{}", answer.stderr);
    }
    let zero = Project::with_pipeline(SMALL).pdm(&["plan", "--set", "project.budget.time=0s"]);
    assert!(
        zero.code == 2 && zero.stderr.contains("must be more than 0"),
        "{zero:?}"
    );
}
