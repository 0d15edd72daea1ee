//! A training that was stopped goes on where it was, or starts afresh; and what it logged is drawn.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::project::{Project, SMALL};

/// Some seconds of folds.
const TRAIN: [&str; 5] = [
    "train",
    "--set",
    "model.kind=gbdt",
    "--set",
    "model.rounds=1500",
];

/// A project whose training was interrupted when its first fold was done.
fn interrupted() -> Project {
    let project = Project::with_pipeline(SMALL);
    let mut child = project.command(&TRAIN).spawn().unwrap();
    let start = Instant::now();
    while !first_fold_is_done(&project) {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "no fold within a minute"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(
        Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(130));
    project
}

fn first_fold_is_done(project: &Project) -> bool {
    let folders = fs::read_dir(project.file(".pdm-ml/cache/resume"))
        .into_iter()
        .flatten()
        .flatten();
    folders
        .into_iter()
        .any(|folder| folder.path().join("fold-0.json").exists())
}

fn copy(from: &Path, to: &Path) {
    assert!(
        Command::new("cp")
            .arg("-r")
            .arg(from.join("."))
            .arg(to)
            .status()
            .unwrap()
            .success()
    );
}

fn newest(project: &Project) -> serde_json::Value {
    let run = project.json(&["runs", "list"])["runs"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    project.json(&["runs", "show", &run])
}

/// Every output of the training, by name.
fn outputs(project: &Project) -> Vec<(String, String)> {
    let entries = fs::read_dir(project.file(".pdm-ml/cache/entries/train"))
        .unwrap()
        .flatten();
    let folders: Vec<_> = entries.map(|entry| entry.path().join("outputs")).collect();
    assert_eq!(folders.len(), 1);
    let files = fs::read_dir(&folders[0]).unwrap().flatten();
    let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
    let mut outputs: Vec<_> = files
        .map(|file| (file.file_name().into_string().unwrap(), text(&file.path())))
        .collect();
    outputs.sort();
    outputs
}

#[test]
fn a_stopped_training_goes_on_or_starts_afresh_and_ends_with_the_same_bytes() {
    let (stopped, afresh, whole) = (
        interrupted(),
        Project::empty(),
        Project::with_pipeline(SMALL),
    );
    copy(stopped.path(), afresh.path());
    let run = newest(&stopped)["id"].as_str().unwrap().to_owned();

    let resumed = stopped.pdm(&[&TRAIN[..], &["--resume"]].concat());
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert!(
        resumed.stderr.contains("note: continuing with fold "),
        "{}",
        resumed.stderr
    );
    assert!(
        resumed.stderr.contains(&format!("kept from run {run}")),
        "{}",
        resumed.stderr
    );
    assert_eq!(newest(&stopped)["tags"]["resumed_from"], run.as_str());

    let never = afresh.pdm(&[&TRAIN[..], &["--resume=never"]].concat());
    assert_eq!(never.code, 0, "{never:?}");
    assert!(
        never.stderr.contains("note: starting from scratch: ") && never.stderr.contains(&run),
        "{}",
        never.stderr
    );

    let uninterrupted = whole.pdm(&TRAIN);
    assert_eq!(
        (uninterrupted.code, uninterrupted.stderr.as_str()),
        (0, ""),
        "{uninterrupted:?}"
    );
    let expected = outputs(&whole);
    assert_eq!(outputs(&stopped), expected);
    assert_eq!(outputs(&afresh), expected);
    let logged = |project: &Project| {
        newest(project)["metrics"]["fold-1/gbdt/train_rmse"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((logged(&stopped), logged(&whole)), (150, 150));
}

#[test]
fn an_early_stop_says_what_was_kept() {
    let project = Project::with_pipeline(SMALL);
    let options = [
        "train.validation=0.25",
        "train.validate_every=5",
        "train.patience=2",
        "model.learning_rate=0.3",
    ];
    let set = options.iter().flat_map(|option| ["--set", option]);
    let trained = project.pdm(&TRAIN.into_iter().chain(set).collect::<Vec<_>>());
    assert_eq!(trained.code, 0, "{trained:?}");
    let metrics = &newest(&project)["metrics"];
    let value = |name: &str| metrics[name][0]["value"].as_f64().unwrap();
    let (step, rmse) = (
        value("final/gbdt/best_step"),
        value("final/gbdt/best_validation_rmse"),
    );
    assert!(
        trained.stdout.contains(&format!(
            "kept after {step} steps, validation RMSE {rmse:.2}"
        )),
        "{trained:?}"
    );
    let looks = metrics["final/gbdt/validation_rmse"].as_array().unwrap();
    assert_eq!(looks.len() as f64, step / 5.0 + 2.0);
    assert!(
        looks
            .iter()
            .all(|look| look["value"].as_f64().unwrap() >= rmse),
        "{looks:?}"
    );
}

#[test]
fn learning_curves_are_drawn_and_kept_with_the_run() {
    let project = Project::with_pipeline(SMALL);
    let linear = project.json(&["train"]);
    assert!(linear["learning_curves"].is_null(), "{linear:#}");
    let gbdt = [
        "train",
        "--set",
        "model.kind=gbdt",
        "--set",
        "model.rounds=30",
    ];
    let outcome = project.json(&gbdt);
    let drawing = fs::read_to_string(outcome["learning_curves"].as_str().unwrap()).unwrap();
    let document = roxmltree::Document::parse(&drawing).unwrap();
    let lines = document
        .descendants()
        .filter(|node| node.tag_name().name() == "polyline");
    assert_eq!(lines.count(), 6, "five folds and the final fit");
    let artifacts = newest(&project)["artifacts"].clone();
    for name in ["learning_curves.svg", "learning_curves.csv"] {
        assert!(
            artifacts[name]["bytes"].as_u64().unwrap() > 100,
            "{artifacts:#}"
        );
    }
    let words = project.pdm(&gbdt);
    assert!(
        words
            .stdout
            .contains("learning curves: .pdm-ml/cache/entries/train/"),
        "{}",
        words.stdout
    );
}

#[test]
fn other_words_for_resume_are_refused() {
    let project = Project::with_pipeline(SMALL);
    let answer = project.pdm(&["train", "--resume=sometimes"]);
    assert_eq!(answer.code, 2);
    assert!(answer.stderr.contains("auto, never"), "{}", answer.stderr);
}
