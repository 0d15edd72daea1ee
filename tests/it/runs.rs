//! `runs`: list, show, compare.

use crate::project::{Project, SMALL};

/// A run that begins and fails.
const UNAFFORDABLE: [&str; 5] = [
    "train",
    "--set",
    "model.l2=3",
    "--set",
    "project.budget.memory=8MiB",
];

#[test]
fn a_run_is_listed_shown_and_compared() {
    let project = Project::with_pipeline(SMALL);
    let first = project.json(&["run"])["run"].as_str().unwrap().to_owned();
    let second = project.json(&["run", "--set", "calibrate.coverage=0.8"])["run"]
        .as_str()
        .unwrap()
        .to_owned();
    let listed = project.json(&["runs", "list"]);
    let ids: Vec<_> = listed["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, [second.as_str(), first.as_str()]);

    let short = listed["runs"][1]["short"].as_str().unwrap();
    let shown = project.json(&["runs", "show", short]);
    assert_eq!(
        (&shown["id"], &shown["status"]),
        (&first.as_str().into(), &"FINISHED".into())
    );
    assert_eq!(shown["params"]["model.kind"], "linear");
    assert_eq!(shown["tags"]["alias"], "champion");
    assert!(
        shown["metrics"]["judged/rmse"][0]["value"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    assert!(
        shown["artifacts"]["bundle/weights.safetensors"]["bytes"]
            .as_u64()
            .unwrap()
            > 0
    );

    let compared = project.json(&["runs", "compare", &first, &second]);
    let differing: Vec<_> = compared["params"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["key"].as_str().unwrap())
        .collect();
    assert_eq!(differing, ["calibrate.coverage"]);
    assert_eq!(project.pdm(&["runs", "show", "zz"]).code, 1);
}

#[test]
fn an_empty_store_lists_nothing() {
    let answer = Project::empty().pdm(&["runs", "list"]);
    assert_eq!(
        (answer.code, answer.stdout.as_str()),
        (0, "no runs recorded yet\n")
    );
}

#[test]
fn two_commands_show_the_runs_in_mlflow_s_pages() {
    let project = Project::with_pipeline(SMALL);
    let commands = project.json(&["runs", "ui", "--port", "5999"]);
    let server = commands["server"].as_str().unwrap();
    assert!(
        server.contains("--backend-store-uri sqlite:///") && server.ends_with("--port 5999"),
        "{server}"
    );
    assert_eq!(
        commands["sync"],
        "pdm-ml track sync --to http://127.0.0.1:5999"
    );
    let shown = project.pdm(&["runs", "ui", "pdm.toml", "--set", "tracking.experiment=a b"]);
    assert!(
        shown.stdout.contains(
            "track sync pdm.toml --set 'tracking.experiment=a b' --to http://127.0.0.1:5000"
        ),
        "{shown:?}"
    );
}

#[test]
fn a_list_shows_model_scores_and_what_was_set() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    project.json(&[
        "evaluate",
        "--set",
        "model.l2=0.5",
        "--set",
        "train.seeds=2",
    ]);
    let listed = project.json(&["runs", "list"]);
    assert_eq!(listed["format"], 1);
    let newest = &listed["runs"][0];
    assert_eq!(
        (&newest["model"], &newest["name"]),
        (&"linear".into(), &"small".into())
    );
    assert_eq!(
        newest["set"],
        serde_json::json!(["model.l2=0.5", "train.seeds=2"])
    );
    assert_eq!(listed["runs"][1]["set"], serde_json::json!([]));
    let shown = project.json(&["runs", "show", newest["short"].as_str().unwrap()]);
    for (key, part, metric) in [
        ("score", "test", "judged/rmse"),
        ("score_out_of_fold", "out_of_fold", "out_of_fold/rmse"),
    ] {
        assert_eq!(
            (&newest[key]["part"], &newest[key]["metric"]),
            (&part.into(), &"rmse".into())
        );
        assert_eq!(newest[key]["value"], shown["metrics"][metric][0]["value"]);
    }
    let text = project.pdm(&["runs", "list"]).stdout;
    assert!(
        text.contains("model.l2=0.5 train.seeds=2") && text.contains(" test"),
        "{text}"
    );
}

#[test]
fn a_list_can_be_narrowed() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    assert_ne!(project.pdm(&UNAFFORDABLE).code, 0);
    project.json(&["evaluate", "--set", "model.l2=0.5"]);
    let count = |args: &[&str]| {
        let listed = project.json(&[&["runs", "list"], args].concat());
        (
            listed["runs"].as_array().unwrap().len(),
            listed["older"].as_u64().unwrap(),
        )
    };
    assert_eq!(count(&[]), (3, 0));
    assert_eq!(count(&["--limit", "1"]), (1, 2));
    assert_eq!(count(&["--status", "failed"]), (1, 0));
    assert_eq!(
        count(&["--status", "failed,finished", "--limit", "2"]),
        (2, 1)
    );
    assert_eq!(
        (count(&["--since", "1h"]), count(&["--since", "2999-01-01"])),
        ((3, 0), (0, 0))
    );
    let none = project.pdm(&["runs", "list", "--status", "killed"]);
    assert_eq!(none.stdout, "no recorded run matches\n");
    let wrong = project.pdm(&["runs", "list", "--since", "tuesday"]);
    assert!(
        wrong.code == 2 && wrong.stderr.contains("a date such as 2026-11-23"),
        "{wrong:?}"
    );
}

#[test]
fn runs_are_compared_with_paired_intervals() {
    let project = Project::with_pipeline(SMALL);
    let run = |args: &[&str]| project.json(args)["run"].as_str().unwrap().to_owned();
    let first = run(&["run"]);
    let second = run(&["evaluate", "--set", "model.l2=2000"]);
    let compared = project.json(&["runs", "compare", &first, &second]);
    assert_eq!(compared["format"], 1);
    let scores = &compared["scores"][0];
    assert_eq!(
        (&scores["a"], &scores["b"]),
        (&first.as_str().into(), &second.as_str().into())
    );
    for (at, part, units) in [(0, "out_of_fold", 24), (1, "test", 12)] {
        assert_eq!(scores["parts"][at]["part"], part);
        let found = &scores["parts"][at]["scores"]["compared"];
        assert_eq!(found["units"], units, "{found:#}");
        let rmse = &found["rows"][0];
        let (a, b) = (
            rmse["a"]["value"].as_f64().unwrap(),
            rmse["b"]["value"].as_f64().unwrap(),
        );
        let worse = &rmse["worse"];
        assert!(
            (worse["difference"].as_f64().unwrap() - (b - a)).abs() < 1e-9,
            "{rmse:#}"
        );
        assert!(worse["lower"].as_f64() <= worse["difference"].as_f64());
        assert!(worse["upper"].as_f64() >= worse["difference"].as_f64());
        assert!(
            found["rows"].as_array().unwrap().len() > 8,
            "every score: {found:#}"
        );
    }
    let text = project.pdm(&["runs", "compare", &first, &second]).stdout;
    assert!(
        text.contains("training part, out of fold") && text.contains("over the same 24 units"),
        "{text}"
    );

    let other = run(&["evaluate", "--set", "target.cap=100"]);
    let unlike = project.json(&["runs", "compare", &first, &other]);
    let differ = &unlike["scores"][0]["parts"][1]["scores"]["unlike"]["differ"];
    assert!(
        differ[0]
            .as_str()
            .unwrap()
            .starts_with("truth: capped at 125 against capped at 100"),
        "{unlike:#}"
    );
    let text = project.pdm(&["runs", "compare", &first, &other]).stdout;
    assert!(
        text.contains(
            "scores are not compared: they were computed under different protocols (truth: capped"
        ),
        "{text}"
    );

    let trained = run(&["train", "--set", "model.l2=7"]);
    let text = project.pdm(&["runs", "compare", &first, &trained]).stdout;
    assert!(
        text.contains(&format!(
            "not compared: run {trained} has no predictions of the test part"
        )),
        "{text}"
    );
}

#[test]
fn a_model_is_evaluated_against_a_run_a_version_or_a_bundle() {
    let project = Project::with_pipeline(SMALL);
    let first = project.json(&["run"]);
    let run = first["run"].as_str().unwrap();
    project.json(&["registry", "fetch", "small/1", "--into", "old"]);
    let candidate = ["evaluate", "--set", "model.l2=2000", "--against"];
    let against =
        |reference: &str| project.json(&[&candidate[..], &[reference]].concat())["against"].clone();
    let of_run = against(&run[..13]);
    assert_eq!(of_run["name"], format!("run {run}"));
    let parts = of_run["parts"].as_array().unwrap();
    assert_eq!(
        (&parts[0]["part"], &parts[1]["part"]),
        (&"out_of_fold".into(), &"test".into())
    );
    let test = &parts[1]["scores"]["compared"];
    assert_eq!(test["units"], 12);
    // The registry keeps what the run scored, and the bundle predicts the same: one number by three ways.
    let worse =
        |found: &serde_json::Value| found["rows"][0]["worse"]["difference"].as_f64().unwrap();
    assert!(worse(test) > 0.0, "{test:#}");
    for reference in ["small@champion", "small/1", "small:v1", "old"] {
        let found = against(reference);
        let part = found["parts"]
            .as_array()
            .unwrap()
            .iter()
            .find(|part| part["part"] == "test")
            .unwrap();
        assert!(
            (worse(&part["scores"]["compared"]) - worse(test)).abs() < 1e-9,
            "{reference}: {found:#}"
        );
        assert!(
            found["parts"][0]["why_not"].is_string(),
            "{reference}: out of fold is not kept: {found:#}"
        );
    }
    let text = project
        .pdm(&["evaluate", "--against", "small@champion"])
        .stdout;
    assert!(
        text.contains("against version small/1") && text.contains("this is worse by"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_compared_is_refused_before_or_with_the_reason() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    let refused =
        |reference: &str| project.pdm(&["evaluate", "--set", "model.l2=9", "--against", reference]);
    for (reference, code, exit) in [
        ("nonsense", "E0168", 2),
        ("abcdef99", "E0602", 1),
        ("small@nobody", "E0513", 1),
        ("small:x", "E0509", 2),
    ] {
        let answer = refused(reference);
        assert_eq!(
            (answer.code, answer.stdout.as_str()),
            (exit, ""),
            "{reference}: {answer:?}"
        );
        assert!(answer.stderr.contains(code), "{reference}: {answer:?}");
    }
    assert_eq!(
        project.json(&["runs", "list"])["runs"]
            .as_array()
            .unwrap()
            .len(),
        1,
        "nothing ran for a typo"
    );
    let unlike = project.pdm(&[
        "evaluate",
        "--set",
        "target.cap=100",
        "--against",
        "small@champion",
        "--format",
        "json",
    ]);
    assert_eq!(unlike.code, 1, "{unlike:?}");
    assert!(unlike.stderr.contains("E0409"), "{unlike:?}");
    let document: serde_json::Value = serde_json::from_str(&unlike.stdout).unwrap();
    let test = document["against"]["parts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|part| part["part"] == "test")
        .unwrap();
    assert!(
        test["scores"]["unlike"]["differ"][0]
            .as_str()
            .unwrap()
            .starts_with("truth: capped at 125"),
        "{document:#}"
    );
}

#[test]
fn old_runs_are_removed_but_for_those_something_rests_on() {
    let project = Project::with_pipeline(SMALL);
    let run = |args: &[&str]| project.json(args)["run"].as_str().unwrap().to_owned();
    let champion = run(&["run"]);
    let old = run(&["evaluate", "--set", "model.l2=0.5"]);
    assert_ne!(project.pdm(&UNAFFORDABLE).code, 0);
    let newest = run(&["evaluate", "--set", "model.l2=0.75"]);

    let asked = project.pdm(&["runs", "gc"]);
    assert!(
        asked.code == 2 && asked.stderr.contains("--keep"),
        "the option that selects runs is required: {asked:?}"
    );
    let found = project.json(&["runs", "gc", "--keep", "1", "--dry-run"]);
    assert_eq!(
        (&found["format"], found["removed"].is_null()),
        (&1.into(), true)
    );
    assert_eq!(found["found"].as_array().unwrap().len(), 2, "{found:#}");
    assert_eq!(
        (&found["kept"][0]["id"], &found["kept"][0]["why"]),
        (&champion.as_str().into(), &"it made version small/1".into())
    );
    assert!(found["bytes"].as_u64().unwrap() > 1000);
    assert_eq!(
        project.json(&["runs", "gc", "--older-than", "30d", "--dry-run"])["found"],
        serde_json::json!([])
    );
    let failed = project.json(&["runs", "gc", "--status", "failed", "--dry-run"]);
    assert_eq!(failed["found"][0]["status"], "FAILED");

    let unasked = project.pdm(&["runs", "gc", "--keep", "1"]);
    assert!(
        unasked.code != 0 && unasked.stderr.contains("--yes"),
        "{unasked:?}"
    );
    assert_eq!(
        project.json(&["runs", "list"])["runs"]
            .as_array()
            .unwrap()
            .len(),
        4
    );

    let server = ["--set", "tracking.mlflow_url=http://127.0.0.1:9"];
    let unsent = project.json(&[&["runs", "gc", "--keep", "1", "--dry-run"], &server[..]].concat());
    assert_eq!(
        (
            unsent["found"].as_array().unwrap().len(),
            unsent["kept"].as_array().unwrap().len()
        ),
        (0, 3)
    );
    assert!(
        unsent["kept"][0]["why"]
            .as_str()
            .unwrap()
            .contains("does not have all of it yet"),
        "{unsent:#}"
    );
    let forced = project.json(
        &[
            &["runs", "gc", "--keep", "1", "--dry-run", "--force"],
            &server[..],
        ]
        .concat(),
    );
    assert_eq!(
        forced["found"].as_array().unwrap().len(),
        2,
        "but for the champion's: {forced:#}"
    );
    let elsewhere = project.json(&[
        "runs",
        "gc",
        "--keep",
        "0",
        "--dry-run",
        "--set",
        "registry.url=other",
    ]);
    let kept = &elsewhere["kept"][0];
    assert!(
        kept["why"]
            .as_str()
            .unwrap()
            .contains("small/1 of another registry"),
        "{elsewhere:#}"
    );

    let gone = project.json(&["runs", "gc", "--keep", "1", "--yes"]);
    assert!(
        gone["removed"]
            .as_array()
            .unwrap()
            .iter()
            .all(|run| run["removal"] == "removed"),
        "{gone:#}"
    );
    let left = project.json(&["runs", "list"]);
    let left: Vec<_> = left["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["id"].as_str().unwrap())
        .collect();
    assert_eq!(left, [newest.as_str(), champion.as_str()]);
    assert!(!project.file(&format!("experiments/runs/{old}")).exists());
}
