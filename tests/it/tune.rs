//! `tune`: search the pipeline's options, stop and go on, and write the winner.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::project::{Project, SMALL};

/// Ridge regression over three keys: a trial takes a few milliseconds.
const TUNE: &str = r#"
[tune]
trials = 9
startup_trials = 4
prune = { after_trials = 3 }

[tune.space]
"model.l2" = { low = 1e-4, high = 10, log = true, simpler = "high" }   # the penalty
"features.half_lives" = { choices = [[4, 15], [2, 8, 30]] }
"features.window_cycles" = { low = 10, high = 60, step = 10 }
"#;

fn project() -> Project {
    Project::with_pipeline(&format!("{SMALL}{TUNE}"))
}

/// What a search found, but for where and when.
fn found(mut outcome: Value) -> Value {
    for key in ["run", "output", "file"] {
        outcome.as_object_mut().unwrap().remove(key);
    }
    outcome
}

fn journal(project: &Project) -> std::path::PathBuf {
    let mut files = std::fs::read_dir(project.file(".pdm-ml/studies"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let journal = files.next().unwrap();
    assert_eq!(files.next(), None);
    journal
}

#[test]
fn a_search_writes_the_user_s_file_with_the_chosen_values() {
    let project = project();
    let outcome = project.json(&["tune"]);
    let trials = outcome["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 10, "the file and 9 more: {outcome:#}");
    let chosen = &trials[outcome["chosen"].as_u64().unwrap() as usize];
    assert_eq!(
        (&chosen["ended"], &chosen["within"]),
        (&"complete".into(), &true.into())
    );
    assert_eq!(
        trials[0]["values"]["model.l2"], 0.001,
        "the values of the file come first"
    );

    let text = project.read("pdm.tuned.toml");
    for comment in [
        "# Tuned: trial",
        "# On folds that had no part in the choice",
        "# the penalty",
    ] {
        assert!(text.contains(comment), "{comment}\n{text}");
    }
    let tuned = project.json(&["config", "show", "pdm.tuned.toml"]);
    assert_eq!(tuned["model"]["l2"], chosen["values"]["model.l2"]);
    assert_eq!(
        tuned["registry"],
        project.json(&["config", "show"])["registry"]
    );
    let again = outcome["confirmed"][0]["chosen"].as_f64().unwrap();
    assert!(again > 0.0 && Some(again) != chosen["value"].as_f64());

    let scored = project.json(&["evaluate", "pdm.tuned.toml"]);
    let rmse = scored["scores"]["out_of_fold"]["scores"][0]["value"]
        .as_f64()
        .unwrap();
    assert!(
        (rmse - chosen["value"].as_f64().unwrap()).abs() < 1e-9,
        "{rmse} is the score of `evaluate`, too"
    );
}

#[test]
fn a_search_is_recorded_as_a_run() {
    let project = project();
    let outcome = project.json(&["tune"]);
    let run = project.json(&["runs", "show", outcome["run"].as_str().unwrap()]);
    let complete = outcome["trials"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|trial| trial["ended"] == "complete")
        .count();
    assert_eq!(
        run["metrics"]["tune/rmse"].as_array().unwrap().len(),
        complete
    );
    assert_eq!(run["tags"]["tune.chosen"], outcome["chosen"].to_string());
    assert!(run["artifacts"]["tuned.toml"]["bytes"].as_u64().unwrap() > 100);
    assert_eq!(
        (&run["status"], &run["stages"][0]["stage"]),
        (&"FINISHED".into(), &"tune".into())
    );
}

#[test]
fn a_search_that_was_killed_ends_as_if_it_had_not_been() {
    let whole = project();
    let expected = found(whole.json(&["tune"]));
    let lines: Vec<_> = std::fs::read_to_string(journal(&whole))
        .unwrap()
        .lines()
        .map(ToOwned::to_owned)
        .collect();
    // One line opens the journal; each of these kills came after so many trials, in the middle of the next line.
    for trials in [0, 4, 9, 10] {
        let killed = project();
        killed.json(&["data", "validate"]);
        let name = journal(&whole)
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let text = lines[..=trials].join("\n") + "\n" + &lines[trials + 1][..20];
        killed.write(&format!(".pdm-ml/studies/{name}"), text);
        assert_eq!(
            found(killed.json(&["tune"])),
            expected,
            "{trials} trials were done"
        );
        assert_eq!(killed.read("pdm.tuned.toml"), whole.read("pdm.tuned.toml"));
    }
}

#[test]
fn more_trials_continue_and_fresh_starts_from_scratch() {
    let project = project();
    let first = found(project.json(&["tune", "--trials", "5"]));
    let bytes = std::fs::metadata(journal(&project)).unwrap().len();
    let more = found(project.json(&["tune", "--force"]));
    let (a, b) = (
        first["trials"].as_array().unwrap(),
        more["trials"].as_array().unwrap(),
    );
    assert_eq!((a.len(), b.len()), (6, 10));
    assert!(
        a.iter()
            .zip(b)
            .all(|(a, b)| (&a["values"], &a["value"]) == (&b["values"], &b["value"]))
    );
    assert!(std::fs::metadata(journal(&project)).unwrap().len() > bytes);
    assert_eq!(found(project.json(&["tune", "--force", "--fresh"])), more);
    let other = project.json(&["tune", "--force", "--set", "tune.seed=8"]);
    assert_ne!(other["study"], more["study"]);
}

/// A line that cannot be read is reported and its trial repeated, and the search ends with the same result.
#[test]
fn a_damaged_journal_is_reported_and_its_trial_repeated() {
    let project = project();
    let first = found(project.json(&["tune", "--trials", "4"]));
    let text = std::fs::read_to_string(journal(&project)).unwrap();
    let damaged: Vec<_> = text
        .lines()
        .map(|line| {
            if line.contains("\"number\":2") {
                "{\"trial\":{\"num"
            } else {
                line
            }
        })
        .collect();
    std::fs::write(journal(&project), damaged.join("\n") + "\n").unwrap();
    let answer = project.pdm(&["tune", "--trials", "4", "--force", "--format", "json"]);
    assert!(
        answer.stderr.contains("trial 2 cannot be read from"),
        "{answer:?}"
    );
    assert_eq!(found(serde_json::from_str(&answer.stdout).unwrap()), first);
    assert!(
        !project
            .pdm(&["tune", "--trials", "4", "--force"])
            .stderr
            .contains("cannot be read")
    );
}

#[test]
fn an_interrupted_search_says_how_far_it_came_and_goes_on() {
    let slow = SMALL.replace("kind = \"linear\"", "kind = \"gbdt\"\nrounds = 3000")
        + &TUNE.replace("high = 10,", "high = 9,");
    let project = Project::with_pipeline(&slow);
    let child = project
        .command(&["tune"])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let done = || {
        std::fs::read_dir(project.file(".pdm-ml/studies")).is_ok_and(|mut files| {
            files.next().is_some_and(|file| {
                std::fs::read_to_string(file.unwrap().path())
                    .unwrap()
                    .contains("\"trial\"")
            })
        })
    };
    while !done() {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "no trial within two minutes"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{words}");
    assert!(words.contains("trials are done of at most 10"), "{words}");
    assert!(words.contains("it continues where it stopped"), "{words}");
    assert!(!project.file("pdm.tuned.toml").exists());
}

#[test]
fn the_words_name_the_choice_and_warn_of_its_score() {
    let project = project();
    let answer = project.pdm(&["tune"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let expected = [
        "behind the best",
        "chosen: ",
        "one standard error",
        "on new folds",
        "too optimistic",
        "written: pdm.tuned.toml",
    ];
    for words in expected {
        assert!(answer.stdout.contains(words), "{words}\n{}", answer.stdout);
    }
    let words = project
        .pdm(&[
            "tune",
            "--set",
            "tune.choose=best",
            "--set",
            "tune.confirm=0",
            "--force",
        ])
        .stdout;
    assert!(
        words.contains("which has the best score") && words.contains("tune.confirm = 1"),
        "{words}"
    );
}

#[test]
fn a_dry_run_shows_the_space_and_tries_nothing() {
    let project = project();
    let answer = project.pdm(&["tune", "--dry-run"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    insta::assert_snapshot!(answer.stdout, @"
    key                     values                     count
    ────────────────────────────────────────────────────────────
    model.l2                0.0001 to 10, logarithmic
    features.half_lives     [4,15], [2,8,30]               2
    features.window_cycles  10, 20, 30, 40, 50, 60         6

    continuous; the unchanged file and at most 9 trials by tpe, compared by out-of-fold rmse
    ");
    let grid = [
        "tune",
        "--dry-run",
        "--set",
        "tune={ method = \"grid\", space = { \"model.l2\" = { choices = [1, 2] } } }",
    ];
    assert_eq!(project.json(&grid)["trials"], 2);
    assert!(!project.file("datasets").exists() && !project.file(".pdm-ml").exists());
}

#[test]
fn obstacles_are_reported_before_the_search() {
    let project = project();
    project.write("pdm.tuned.toml", "mine");
    let answer = project.pdm(&["tune"]);
    assert_eq!(answer.code, 2, "{answer:?}");
    assert!(
        answer.stderr.contains("already exists") && answer.stderr.contains("--force"),
        "{}",
        answer.stderr
    );
    assert_eq!(project.read("pdm.tuned.toml"), "mine");
    assert!(!project.file(".pdm-ml").exists());

    let nothing = Project::with_pipeline(SMALL).pdm(&["tune"]);
    assert_eq!(nothing.code, 2, "{nothing:?}");
    assert!(
        nothing.stderr.contains("no [tune]") && nothing.stderr.contains("[tune.space]"),
        "{}",
        nothing.stderr
    );

    let wrong = project.pdm(&["tune", "--trials", "0"]);
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(
        wrong.stderr.contains("--set tune.trials=0"),
        "{}",
        wrong.stderr
    );
}

#[test]
fn an_impossible_trial_is_reported_and_the_search_continues() {
    let text = SMALL.to_owned()
        + "[tune]\nmethod = \"grid\"\nconfirm = 0\n[tune.space]\n\"model.kind\" = { choices = [\"linear\", \"gbdt\"] }\n\
           \"model.min_leaf_rows\" = { choices = [20, 1000000] }\n\"model.rounds\" = { choices = [5] }\n";
    let project = Project::with_pipeline(&text);
    let answer = project.pdm(&["tune", "--format", "json"]);
    assert_eq!(answer.code, 0, "{answer:?}");
    let outcome: Value = serde_json::from_str(&answer.stdout).unwrap();
    let ended: Vec<_> = outcome["trials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|trial| trial["ended"].as_str().unwrap())
        .collect();
    assert_eq!(ended, ["complete", "complete", "failed"], "{answer:?}");
    assert!(
        answer.stderr.contains("warning: trial 2 failed"),
        "{}",
        answer.stderr
    );
    assert_eq!(outcome["exhausted"], true);
}

#[test]
fn a_value_at_an_end_of_its_range_is_reported_with_what_to_widen() {
    let space = "\n[tune]\nmethod = \"grid\"\nchoose = \"best\"\nconfirm = 0\n\n[tune.space]\n\"model.l2\" = { low = 1e3, high = 1e6, log = true, points = 4 }\n";
    let project = Project::with_pipeline(
        &format!("{SMALL}{space}").replace("kind = \"linear\"", "kind = \"linear\"\nl2 = 1e5"),
    );
    let outcome = project.json(&["tune"]);
    let edge = &outcome["at_edge"][0];
    assert_eq!(
        (&edge["key"], &edge["end"], &edge["low"]),
        (&"model.l2".into(), &"low".into(), &1000.0.into()),
        "{outcome:#}"
    );
    let text = project.pdm(&["tune", "--force"]).stdout;
    assert!(
        text.contains(
            "warning: the chosen model.l2 = 1000.0 is at the lower end of 1000.0 to 1000000.0"
        ),
        "{text}"
    );
    assert!(
        text.contains("give \"model.l2\" in [tune.space] a smaller `low` than 1000.0"),
        "{text}"
    );
    // The file's own value is outside, and is the best.
    let below = project.read("pdm.toml").replace("l2 = 1e5", "l2 = 0.001");
    project.write("pdm.toml", below);
    let outcome = project.json(&["tune", "--force"]);
    let edge = &outcome["at_edge"][0];
    assert_eq!(
        (&edge["end"], &edge["is_outside"]),
        (&"low".into(), &true.into()),
        "{outcome:#}"
    );
    let text = project.pdm(&["tune", "--force"]).stdout;
    let warning = "the chosen model.l2 = 0.001 is below the searched range, 1000.0 to 1000000.0";
    assert!(text.contains(warning), "{text}");
}
