//! The pipeline on NASA's files.

use crate::needs::cmapss;
use crate::project::Project;

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn fd001_of_nasa_files_goes_through_the_line_and_every_test_unit_is_scored() {
    let nasa = cmapss();
    let pipeline =
        include_str!("../../pipelines/fd001.toml").replace("kind = \"gbdt\"", "kind = \"linear\"");
    let project = Project::empty();
    project.write(
        "pipelines/fd001.toml",
        pipeline
            .replace("value = 16.0", "value = 30.0")
            .replace("value = 0.8", "value = 0.5"),
    );
    project.json(&["data", "fetch", "cmapss", "--from", nasa.to_str().unwrap()]);
    let outcome = project.json(&["run", "pipelines/fd001.toml"]);
    assert_eq!(outcome["gates"]["verdict"], "pass");
    assert_eq!(outcome["alias"], "champion");
    assert_eq!(outcome["scores"]["on"], "test");
    assert_eq!(outcome["scores"]["scorecard"]["units"], 100);
    assert!(
        outcome["quality"]["files"]
            .as_array()
            .unwrap()
            .iter()
            .all(|file| file["pinned"] == "matches")
    );
}

#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn fd004_of_nasa_files_scores_its_short_units_too() {
    let nasa = cmapss();
    let project = Project::empty();
    project.write(
        "pipelines/fd004.toml",
        include_str!("../../pipelines/fd004.toml"),
    );
    project.json(&["data", "fetch", "cmapss", "--from", nasa.to_str().unwrap()]);
    let outcome = project.json(&[
        "evaluate",
        "pipelines/fd004.toml",
        "--set",
        "model.kind=linear",
    ]);
    assert_eq!(outcome["scores"]["scorecard"]["units"], 248);
}
