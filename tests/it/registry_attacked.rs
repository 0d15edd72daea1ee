//! A registry that somebody else writes to, loses, copies or shares: what the commands say then.

use std::path::Path;
use std::process::Command;

use jiff::{SignedDuration, Timestamp};
use pdm_ml::registry::blocking::Registry;
use pdm_ml::registry::{ModelRef, Stamp};

use crate::project::{Answer, Project, SMALL};

fn one_version() -> Project {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    project
}

fn with_registry(keys: &str) -> String {
    format!("{SMALL}\n[registry]\n{keys}\n")
}

/// Adds the old registry of the first format to a project; its entries are signed.
fn with_format_1() -> Project {
    let project = Project::with_pipeline(SMALL);
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/registry_format_1");
    copy(&from, project.path());
    project
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let into = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &into)
        } else {
            _ = std::fs::copy(&path, into).unwrap()
        }
    }
}

#[test]
fn a_registry_of_format_1_is_read_verified_and_written_on() {
    let project = with_format_1();
    let verified = project.json(&["registry", "verify"]);
    assert_eq!(
        (&verified["findings"], &verified["entries"]),
        (&serde_json::json!([]), &3.into()),
        "{verified:#}"
    );
    assert_eq!(verified["signed"], 3);
    let id = verified["id"].as_str().unwrap().to_owned();
    let head = verified["head"].as_str().unwrap().to_owned();
    assert_eq!(
        project.json(&["registry", "show", "small@champion"])["version"]["version"],
        1
    );
    let log = |entry: &str| {
        std::fs::read_to_string(project.file(&format!("registry/store/log/{entry}.json"))).unwrap()
    };
    let old = log("00000000000000000003");
    // Adding the object that newer logs begin with changes nothing in this one.
    project.write("registry/store/log/00000000000000000000.json", "{}");
    assert_eq!(
        project.json(&["registry", "show", "small@champion"])["version"]["version"],
        1
    );
    assert_eq!(project.pdm(&["registry", "verify"]).code, 40);
    std::fs::remove_file(project.file("registry/store/log/00000000000000000000.json")).unwrap();

    project.json(&["registry", "annotate", "small/1", "--note", "written on"]);
    let new = log("00000000000000000004");
    assert!(
        new.contains(&format!("\"registry\":\"{id}\"")) && new.contains("\"format\":2"),
        "{new}"
    );
    assert_eq!(log("00000000000000000003"), old);
    let verified = project.json(&["registry", "verify", "--head", &head]);
    assert_eq!(
        (&verified["id"], &verified["noted"]),
        (&id.as_str().into(), &3.into()),
        "{verified:#}"
    );
    let marker = std::fs::read_to_string(project.file("registry/store/store.json")).unwrap();
    assert!(
        marker.contains("\"format\":1"),
        "the marker is never changed: {marker}"
    );
    assert_eq!(
        project
            .pdm(&["registry", "list", "--registry", "registry/store"])
            .code,
        0
    );
}

#[test]
fn a_registry_that_is_expected_and_absent_is_no_empty_one() {
    let project = one_version();
    let id = project.json(&["registry", "verify"])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    project.write("pdm.toml", with_registry(&format!("id = \"{id}\"")));
    assert_eq!(project.pdm(&["run"]).code, 0);
    std::fs::rename(project.file("registry/store"), project.file("unmounted")).unwrap();
    for args in [
        &["run"][..],
        &["retrain"],
        &["registry", "list"],
        &["registry", "gc", "--yes"],
        &["registry", "verify"],
    ] {
        let answer = project.pdm(args);
        assert!(
            answer.code == 40 && answer.stderr.contains("holds no registry"),
            "{args:?}: {answer:?}"
        );
        assert!(
            answer.stderr.contains("E0529") && answer.stderr.contains("mounted"),
            "{args:?}: {answer:?}"
        );
        assert!(!project.file("registry/store").exists(), "{args:?}");
    }
    // Another plant's, whole and intact, is another one.
    let other = one_version();
    copy(
        &other.file("registry/store"),
        &project.file("registry/store"),
    );
    let answer = project.pdm(&["retrain"]);
    assert!(
        answer.code == 40 && answer.stderr.contains(&id),
        "{answer:?}"
    );
    project.write("pdm.toml", with_registry("id = \"plant-7\""));
    let answer = project.pdm(&["run"]);
    assert!(
        answer.code == 2 && answer.stderr.contains("plant-7"),
        "{answer:?}"
    );
}

