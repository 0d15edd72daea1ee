//! `plan`: what would run, and why; it changes nothing.

use crate::project::{Project, SMALL};

#[test]
fn a_plan_runs_nothing_and_writes_nothing() {
    let project = Project::with_pipeline(SMALL);
    let answer = project.pdm(&["plan", "--exit-code"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(answer.stdout.contains("the fleet is not simulated yet"), "{}", answer.stdout);
    assert!(!project.file("datasets").exists() && !project.file("registry").exists());
}

#[test]
fn a_plan_names_the_option_that_changed_and_its_line() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    assert_eq!(project.pdm(&["plan", "--exit-code"]).code, 0);
    project.write("pdm.toml", SMALL.replace("kind = \"linear\"", "kind = \"linear\"\nl2 = 3.5"));
    let answer = project.pdm(&["plan", "--exit-code"]);
    assert_eq!(answer.code, 3);
    assert!(answer.stdout.contains("`model.l2`") && answer.stdout.contains("→ 3.5 (pdm.toml:15)"), "{}", answer.stdout);
    assert!(answer.stdout.contains("after `train`"), "{}", answer.stdout);
}

#[test]
fn a_damaged_cache_is_noticed_and_made_again() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["train"]);
    let weights = glob(&project.file(".pdm-ml/cache/entries/train"), "weights.safetensors");
    std::fs::write(&weights, b"no").unwrap();
    let answer = project.pdm(&["plan"]);
    assert!(answer.stdout.contains("the cached result is damaged"), "{}", answer.stdout);
    assert_eq!(project.pdm(&["run"]).code, 0);
}

fn glob(folder: &std::path::Path, name: &str) -> std::path::PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_name() == name {
                return entry.path();
            }
            if entry.path().is_dir() {
                folders.push(entry.path());
            }
        }
    }
    panic!("no {name}");
}
