//! `run`: the whole pipeline, twice, interrupted, refused.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::project::{Project, SMALL, wearing_units};

fn action<'a>(outcome: &'a serde_json::Value, stage: &str) -> &'a str {
    let stages = outcome["stages"].as_array().unwrap();
    stages.iter().find(|row| row["stage"] == stage).unwrap()["action"]
        .as_str()
        .unwrap()
}

#[test]
fn the_whole_pipeline_ends_with_a_champion_and_a_second_run_does_nothing() {
    let project = Project::with_pipeline(SMALL);
    let first = project.json(&["run"]);
    assert!(
        first["stages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["action"] == "ran"),
        "{first:#}"
    );
    assert_eq!(
        (&first["alias"], &first["version"]["version"]),
        (&"champion".into(), &1.into())
    );
    assert_eq!(first["scores"]["scorecard"]["units"], 12);
    assert_eq!(first["gates"]["verdict"], "pass");

    let runs = project.json(&["runs", "list"])["runs"]
        .as_array()
        .unwrap()
        .len();
    let second = project.json(&["run"]);
    assert!(
        second["stages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|row| row["action"] != "ran"),
        "{second:#}"
    );
    for part in ["on", "scorecard", "out_of_fold"] {
        assert_eq!(second["scores"][part], first["scores"][part]);
    }
    // The second run looks at the test part with a model that was counted already.
    assert_eq!(
        (
            &first["scores"]["looks"]["new"],
            &second["scores"]["looks"]["new"]
        ),
        (&true.into(), &false.into())
    );
    assert!(second["run"].is_null());
    assert_eq!(
        project.json(&["runs", "list"])["runs"]
            .as_array()
            .unwrap()
            .len(),
        runs
    );

    let words = project.pdm(&["run"]);
    assert!(
        words
            .stdout
            .contains("nothing to do: every stage is up to date"),
        "{}",
        words.stdout
    );
    assert!(
        words.stdout.contains("this model is champion already (v1)"),
        "{}",
        words.stdout
    );
    assert!(!words.stdout.contains('\u{1b}') && !words.stderr.contains('\u{1b}'));
}

#[test]
fn the_same_seed_gives_the_same_bytes_at_any_number_of_threads() {
    let digests = ["1", "2"].map(|threads| {
        let gbdt = [
            "--set",
            "model.kind=gbdt",
            "--set",
            "model.rounds=30",
            "--threads",
            threads,
        ];
        let outcome = Project::with_pipeline(SMALL).json(&[&["run"], &gbdt[..]].concat());
        outcome["version"]["bundle"].as_str().unwrap().to_owned()
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn a_changed_option_runs_only_what_depends_on_it() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    let wider = project.json(&["run", "--set", "calibrate.coverage=0.8"]);
    assert_eq!(action(&wider, "train"), "cached");
    assert_eq!(action(&wider, "calibrate"), "ran");
    assert_eq!(wider["gates"]["champion"]["version"], 1);
    assert_eq!(wider["version"]["version"], 2);
}

#[test]
fn a_failed_gate_stops_the_pipeline() {
    let project = Project::with_pipeline(&SMALL.replace("value = 120.0", "value = 0.5"));
    let answer = project.pdm(&["run"]);
    assert_eq!(answer.code, 20, "{answer:?}");
    assert!(answer.stdout.contains("not reached"), "{}", answer.stdout);
    assert_eq!(project.json(&["registry", "list"]), serde_json::json!([]));
}

#[test]
fn an_undecided_gate_ends_with_its_own_code() {
    let project = Project::with_pipeline(SMALL);
    let rmse = project.json(&["evaluate"])["scores"]["scorecard"]["scores"][0]["value"]
        .as_f64()
        .unwrap();
    project.write(
        "pdm.toml",
        SMALL.replace("value = 120.0", &format!("value = {rmse}")),
    );
    assert_eq!(project.pdm(&["run"]).code, 21);
}

#[test]
fn a_rolled_back_model_is_not_promoted_again_by_itself() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    let second = ["run", "--set", "calibrate.coverage=0.8"];
    project.json(&second);
    project.json(&[
        "registry",
        "rollback",
        "small@champion",
        "--reason",
        "field trial",
    ]);
    let answer = project.pdm(&second);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(
        answer.stdout.contains("v2 was rolled back"),
        "{}",
        answer.stdout
    );
    let back = project.json(&["promote", "--model", "small/2", "--reason", "cleared"]);
    assert_eq!(back["moved"]["to"], 2);
}

#[test]
fn without_a_test_part_the_pipeline_says_so_and_judges_out_of_fold() {
    let source = Project::with_pipeline(SMALL);
    source.json(&["data", "validate"]);
    let train = source.read("datasets/simulated/train_SIM001.txt");
    // FD001 counts do not hold for a simulated fleet.
    let text = SMALL.replace(
        "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
        "kind = \"cmapss\"\npath = \"data\"\nverify = \"off\"\n[validate.severity]\nunit_counts = \"off\"",
    );
    let project = Project::with_pipeline(&text);
    project.write("data/train_FD001.txt", train);
    let answer = project.pdm(&["run"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(
        answer
            .stdout
            .contains("no test part: judged by out-of-fold scores only"),
        "{}",
        answer.stdout
    );
    let outcome = project.json(&["run"]);
    assert_eq!(
        (
            &outcome["scores"]["on"],
            &outcome["scores"]["scorecard"]["units"]
        ),
        (&"out_of_fold".into(), &24.into())
    );
}

/// Long enough to be caught in the middle: boosting over many rounds.
const SLOW: [&str; 5] = [
    "run",
    "--set",
    "model.kind=gbdt",
    "--set",
    "model.rounds=20000",
];

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "no {what} within a minute"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn training(project: &Project) -> bool {
    let runs = std::fs::read_dir(project.file("experiments/runs"))
        .into_iter()
        .flatten()
        .flatten();
    let mut journals =
        runs.filter_map(|run| std::fs::read_to_string(run.path().join("journal.ndjson")).ok());
    journals.any(|journal| journal.contains("gbdt/train_rmse"))
}

fn interrupted_by(signal: &str) -> (Project, std::process::ExitStatus) {
    let project = Project::with_pipeline(SMALL);
    let mut child = project.command(&SLOW).spawn().unwrap();
    wait_for("training", || training(&project));
    assert!(
        Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let status = child.wait().unwrap();
    (project, status)
}

fn statuses(project: &Project) -> Vec<String> {
    let listing = project.json(&["runs", "list"]);
    listing["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["status"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_interrupted_run_is_killed_keeps_what_was_done_and_goes_on() {
    let (project, status) = interrupted_by("-INT");
    assert_eq!(status.code(), Some(130));
    assert_eq!(statuses(&project), ["KILLED"]);
    let outcome = project.json(&[
        "run",
        "--set",
        "model.kind=gbdt",
        "--set",
        "model.rounds=20",
    ]);
    assert_eq!(
        (action(&outcome, "features"), action(&outcome, "train")),
        ("cached", "ran")
    );
}

#[test]
fn a_terminated_run_ends_with_143() {
    let (project, status) = interrupted_by("-TERM");
    assert_eq!(status.code(), Some(143));
    assert_eq!(statuses(&project), ["KILLED"]);
}

#[test]
fn a_killed_run_does_not_stay_running() {
    let (project, status) = interrupted_by("-KILL");
    assert_eq!(status.code(), None);
    assert_eq!(statuses(&project), ["KILLED"]);
    assert_eq!(project.json(&["run"])["alias"], "champion");
    assert_eq!(project.pdm(&["registry", "verify"]).code, 0);
}

#[test]
fn a_dead_tracking_server_is_a_warning_and_the_pipeline_continues() {
    let project = Project::with_pipeline(SMALL);
    let answer = project.pdm(&["run", "--set", "tracking.mlflow_url=http://127.0.0.1:9"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(
        answer.stderr.contains("warning:") && answer.stderr.contains("track sync"),
        "{}",
        answer.stderr
    );
    assert_eq!(
        project
            .pdm(&[
                "track",
                "sync",
                "--set",
                "tracking.mlflow_url=http://127.0.0.1:9"
            ])
            .code,
        75
    );
}

#[test]
fn a_run_that_cannot_be_recorded_warns_and_goes_on() {
    let project = Project::with_pipeline(SMALL);
    project.write("blocked", "a file where the store should be");
    let answer = project.pdm(&["run", "--set", "tracking.dir=blocked"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    assert!(
        answer.stderr.contains("the run is not recorded"),
        "{}",
        answer.stderr
    );
}

#[test]
fn the_gates_of_a_champion_are_judged_again_when_they_change() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    project.write("pdm.toml", SMALL.replace("value = 120.0", "value = 0.5"));
    assert_eq!(project.pdm(&["gate"]).code, 20);
    let plan = project.pdm(&["plan"]);
    assert!(plan.stdout.contains("a gate failed"), "{}", plan.stdout);
}

#[test]
fn a_champion_judged_otherwise_is_scored_again_as_the_challenger_is() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    let uncapped = [
        "run",
        "--set",
        "evaluate.truth=uncapped",
        "--set",
        "model.l2=0.002",
    ];
    let outcome = project.json(&uncapped);
    let compared = &outcome["gates"]["rows"][1];
    assert_eq!(compared["verdict"], "pass", "{compared:#}");
    assert_eq!(outcome["gates"]["champion"]["version"], 1);
    assert_eq!(outcome["version"]["version"], 2);
}

#[test]
fn a_champion_scored_again_becomes_a_new_version_of_the_same_bundle() {
    let project = Project::with_pipeline(SMALL);
    let first = project.json(&["run"]);
    let again = project.json(&["run", "--set", "evaluate.bootstrap.resamples=500"]);
    assert_eq!(again["version"]["bundle"], first["version"]["bundle"]);
    assert_eq!(
        (&again["version"]["version"], &again["alias"]),
        (&2.into(), &"champion".into())
    );
}

#[test]
fn other_columns_are_another_model() {
    let source = Project::with_pipeline(SMALL);
    source.json(&["data", "validate"]);
    let columns: Vec<_> = (1..=3)
        .map(|i| format!("op_{i}"))
        .chain((1..=21).map(|i| format!("s_{i}")))
        .collect();
    let rows = source.read("datasets/simulated/train_SIM001.txt");
    let rows = rows
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(","));
    let csv = format!(
        "unit,cycle,{}\n{}\n",
        columns.join(","),
        rows.collect::<Vec<_>>().join("\n")
    );
    let text = |sensors: &str| {
        SMALL.replace(
            "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
            &format!("kind = \"table\"\ntrain = \"train.csv\"\nsensors = {sensors}"),
        )
    };
    let project = Project::with_pipeline(&text("[\"s_2\", \"s_4\", \"s_11\"]"));
    project.write("train.csv", csv);
    let first = project.json(&["evaluate"]);
    project.write("pdm.toml", text("[\"s_11\", \"s_2\"]"));
    let second = project.json(&["evaluate"]);
    assert_eq!(action(&second, "train"), "ran");
    assert_ne!(first["scores"], second["scores"]);
}

#[test]
fn a_coverage_that_few_units_cannot_reach_is_refused_behind_a_cached_fit_too() {
    // How many units a table has is not known before it is read.
    let table = "kind = \"table\"\ntrain = \"train.csv\"\nsensors = [\"temp\"]";
    let pipeline = SMALL.replace(
        "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
        table,
    );
    let project = Project::with_pipeline(&pipeline);
    project.write("train.csv", wearing_units(24));
    let first = project.pdm(&["run"]);
    assert_eq!(first.code, 0, "{first:?}");
    for (coverage, percent, needed) in [("0.96", "96", "30"), ("0.99", "99", "124")] {
        let set = format!("calibrate.coverage={coverage}");
        let answer = project.pdm(&["run", "--set", &set]);
        assert_eq!(answer.code, 1, "{answer:?}");
        let message =
            format!("24 training units are too few for intervals of {percent} % coverage");
        assert!(
            answer.stderr.contains("error[E0308]") && answer.stderr.contains(&message),
            "{answer:?}"
        );
        assert!(
            answer
                .stderr
                .contains(&format!("{coverage} needs {needed} units")),
            "{answer:?}"
        );
        // The same words as where nothing is cached.
        let forced = project.pdm(&["run", "--force", "--set", &set]);
        assert!(
            forced.code == 1 && forced.stderr.contains(&message),
            "{forced:?}"
        );
    }
}