#[test]
fn models_without_a_log_are_damage_and_nothing_is_removed() {
    let project = one_version();
    let blobs = || {
        project
            .file("registry/store/blobs/sha256")
            .read_dir()
            .unwrap()
            .count()
    };
    let before = blobs();
    std::fs::rename(project.file("registry/store/log"), project.file("log")).unwrap();
    for args in [
        &["run"][..],
        &["retrain"],
        &["registry", "list"],
        &["registry", "gc", "--yes"],
    ] {
        let answer = project.pdm(args);
        assert!(
            answer.code == 40 && answer.stderr.contains("E0530"),
            "{args:?}: {answer:?}"
        );
    }
    let verified = project.pdm(&["registry", "verify"]);
    assert!(
        verified.code == 40 && verified.stdout.contains("the log is missing"),
        "{verified:?}"
    );
    assert_eq!(blobs(), before);
    std::fs::rename(project.file("log"), project.file("registry/store/log")).unwrap();
    assert_eq!(project.pdm(&["registry", "verify"]).code, 0);
}

#[test]
fn gc_of_a_log_that_lost_its_newest_entries_asks_for_force() {
    let project = one_version();
    let head = project.json(&["registry", "verify"])["head"]
        .as_str()
        .unwrap()
        .to_owned();
    for coverage in ["0.8", "0.7", "0.6"] {
        project.json(&["run", "--set", &format!("calibrate.coverage={coverage}")]);
    }
    let newest = project.json(&["registry", "verify"])["head"]
        .as_str()
        .unwrap()
        .to_owned();
    for entry in 2..=8 {
        std::fs::remove_file(project.file(&format!("registry/store/log/{entry:020}.json")))
            .unwrap();
    }
    age(&project.file("registry/store"));
    let refused = project.pdm(&["registry", "gc", "--yes"]);
    assert!(
        refused.code == 40 && refused.stderr.contains("which ends at entry 1"),
        "{refused:?}"
    );
    let planned = project.pdm(&["registry", "gc", "--dry-run"]);
    assert!(
        planned.code == 40 && planned.stdout.contains("no version"),
        "{planned:?}"
    );
    let verified = project.pdm(&["registry", "verify"]);
    assert!(
        verified.code == 0 && verified.stderr.contains("--head"),
        "{verified:?}"
    );
    let gone = project.pdm(&["registry", "verify", "--head", &newest]);
    assert!(
        gone.code == 40 && gone.stdout.contains("the given head"),
        "{gone:?}"
    );
    assert_eq!(project.pdm(&["registry", "verify", "--head", "8"]).code, 40);
    assert_eq!(project.pdm(&["registry", "verify", "--head", "1"]).code, 0);
    assert_eq!(
        project.pdm(&["registry", "verify", "--head", "soon"]).code,
        2
    );
    let still = project.json(&["registry", "history"]);
    assert_eq!(still["entries"].as_array().unwrap().len(), 1, "{head}");
    let forced = project.json(&["registry", "gc", "--yes", "--force"]);
    assert!(
        forced["removed"]["blobs"].as_u64().unwrap() > 0,
        "{forced:#}"
    );
    assert_eq!(project.pdm(&["registry", "verify"]).code, 0);
}

