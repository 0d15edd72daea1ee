//! `runs`: list, show, compare.

use crate::project::{Project, SMALL};

#[test]
fn a_run_is_listed_shown_and_compared() {
    let project = Project::with_pipeline(SMALL);
    let first = project.json(&["run"])["run"].as_str().unwrap().to_owned();
    let second = project.json(&["run", "--set", "calibrate.coverage=0.8"])["run"].as_str().unwrap().to_owned();
    let listed = project.json(&["runs", "list"]);
    let ids: Vec<_> = listed["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [second.as_str(), first.as_str()]);

    let short = listed["runs"][1]["short"].as_str().unwrap();
    let shown = project.json(&["runs", "show", short]);
    assert_eq!((&shown["id"], &shown["status"]), (&first.as_str().into(), &"FINISHED".into()));
    assert_eq!(shown["params"]["model.kind"], "linear");
    assert_eq!(shown["tags"]["alias"], "champion");
    assert!(shown["metrics"]["judged/rmse"][0]["value"].as_f64().unwrap() > 0.0);
    assert!(shown["artifacts"]["bundle/weights.safetensors"]["bytes"].as_u64().unwrap() > 0);

    let compared = project.json(&["runs", "compare", &first, &second]);
    let differing: Vec<_> =
        compared["params"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(differing, ["calibrate.coverage"]);
    assert_eq!(project.pdm(&["runs", "show", "zz"]).code, 1);
}

#[test]
fn an_empty_store_lists_nothing() {
    let answer = Project::empty().pdm(&["runs", "list"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (0, "no runs are recorded here yet\n"));
}

#[test]
fn two_commands_show_the_runs_in_mlflow_s_pages() {
    let project = Project::with_pipeline(SMALL);
    let commands = project.json(&["runs", "ui", "--port", "5999"]);
    let server = commands["server"].as_str().unwrap();
    assert!(server.contains("--backend-store-uri sqlite:///") && server.ends_with("--port 5999"), "{server}");
    assert_eq!(commands["sync"], "pdm-ml track sync --to http://127.0.0.1:5999");
    let told = project.pdm(&["runs", "ui", "pdm.toml", "--set", "tracking.experiment=a b"]);
    assert!(
        told.stdout.contains("track sync pdm.toml --set 'tracking.experiment=a b' --to http://127.0.0.1:5000"),
        "{told:?}"
    );
}
