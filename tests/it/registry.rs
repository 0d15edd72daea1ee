//! `registry`: list, show, history, rollback, verify, and promotion by hand.

use crate::project::{Project, SMALL};

fn two_versions() -> Project {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    project.json(&["run", "--set", "calibrate.coverage=0.8"]);
    project
}

#[test]
fn history_tells_who_was_champion_when() {
    let project = two_versions();
    let history = project.json(&["registry", "history", "small"]);
    let entries = &history["entries"];
    let actions: Vec<_> = entries.as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["register", "promote", "register", "promote"]);
    let first = entries[1]["time"].as_str().unwrap();
    assert_eq!(history["aliases"]["small@champion"], 2);
    let then = project.pdm(&["registry", "history", "--at", first]);
    assert!(then.stdout.contains("small@champion → v1"), "{}", then.stdout);
    let now = project.pdm(&["registry", "history"]);
    assert!(now.stdout.contains("small@champion → v2"), "{}", now.stdout);
    assert_eq!(project.pdm(&["registry", "history", "--at", "yesterday"]).code, 2);
}

#[test]
fn rollback_goes_back_and_says_when_there_is_nothing_before() {
    let project = two_versions();
    assert_eq!(project.json(&["registry", "rollback", "small@champion"])["to"], 1);
    let answer = project.pdm(&["registry", "rollback", "small@champion"]);
    assert_eq!(answer.code, 1, "{answer:?}");
    assert_eq!(project.pdm(&["registry", "rollback", "small/1"]).code, 2);
    let show = project.json(&["registry", "show", "small@champion"]);
    assert_eq!(show["version"]["version"], 1);
}

#[test]
fn a_version_promoted_past_the_gates_needs_a_reason_and_is_remembered() {
    let project = two_versions();
    project.json(&["registry", "rollback", "small@champion"]);
    project.write("pdm.toml", SMALL.replace("value = 60.0", "value = 0.5"));
    let refused = project.pdm(&["promote", "--model", "small/2", "--reason", "please"]);
    assert_eq!(refused.code, 20, "{refused:?}");
    assert_eq!(project.pdm(&["promote", "--model", "small/2", "--force"]).code, 2);
    project.json(&["promote", "--model", "small/2", "--force", "--reason", "plant is waiting"]);
    let history = project.pdm(&["registry", "history"]);
    assert!(history.stdout.contains("forced: plant is waiting"), "{}", history.stdout);
}

#[test]
fn verify_finds_a_changed_byte() {
    let project = two_versions();
    assert_eq!(project.pdm(&["registry", "verify"]).code, 0);
    let entry = project.file("registry/store/log/00000000000000000002.json");
    let text = std::fs::read_to_string(&entry).unwrap();
    std::fs::write(&entry, text.replace("\"to\":1", "\"to\":2")).unwrap();
    let answer = project.pdm(&["registry", "verify"]);
    assert_eq!(answer.code, 40, "{answer:?}");
    assert!(answer.stdout.contains("00000000000000000002"), "{}", answer.stdout);
    assert_eq!(project.pdm(&["run", "--set", "project.seed=8"]).code, 40);
}

#[test]
fn register_does_not_promote() {
    let project = Project::with_pipeline(SMALL);
    let outcome = project.json(&["registry", "register"]);
    assert_eq!((&outcome["version"]["version"], &outcome["alias"]), (&1.into(), &serde_json::Value::Null));
    let promoted = project.json(&["promote"]);
    assert_eq!(promoted["alias"], "champion");
}

#[test]
fn versions_go_to_another_registry_and_their_files_into_a_folder() {
    let project = two_versions();
    let copied = project.json(&["registry", "push", "small@champion", "--to", "shared"]);
    assert_eq!((&copied[0]["from"], &copied[0]["version"]["version"]), (&2.into(), &1.into()), "{copied:#}");
    let all = project.pdm(&["registry", "copy", "registry/store", "shared"]);
    assert!(all.stdout.contains("was there") && all.stdout.contains("copied"), "{all:?}");
    assert_eq!(project.pdm(&["registry", "verify", "--registry", "shared"]).code, 0);
    let pulled = project.json(&["registry", "pull", "small/2", "--from", "shared"]);
    assert_eq!(pulled[0]["is_new"], false, "{pulled:#}");
    let shown = project.pdm(&["registry", "show", "small/1", "--registry", "shared"]);
    assert!(shown.stdout.contains("v2 of ") && shown.stdout.contains("registry/store"), "{}", shown.stdout);

    project.json(&["registry", "fetch", "small/1", "--registry", "shared", "--into", "files"]);
    let file = |name: &str| std::fs::read(project.file(name)).unwrap();
    let version = project.json(&["registry", "show", "small@champion"]);
    let manifest = version["version"]["files"][0]["sha256"].as_str().unwrap().to_owned();
    assert_eq!(file("files/bundle.json"), file(&format!("registry/store/blobs/sha256/{manifest}")));
    assert_eq!(project.pdm(&["registry", "push", "small/9", "--to", "shared"]).code, 1);
}

#[test]
fn a_policy_asks_for_somebody_else() {
    let project = Project::with_pipeline(SMALL);
    project.write("registry/policy.toml", "[alias.champion]\napprovals = 1\nprotected = true\n");
    let by = |name: &str, args: &[&str]| {
        let output = project.command(args).env("PDM_ML_ACTOR", name).output().unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, _, told) = by("ada", &["run"]);
    assert!(code == 22 && told.contains("needs the approval of 1 others") && told.contains("--approve"), "{told}");
    let (code, shown, _) = by("grace", &["promote", "--model", "small/1", "--approve", "--reason", "looks right"]);
    assert!(code == 0 && shown.contains("approved for champion by grace"), "{shown}");
    assert_eq!(by("ada", &["promote", "--model", "small/1"]).0, 0);
    let (code, _, told) = by("ada", &["promote", "--model", "small/1", "--force", "--reason", "now"]);
    assert!(code == 20 && told.contains("protected"), "{told}");
    let history = project.pdm(&["registry", "history"]).stdout;
    assert!(history.contains("approve") && history.contains("looks right"), "{history}");

    assert_eq!(project.pdm(&["registry", "retire", "small/1", "--reason", "old"]).code, 1);
    assert_eq!(project.pdm(&["registry", "annotate", "small/1", "--note", "pump 7 was swapped"]).code, 0);
    project.write("registry/policy.toml", "[alias.champion]\naprovals = 1\n");
    let (code, _, told) = by("ada", &["run"]);
    assert!(code == 2 && told.contains("registry/policy.toml") && told.contains("aprovals"), "{told}");
}
