//! `plan`: what would run, and why; it changes nothing.

use std::time::{Duration, Instant};

use crate::needs::cmapss;
use crate::project::{Project, SMALL};

#[test]
fn a_plan_runs_nothing_and_writes_nothing() {
    let project = Project::with_pipeline(SMALL);
    let answer = project.pdm(&["plan", "--exit-code"]);
    assert_eq!(answer.code, 3, "{answer:?}");
    assert!(
        answer.stdout.contains("the fleet is not simulated yet"),
        "{}",
        answer.stdout
    );
    assert!(!project.file("datasets").exists() && !project.file("registry").exists());
}

#[test]
fn a_plan_names_the_option_that_changed_and_its_line() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    assert_eq!(project.pdm(&["plan", "--exit-code"]).code, 0);
    project.write(
        "pdm.toml",
        SMALL.replace("kind = \"linear\"", "kind = \"linear\"\nl2 = 3.5"),
    );
    let answer = project.pdm(&["plan", "--exit-code"]);
    assert_eq!(answer.code, 3);
    assert!(
        answer.stdout.contains("`model.l2`") && answer.stdout.contains("→ 3.5 (pdm.toml:15)"),
        "{}",
        answer.stdout
    );
    assert!(answer.stdout.contains("after `train`"), "{}", answer.stdout);
}

#[test]
fn a_plan_names_the_file_that_changed_and_what_it_would_cost() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["run"]);
    let file = "datasets/simulated/train_SIM001.txt";
    let rows = project.read(file);
    project.write(file, rows.replacen("1 1 ", "1  1 ", 1));
    let plan = project.json(&["plan"]);
    let why = format!(
        "`{file}` changed ({} → {} bytes)",
        rows.len(),
        rows.len() + 1
    );
    assert_eq!(
        (&plan[0]["why"], &plan[1]["why"]),
        (&why.clone().into(), &why.into()),
        "{plan:#}"
    );
    assert_eq!(
        (&plan[2]["why"], &plan[0]["runs"]),
        (&"after `validate`".into(), &true.into())
    );
    assert!(
        plan[2]["last_elapsed_ms"].is_u64()
            && plan[2]["last_peak_bytes"].as_u64().unwrap() > 1 << 20,
        "{plan:#}"
    );
    let words = project.pdm(&["plan"]).stdout;
    assert!(
        words.contains("memory") && words.contains("MiB") && words.contains("last training"),
        "{words}"
    );
    project.write(file, &rows);
    assert_eq!(
        project.pdm(&["plan", "--exit-code"]).code,
        0,
        "the old bytes are the old bytes"
    );
    project.write(file, rows.replacen("1 1 ", "1 1\t", 1));
    let why = project.json(&["plan"])[0]["why"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        why.contains(&format!(
            "`{file}` changed (still {} bytes, SHA-256 ",
            rows.len()
        )),
        "{why}"
    );
}

#[test]
fn a_stage_that_does_not_depend_on_what_runs_before_it_stays_cached() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["train"]);
    let stricter = ["--set", "validate.minimum_cycles=9"];
    let plan = project.json(&[&["plan"], &stricter[..]].concat());
    let runs: Vec<_> = (0..4).map(|i| plan[i]["runs"].as_bool().unwrap()).collect();
    assert_eq!(runs, [true, false, false, false], "{plan:#}");
    let outcome = project.json(&[&["train"], &stricter[..]].concat());
    assert_eq!(
        (
            &outcome["stages"][0]["action"],
            &outcome["stages"][2]["action"]
        ),
        (&"ran".into(), &"cached".into())
    );
}

/// The goal of the project for a plan of everything NASA published; `scripts/benchmark-plan` measures it.
#[test]
#[ignore = "needs NASA's files; PDM_ML_CMAPSS names their folder, see datasets/README.md"]
fn a_plan_of_all_nasa_files_takes_less_than_fifty_milliseconds() {
    let folder = cmapss();
    let subsets = ["FD001", "FD002", "FD003", "FD004"];
    let there = subsets
        .iter()
        .filter(|name| folder.join(format!("train_{name}.txt")).is_file());
    let dataset = format!(
        "kind = \"cmapss\"\nsubsets = {:?}\npath = \"data\"",
        there.collect::<Vec<_>>()
    );
    let text = SMALL.replace(
        "kind = \"simulated\"\ntrain_units = 24\ntest_units = 12",
        &dataset,
    );
    let project = Project::with_pipeline(&text.replace("value = 120.0", "value = 200.0"));
    for file in std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
    {
        if file.extension().is_some_and(|e| e == "txt") {
            project.write(
                &format!("data/{}", file.file_name().unwrap().to_str().unwrap()),
                std::fs::read(&file).unwrap(),
            );
        }
    }
    assert_eq!(project.pdm(&["run"]).code, 0);
    // What was written within the last seconds is hashed again.
    std::thread::sleep(Duration::from_secs(3));
    let took = || {
        let started = Instant::now();
        assert_eq!(project.pdm(&["plan", "--exit-code"]).code, 0);
        started.elapsed()
    };
    let least = (0..12).map(|_| took()).min().unwrap();
    assert!(least < Duration::from_millis(50), "{least:?}");
}

#[test]
fn a_damaged_cache_is_noticed_and_made_again() {
    let project = Project::with_pipeline(SMALL);
    project.json(&["train"]);
    let weights = glob(
        &project.file(".pdm-ml/cache/entries/train"),
        "weights.safetensors",
    );
    std::fs::write(&weights, b"no").unwrap();
    let answer = project.pdm(&["plan"]);
    assert!(
        answer.stdout.contains("the cached result is damaged"),
        "{}",
        answer.stdout
    );
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
