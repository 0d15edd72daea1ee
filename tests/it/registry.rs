//! `registry`: list, show, diff, history, rollback, verify, gc, and promotion by hand.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use pdm_ml::registry::blocking::Registry;
use pdm_ml::registry::{ModelRef, Stamp};

use crate::project::{Project, SMALL};

fn two_versions() -> Project {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    project.json(&["run", "--set", "calibrate.coverage=0.8"]);
    project
}

#[test]
fn history_shows_which_version_was_champion_when() {
    let project = two_versions();
    let history = project.json(&["registry", "history", "small"]);
    let entries = &history["entries"];
    let actions: Vec<_> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["register", "promote", "register", "promote"]);
    let first = entries[1]["time"].as_str().unwrap();
    assert_eq!(history["aliases"]["small@champion"], 2);
    let then = project.pdm(&["registry", "history", "--at", first]);
    assert!(
        then.stdout.contains("small@champion → v1"),
        "{}",
        then.stdout
    );
    let now = project.pdm(&["registry", "history"]);
    assert!(now.stdout.contains("small@champion → v2"), "{}", now.stdout);
    assert_eq!(
        project
            .pdm(&["registry", "history", "--at", "yesterday"])
            .code,
        2
    );
}

#[test]
fn rollback_goes_back_and_says_when_there_is_nothing_before() {
    let project = two_versions();
    assert_eq!(
        project.json(&["registry", "rollback", "small@champion"])["to"],
        1
    );
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
    project.write("pdm.toml", SMALL.replace("value = 120.0", "value = 0.5"));
    let refused = project.pdm(&["promote", "--model", "small/2", "--reason", "please"]);
    assert_eq!(refused.code, 20, "{refused:?}");
    assert_eq!(
        project
            .pdm(&["promote", "--model", "small/2", "--force"])
            .code,
        2
    );
    project.json(&[
        "promote",
        "--model",
        "small/2",
        "--force",
        "--reason",
        "plant is waiting",
    ]);
    let history = project.pdm(&["registry", "history"]);
    assert!(
        history.stdout.contains("forced: plant is waiting"),
        "{}",
        history.stdout
    );
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
    assert!(
        answer.stdout.contains("00000000000000000002"),
        "{}",
        answer.stdout
    );
    assert_eq!(project.pdm(&["run", "--set", "project.seed=8"]).code, 40);
}

#[test]
fn register_does_not_promote() {
    let project = Project::with_pipeline(SMALL);
    let outcome = project.json(&["registry", "register"]);
    assert_eq!(
        (&outcome["version"]["version"], &outcome["alias"]),
        (&1.into(), &serde_json::Value::Null)
    );
    let promoted = project.json(&["promote"]);
    assert_eq!(promoted["alias"], "champion");
}

#[test]
fn versions_go_to_another_registry_and_their_files_into_a_folder() {
    let project = two_versions();
    let copied = project.json(&["registry", "push", "small@champion", "--to", "shared"]);
    assert_eq!(
        (&copied[0]["from"], &copied[0]["version"]["version"]),
        (&2.into(), &1.into()),
        "{copied:#}"
    );
    let all = project.pdm(&["registry", "copy", "registry/store", "shared"]);
    assert!(
        all.stdout.contains("already there") && all.stdout.contains("copied"),
        "{all:?}"
    );
    assert_eq!(
        project
            .pdm(&["registry", "verify", "--registry", "shared"])
            .code,
        0
    );
    let pulled = project.json(&["registry", "pull", "small/2", "--from", "shared"]);
    assert_eq!(pulled[0]["is_new"], false, "{pulled:#}");
    let shown = project.pdm(&["registry", "show", "small/1", "--registry", "shared"]);
    assert!(
        shown.stdout.contains("v2 of ") && shown.stdout.contains("registry/store"),
        "{}",
        shown.stdout
    );

    project.json(&[
        "registry",
        "fetch",
        "small/1",
        "--registry",
        "shared",
        "--into",
        "files",
    ]);
    let file = |name: &str| std::fs::read(project.file(name)).unwrap();
    let version = project.json(&["registry", "show", "small@champion"]);
    let manifest = version["version"]["files"][0]["sha256"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        file("files/bundle.json"),
        file(&format!("registry/store/blobs/sha256/{manifest}"))
    );
    assert_eq!(
        project
            .pdm(&["registry", "push", "small/9", "--to", "shared"])
            .code,
        1
    );
}