/// Makes everything in a folder ten days older.
fn age(folder: &Path) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let old = std::time::SystemTime::now() - std::time::Duration::from_secs(10 * 86_400);
        match path.is_dir() {
            true => age(&path),
            false => std::fs::File::open(&path)
                .and_then(|file| file.set_modified(old))
                .unwrap(),
        }
    }
}

#[test]
fn fetching_writes_over_its_own_files_only() {
    let project = one_version();
    project.json(&["run", "--set", "calibrate.coverage=0.8"]);
    for version in ["small/1", "small/2", "small/1"] {
        project.json(&["registry", "fetch", version, "--into", "bundle"]);
    }
    project.write("bundle/bundle.json", "mine");
    let refused = project.pdm(&["registry", "fetch", "small/2", "--into", "bundle"]);
    assert!(
        refused.code == 1 && refused.stderr.contains("E0533"),
        "{refused:?}"
    );
    assert_eq!(
        std::fs::read_to_string(project.file("bundle/bundle.json")).unwrap(),
        "mine"
    );
}

#[test]
fn a_policy_table_for_an_unknown_alias_is_reported() {
    let project = one_version();
    project.write(
        "registry/policy.toml",
        "[alias.champoin]\nprotected = true\n",
    );
    let answer = project.pdm(&["run"]);
    assert!(
        answer.code == 0 && answer.stderr.contains("[alias.champoin]"),
        "{answer:?}"
    );
    project.write(
        "registry/policy.toml",
        "[alias.champion]\nprotected = true\n",
    );
    let answer = project.pdm(&["run"]);
    assert!(
        answer.code == 0 && !answer.stderr.contains("[alias."),
        "{answer:?}"
    );
}

#[test]
fn what_killed_commands_left_among_fetched_bundles_goes() {
    let project = one_version();
    for name in [".tmpOld", ".tmpNew"] {
        project.write(&format!(".pdm-ml/bundles/{name}/bundle.json"), "half");
    }
    let old = project.file(".pdm-ml/bundles/.tmpOld");
    age(&old);
    let ago = std::time::SystemTime::now() - std::time::Duration::from_secs(10 * 86_400);
    std::fs::File::open(&old)
        .and_then(|file| file.set_modified(ago))
        .unwrap();
    project.json(&["export", "onnx", "small@champion", "--out", "model.onnx"]);
    assert!(!old.exists() && project.file(".pdm-ml/bundles/.tmpNew").exists());
}

#[test]
fn a_clock_that_was_set_back_is_reported() {
    let project = one_version();
    let registry = Registry::open("registry/store", project.path()).unwrap();
    let at = |hours| Stamp {
        time: Timestamp::now() + SignedDuration::from_hours(hours),
        actor: "ada".to_owned(),
    };
    let note = |hours| {
        registry
            .annotate(&ModelRef::parse("small/1").unwrap(), "note", &at(hours))
            .unwrap()
    };
    let answer = project.pdm(&["registry", "history"]);
    assert!(
        answer.code == 0 && !answer.stderr.contains("set back"),
        "{answer:?}"
    );
    note(5);
    note(1);
    let answer = project.pdm(&["registry", "history", "--at", "2100-01-01"]);
    assert!(
        answer.stderr.contains("entry 4 has the time") && answer.stderr.contains("--at"),
        "{answer:?}"
    );
    let history = project.json(&["registry", "history"]);
    assert_eq!(history["clocks_set_back"][0]["after"], 3, "{history:#}");
}

#[cfg(unix)]
mod on_disk {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn with_umask(project: &Project, umask: &str, args: &[&str]) -> Answer {
        let command = project.command(args);
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"])
            .arg(command.get_program())
            .args(command.get_args());
        shell.current_dir(command.get_current_dir().unwrap());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Answer::of(&mut shell)
    }

