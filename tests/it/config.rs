//! The pipeline file: every mistake in one pass, overrides, the resolved form, the schema.

use std::path::Path;

use crate::project::{Project, SMALL};

#[test]
fn all_mistakes_are_reported_in_one_pass_with_line_and_suggestion() {
    let text = SMALL.replace("seed = 7", "sede = 7")
        + "\n[split]\nfolds = \"five\"\n\n[calibrate]\ncoverage = 90\n\n[trian]\nfirst_row = 3\n";
    let project = Project::with_pipeline(&text);
    let answer = project.pdm(&["run"]);
    assert_eq!((answer.code, answer.stdout.as_str()), (2, ""));
    for words in [
        "unknown key `sede`",
        "did you mean `seed`",
        "pdm.toml:6:1",
        "folds",
        "coverage",
        "trian",
        "train",
    ] {
        assert!(answer.stderr.contains(words), "{words}\n{}", answer.stderr);
    }
    assert!(!project.file("datasets").exists());
    let json = project.pdm(&["run", "--format", "json"]);
    let object: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        object["error"]["problems"].as_array().unwrap().len(),
        4,
        "{object:#}"
    );
}

#[test]
fn what_config_show_prints_is_the_same_pipeline() {
    let project = Project::with_pipeline(SMALL);
    let shown = project.pdm(&["config", "show"]).stdout;
    project.write("again.toml", &shown);
    assert_eq!(project.pdm(&["config", "show", "again.toml"]).stdout, shown);
}

#[test]
fn the_origin_of_every_value_is_shown() {
    let project = Project::with_pipeline(SMALL);
    let origins = project
        .pdm(&["config", "show", "--origin", "--set", "split.folds=4"])
        .stdout;
    for words in ["--set split.folds=4", "pdm.toml:5", "default"] {
        assert!(origins.contains(words), "{words}\n{origins}");
    }
}

#[test]
fn a_wrong_override_points_at_the_override() {
    let answer = Project::with_pipeline(SMALL).pdm(&["run", "--set", "modl.l2=1"]);
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.contains("--set modl.l2=1") && answer.stderr.contains("model"),
        "{}",
        answer.stderr
    );
}

#[test]
fn the_committed_schema_is_what_the_command_prints() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/pipeline.schema.json");
    let printed = Project::empty().pdm(&["config", "schema"]).stdout;
    assert_eq!(
        std::fs::read_to_string(committed).unwrap().trim_end(),
        printed.trim_end()
    );
}

#[test]
fn the_committed_reference_is_what_the_command_prints() {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pipeline.md");
    let printed = Project::empty().pdm(&["config", "reference"]).stdout;
    assert_eq!(
        std::fs::read_to_string(committed).unwrap().trim_end(),
        printed.trim_end()
    );
}

#[test]
fn a_missing_pipeline_is_a_usage_error() {
    let answer = Project::empty().pdm(&["run", "absent.toml"]);
    assert_eq!(answer.code, 2);
    assert!(
        answer.stderr.contains("absent.toml") && answer.stderr.contains("hint:"),
        "{}",
        answer.stderr
    );
}