#[test]
fn a_policy_asks_for_somebody_else() {
    let project = Project::with_pipeline(SMALL);
    project.write(
        "registry/policy.toml",
        "[alias.champion]\napprovals = 1\nprotected = true\n",
    );
    let by = |name: &str, args: &[&str]| {
        let output = project
            .command(args)
            .env("PDM_ML_ACTOR", name)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let (code, _, stderr) = by("ada", &["run"]);
    assert!(
        code == 22
            && stderr.contains("has 0 of 1 approvals that `champion` requires")
            && stderr.contains("--approve"),
        "{stderr}"
    );
    let (code, shown, _) = by(
        "grace",
        &[
            "promote",
            "--model",
            "small/1",
            "--approve",
            "--reason",
            "looks right",
        ],
    );
    assert!(
        code == 0 && shown.contains("approved for champion by grace"),
        "{shown}"
    );
    assert_eq!(by("ada", &["promote", "--model", "small/1"]).0, 0);
    let (code, _, stderr) = by(
        "ada",
        &[
            "promote", "--model", "small/1", "--force", "--reason", "now",
        ],
    );
    assert!(code == 20 && stderr.contains("protected"), "{stderr}");
    let history = project.pdm(&["registry", "history"]).stdout;
    assert!(
        history.contains("approve") && history.contains("looks right"),
        "{history}"
    );

    assert_eq!(
        project
            .pdm(&["registry", "retire", "small/1", "--reason", "old"])
            .code,
        1
    );
    assert_eq!(
        project
            .pdm(&[
                "registry",
                "annotate",
                "small/1",
                "--note",
                "pump 7 was swapped"
            ])
            .code,
        0
    );
    project.write("registry/policy.toml", "[alias.champion]\naprovals = 1\n");
    let (code, _, stderr) = by("ada", &["run"]);
    assert!(
        code == 2 && stderr.contains("registry/policy.toml") && stderr.contains("aprovals"),
        "{stderr}"
    );
}

#[test]
fn diff_shows_what_changed_and_compares_scores_of_one_protocol_only() {
    let project = two_versions();
    let answer = project.pdm(&["registry", "diff", "small/1", "small@champion"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    for word in [
        "A: small/1",
        "B: small/2 (champion)",
        "calibration.json",
        "changed",
        "rmse (cycles)",
        "same",
    ] {
        assert!(answer.stdout.contains(word), "{word}: {}", answer.stdout);
    }
    let found = project.json(&["registry", "diff", "small/1", "small/2"]);
    let changes: Vec<_> = found["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| &file["change"])
        .collect();
    assert_eq!(
        changes,
        ["changed", "changed", "same", "same", "same", "same"]
    );
    let rmse = &found["scores"]["compared"]["rows"][0];
    assert_eq!(
        (&rmse["metric"], &rmse["difference"]),
        (&"rmse".into(), &0.0.into())
    );
    // The model is the same: only how its intervals were calibrated differs.
    assert_eq!(found["options"], serde_json::json!([]));

    project.write(
        "pdm.toml",
        SMALL.replace("margin = 1000.0", "margin = 100.0"),
    );
    project.json(&[
        "run",
        "--set",
        "features.baseline_cycles=10",
        "--set",
        "dataset.test_units=11",
    ]);
    let found = project.json(&["registry", "diff", "small/1", "small/3"]);
    assert!(found["scores"]["unlike"]["a"].is_array(), "{found:#}");
    let option = found["options"]
        .as_array()
        .unwrap()
        .iter()
        .find(|o| o["name"] == "features.options.baseline_cycles");
    assert_eq!(option.unwrap()["b"], 10);
    let text = project
        .pdm(&["registry", "diff", "small/1", "small/3"])
        .stdout;
    assert!(text.contains("scores are not compared"), "{text}");
    project.json(&["registry", "push", "small/2", "--to", "shared"]);
    let found = project.json(&["registry", "diff", "small/2", "small/1", "--to", "shared"]);
    let names: Vec<_> = found["origin"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| &change["name"])
        .collect();
    assert_eq!(names, ["copied_from"]);
    assert_eq!(
        project
            .pdm(&["registry", "diff", "small/1", "small/9"])
            .code,
        1
    );
}

/// Makes everything in the registry's folder ten days older.
fn age(folder: &Path) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => age(&path),
            false => File::open(&path)
                .and_then(|file| {
                    file.set_modified(SystemTime::now() - Duration::from_secs(10 * 86_400))
                })
                .unwrap(),
        }
    }
}

#[test]
fn gc_says_what_goes_asks_and_remembers() {
    let project = two_versions();
    let registry = Registry::open("registry/store", project.path()).unwrap();
    let ago = Stamp {
        time: Timestamp::now() - SignedDuration::from_hours(240),
        actor: "ada".to_owned(),
    };
    registry
        .retire(&ModelRef::parse("small/1").unwrap(), "old", &ago)
        .unwrap();
    age(&project.file("registry/store/log"));
    let young = project.json(&["registry", "gc", "--dry-run"]);
    assert_eq!(
        (&young["found"]["blobs"], &young["removed"]),
        (&serde_json::json!([]), &serde_json::Value::Null)
    );
    assert!(young["found"]["young"].as_u64().unwrap() > 0, "{young:#}");
    age(&project.file("registry/store"));
    let part = format!(".pdm-ml/transfers/{}.part", "0".repeat(64));
    project.write(&part, "half");
    age(&project.file(".pdm-ml/transfers"));

    let preview = project.pdm(&["registry", "gc", "--dry-run"]);
    assert!(
        preview.code == 0 && preview.stdout.contains("small/1") && preview.stdout.contains(".part"),
        "{preview:?}"
    );
    let unasked = project.pdm(&["registry", "gc"]);
    assert!(
        unasked.code == 2 && unasked.stderr.contains("--yes"),
        "{unasked:?}"
    );
    assert_eq!(
        project
            .pdm(&["registry", "gc", "--grace", "1d", "--yes"])
            .code,
        2
    );
    assert_eq!(project.pdm(&["registry", "gc", "--grace", "soon"]).code, 2);
    let later = project.pdm(&["registry", "gc", "--grace", "2 weeks", "--yes"]);
    assert!(
        later.code == 0 && later.stdout.contains(" 0 unused files"),
        "{later:?}"
    );
    assert!(project.file(&part).exists());

    let done = project.json(&["registry", "gc", "--yes"]);
    assert_eq!(done["removed"]["versions"][0]["version"], 1, "{done:#}");
    assert_eq!(
        done["removed"]["blobs"],
        done["found"]["blobs"].as_array().unwrap().len()
    );
    assert!(!project.file(&part).exists());
    let verified = project.json(&["registry", "verify"]);
    assert_eq!(
        (&verified["findings"], &verified["orphans"]),
        (&serde_json::json!([]), &0.into())
    );
    let shown = project.pdm(&["registry", "show", "small/1"]);
    assert!(
        shown.code == 0 && shown.stdout.contains("its files were removed on"),
        "{shown:?}"
    );
    let fetched = project.pdm(&["registry", "fetch", "small/1", "--into", "x"]);
    assert!(
        fetched.code == 1 && fetched.stderr.contains("were collected on"),
        "{fetched:?}"
    );
    assert!(
        project
            .pdm(&["registry", "list"])
            .stdout
            .contains("(collected)")
    );
    assert!(
        project
            .pdm(&["registry", "history"])
            .stdout
            .contains("collect")
    );
    let copied = project.pdm(&["registry", "copy", "registry/store", "shared"]);
    assert!(
        copied.code == 0 && copied.stderr.contains("small/1 was not copied"),
        "{copied:?}"
    );

    // The history of the champion continues, and what was collected comes back as a new version when it is made again.
    assert_eq!(
        project
            .pdm(&["run", "--set", "calibrate.coverage=0.8"])
            .code,
        0
    );
    assert_eq!(
        project.json(&["registry", "register"])["version"]["version"],
        3
    );
    assert_eq!(
        project
            .pdm(&["registry", "fetch", "small/3", "--into", "x"])
            .code,
        0
    );
    assert_eq!(project.pdm(&["registry", "verify"]).code, 0);
}