    fn assert_modes(folder: &Path, folders: u32, files: u32) {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let mode = path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(
                mode,
                if path.is_dir() { folders } else { files },
                "{}",
                path.display()
            );
            if path.is_dir() {
                assert_modes(&path, folders, files);
            }
        }
    }

    #[test]
    fn a_strict_umask_locks_no_user_out_of_a_shared_registry() {
        let project = Project::with_pipeline(SMALL);
        std::fs::create_dir_all(project.file("shared")).unwrap();
        std::fs::set_permissions(
            project.file("shared"),
            std::fs::Permissions::from_mode(0o775),
        )
        .unwrap();
        let run = with_umask(&project, "077", &["run", "--set", "registry.url=shared"]);
        assert_eq!(run.code, 0, "{run:?}");
        assert_modes(&project.file("shared"), 0o775, 0o664);
    }

    fn make_pipe(path: &Path) {
        std::fs::remove_file(path).unwrap();
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn a_pipe_in_the_place_of_an_object_is_named_and_not_waited_for() {
        let project = one_version();
        let shown = project.json(&["registry", "show", "small/1"]);
        let blob = shown["version"]["files"][0]["sha256"]
            .as_str()
            .unwrap()
            .to_owned();
        make_pipe(&project.file(&format!("registry/store/blobs/sha256/{blob}")));
        for args in [
            &["registry", "verify"][..],
            &["registry", "fetch", "small/1", "--into", "x"],
        ] {
            let answer = project.pdm(args);
            assert!(
                answer.code == 40 && format!("{answer:?}").contains("not a regular file"),
                "{args:?}: {answer:?}"
            );
        }
        make_pipe(&project.file("registry/store/log/00000000000000000002.json"));
        let answer = project.pdm(&["registry", "list"]);
        assert!(
            answer.code == 40 && answer.stderr.contains("not a regular file"),
            "{answer:?}"
        );
        project.write("registry/policy.toml", "");
        make_pipe(&project.file("registry/policy.toml"));
        let answer = project.pdm(&["registry", "list"]);
        assert!(
            answer.code == 2 && answer.stderr.contains("a pipe, a socket or a device"),
            "{answer:?}"
        );
    }
}

/// Every user who may write to a registry chooses texts that others read on their terminals.
#[test]
fn words_of_others_do_not_command_a_terminal() {
    let project = one_version();
    let note = "x\u{1b}[2J\u{1b}]0;pwn\u{7}\nFAKE\r \u{202e}drawer";
    let mut command = project.command(&["registry", "annotate", "small/1", "--note", note]);
    let annotated = Answer::of(command.env("PDM_ML_ACTOR", "ann\u{1b}[8m"));
    assert_eq!(annotated.code, 0, "{annotated:?}");
    let commands: [&[&str]; 3] = [
        &["registry", "history", "small"],
        &["registry", "show", "small/1"],
        &["registry", "annotate", note, "--note", "x"],
    ];
    for args in commands {
        let answer = project.pdm(args);
        for text in [&answer.stdout, &answer.stderr] {
            let shown = text
                .chars()
                .find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
            assert_eq!(shown, None, "{args:?}: {text}");
        }
        assert!(
            answer.stdout.contains("\\x1b[2J") || answer.stderr.contains("\\x1b[2J"),
            "{args:?}: {answer:?}"
        );
    }
    // Programs get the words as they are.
    let history = project.json(&["registry", "history", "small"]);
    assert!(history.to_string().contains("\\u001b[2J"), "{history:#}");
}

/// A store that was moved away is not replaced without a word.
#[test]
fn a_new_registry_is_reported_with_its_identity() {
    let project = one_version();
    std::fs::rename(project.file("registry/store"), project.file("moved")).unwrap();
    let answer = project.pdm(&["run", "--set", "calibrate.coverage=0.8"]);
    let id = project.json(&["registry", "verify"])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let says = format!("set `[registry] id = \"{id}\"` to require it");
    assert!(
        answer.code == 0 && answer.stderr.contains(&says),
        "{answer:?}"
    );
    assert!(
        !project
            .pdm(&["run", "--set", "calibrate.coverage=0.7"])
            .stderr
            .contains("created a new registry")
    );
}
