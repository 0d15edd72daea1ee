//! Several subsets of C-MAPSS pooled into one data set.

use serde_json::Value;

use crate::needs::cmapss;
use crate::project::{Project, SMALL};

/// Two fleets under the names of two subsets, the first without its test part.
fn project() -> Project {
    let pooled = "kind = \"cmapss\"\nsubsets = [\"FD001\", \"FD003\"]\npath = \"data\"\nverify = \"off\"\n\
                  [validate.severity]\nunit_counts = \"off\"";
    let project = Project::with_pipeline(&SMALL.replace(
        "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
        pooled,
    ));
    for (name, seed) in [("FD001", "1"), ("FD003", "2")] {
        let small = [
            "--train-units",
            "24",
            "--test-units",
            "12",
            "--into",
            "data",
            "--name",
            name,
            "--seed",
            seed,
        ];
        project.json(&[&["data", "simulate"], &small[..]].concat());
    }
    ["test", "RUL"].iter().for_each(|part| {
        std::fs::remove_file(project.file(&format!("data/{part}_FD001.txt"))).unwrap()
    });
    project
}

fn groups(card: &Value) -> Vec<(&str, u64)> {
    let groups = card["groups"].as_array().unwrap().iter();
    groups
        .map(|group| {
            (
                group["name"].as_str().unwrap(),
                group["units"].as_u64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_pool_goes_through_the_pipeline_and_every_subset_is_scored() {
    let project = project();
    let outcome = project.json(&["run"]);
    let (card, out_of_fold) = (
        &outcome["scores"]["scorecard"],
        &outcome["scores"]["out_of_fold"],
    );
    assert_eq!(outcome["alias"], "champion", "{outcome:#}");
    assert_eq!(
        (groups(out_of_fold), groups(card)),
        (vec![("FD001", 24), ("FD003", 24)], vec![("FD003", 12)])
    );
    // With one group at hand its scores are those of the whole.
    assert_eq!(card["groups"][0]["scores"], card["scores"]);
    assert_ne!(out_of_fold["groups"][0]["scores"], out_of_fold["scores"]);

    let run = project.json(&["runs", "show", outcome["run"].as_str().unwrap()]);
    let metric = &run["metrics"]["out_of_fold/FD001/rmse"][0]["value"];
    assert_eq!(metric, &out_of_fold["groups"][0]["scores"][0]["value"]);

    let again = project.pdm(&["evaluate"]);
    assert!(
        again.stdout.contains("nothing to do")
            && again.stdout.contains("\n\ngroup")
            && again.stdout.contains("\nFD001 "),
        "{}",
        again.stdout
    );
    assert!(
        project
            .pdm(&["doctor"])
            .stdout
            .contains("FD003 training there")
    );
    project.write("data/train_FD003.txt", project.read("data/train_FD001.txt"));
    assert!(project.pdm(&["plan"]).stdout.contains("validate   run"));
}

#[test]
fn the_memory_estimate_counts_every_subset() {
    let project = project();
    let one = project
        .read("pdm.toml")
        .replace(r#"subsets = ["FD001", "FD003"]"#, r#"subset = "FD001""#);
    project.write("one.toml", one);
    let estimate = |pipeline: &str| {
        project.json(&["features", pipeline]);
        project.json(&["plan", pipeline])[2]["memory_bytes"]
            .as_u64()
            .unwrap()
    };
    assert!(estimate("pdm.toml") > estimate("one.toml") + 10_000);
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn two_subsets_of_nasa_files_are_pooled() {
    let nasa = cmapss();
    let project = Project::empty();
    project.write(
        "pipelines/fd001.toml",
        include_str!("../../pipelines/fd001.toml"),
    );
    let dataset = format!(
        "dataset={{kind='cmapss', subsets=['FD001', 'FD003'], path='{}'}}",
        nasa.display()
    );
    let outcome = project.json(&[
        "evaluate",
        "pipelines/fd001.toml",
        "--set",
        &dataset,
        "--set",
        "model.kind=linear",
    ]);
    let (card, out_of_fold) = (
        &outcome["scores"]["scorecard"],
        &outcome["scores"]["out_of_fold"],
    );
    assert_eq!(groups(out_of_fold), [("FD001", 100), ("FD003", 100)]);
    assert_eq!(
        card["units"].as_u64(),
        Some(groups(card).iter().map(|(_, units)| units).sum())
    );
    assert!(
        outcome["quality"]["files"]
            .as_array()
            .unwrap()
            .iter()
            .all(|file| file["pinned"] == "matches")
    );
}
