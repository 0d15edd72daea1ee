//! Tests of the local run store.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::tracking::*;
use pdm_core::content::Digest;
use pdm_core::events::{Event, Observer, Reporter};

fn store() -> (TempDir, RunStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = RunStore::open(dir.path().join("runs"));
    (dir, store)
}

fn start(store: &RunStore, name: &str) -> ActiveRun {
    store
        .start(
            RunHeader::new(name, "pipelines/fd001.toml", "turbofan"),
            &Reporter::silent(),
        )
        .unwrap()
}

fn param(key: &str, value: &str) -> Event {
    Event::Param {
        key: key.into(),
        value: value.into(),
    }
}

fn metric(key: &str, step: u64, value: f64) -> Event {
    Event::Metric {
        key: key.into(),
        step,
        value,
    }
}

fn journal(store: &RunStore, id: RunId) -> std::path::PathBuf {
    store.folder(id).journal()
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new()
        .append(true)
        .open(path)
        .unwrap()
        .write_all(bytes)
        .unwrap();
}

#[derive(Default)]
struct RecordedWarnings(Mutex<Vec<String>>);

impl Observer for RecordedWarnings {
    fn on(&self, event: &Event) {
        if let Event::Warning { message } = event {
            self.0.lock().unwrap().push(message.clone());
        }
    }
}

#[test]
fn a_run_is_read_back_as_it_was_recorded() {
    let (dir, store) = store();
    let file = dir.path().join("scores.json");
    fs::write(&file, b"{}").unwrap();
    let run = Arc::new(start(&store, "first"));
    let reporter = Reporter::silent().with(run.clone());
    for event in [
        Event::StageStarted {
            stage: "train".into(),
            why: "no cache".into(),
        },
        param("model.kind", "gbdt"),
        param("model.kind", "gru"),
        Event::Tag {
            key: "team".into(),
            value: "a\nb \u{1f680}".into(),
        },
        Event::Artifact {
            name: "reports/scores.json".into(),
            path: file,
        },
        Event::StageFinished {
            stage: "train".into(),
            summary: "ok".into(),
            elapsed_ms: 7,
        },
        Event::StageCached {
            stage: "evaluate".into(),
            why: "same inputs".into(),
        },
    ] {
        reporter.emit(event);
    }
    reporter.metric("loss", 1, 0.1 + 0.2);
    reporter.metric("loss", 2, f64::NAN);
    reporter.warn("few units");
    reporter.progress("fit", 1, 2, "");
    run.finish(RunOutcome::Finished).unwrap();
    reporter.metric("late", 1, 1.0);

    let read = store.load(&run.id().to_string()).unwrap();
    assert_eq!(
        (read.status, read.id, &read.header),
        (RunStatus::Finished, run.id(), run.header())
    );
    assert!(read.ended.unwrap() >= read.header.started);
    assert_eq!(read.params["model.kind"], "gbdt");
    assert_eq!(read.tags["team"], "a\nb \u{1f680}");
    assert_eq!(read.metrics.len(), 1);
    assert_eq!(read.metrics["loss"][0].value, Number(0.1 + 0.2));
    assert!(read.final_metrics()["loss"].0.is_nan());
    assert_eq!(
        read.artifacts["reports/scores.json"],
        KeptArtifact {
            bytes: 2,
            digest: Digest::of("{}")
        }
    );
    assert_eq!(
        fs::read(store.artifact(read.id, "reports/scores.json").unwrap()).unwrap(),
        b"{}"
    );
    let stages: Vec<_> = read
        .stages
        .iter()
        .map(|s| (s.stage.as_str(), s.state, s.elapsed_ms))
        .collect();
    assert_eq!(
        stages,
        [
            ("train", StageState::Finished, Some(7)),
            ("evaluate", StageState::Cached, None)
        ]
    );
    assert_eq!(
        (read.warnings, read.skipped_lines),
        (vec!["few units".to_owned()], 0)
    );
    serde_json::to_string(&store.load(&run.id().to_string()).unwrap()).unwrap();
}

#[test]
fn dropped_in_a_panic_a_run_has_failed() {
    let (_dir, store) = store();
    let run = start(&store, "panics");
    let id = run.id();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let run = run;
        run.on(&metric("loss", 1, 1.0));
        panic!("out of cheese");
    }));
    assert!(panicked.is_err());
    assert_eq!(
        store.load(&id.to_string()).unwrap().status,
        RunStatus::Failed
    );
    assert_eq!(store.reap().unwrap(), []);
}

/// Not a test of its own: `a_killed_process_leaves_a_killed_run` starts this binary again with only this one.
#[test]
fn child_that_holds_a_run() {
    let Some(dir) = std::env::var_os("PDM_ML_TEST_HOLD_RUN_IN") else {
        return;
    };
    let run = start(&RunStore::open(dir), "held");
    run.on(&metric("loss", 1, 0.5));
    println!("ready {}", run.id());
    thread::sleep(Duration::from_secs(120));
}

#[test]
fn a_killed_process_leaves_a_killed_run() {
    let (_dir, store) = store();
    let dir = _dir.path().join("runs");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "tracking::local::tests::child_that_holds_a_run",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env("PDM_ML_TEST_HOLD_RUN_IN", &dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let id: RunId = lines
        .by_ref()
        .find_map(|line| Some(line.unwrap().split_once("ready ")?.1.to_owned()))
        .expect("the child says when it is ready")
        .parse()
        .unwrap();

    assert_eq!(store.list().unwrap().runs[0].status, RunStatus::Running);
    assert_eq!(store.reap().unwrap(), []);
    child.kill().unwrap();
    child.wait().unwrap();

    let seen = store.list().unwrap().runs.remove(0);
    let before = fs::read(journal(&store, id)).unwrap();
    assert_eq!(
        (seen.id, seen.status),
        (id, RunStatus::Killed),
        "right before anything is written"
    );
    assert_eq!(store.reap().unwrap(), [id]);
    assert_eq!(store.reap().unwrap(), []);
    let read = store.load(&id.to_string()).unwrap();
    assert_eq!((read.status, read.ended), (RunStatus::Killed, seen.ended));
    assert_eq!(read.final_metrics()["loss"], Number(0.5));
    assert!(fs::read(journal(&store, id)).unwrap().starts_with(&before));
}

#[test]
fn torn_and_damaged_lines_cost_only_themselves() {
    let (_dir, store) = store();
    let run = start(&store, "torn");
    let id = run.id();
    run.on(&metric("loss", 1, 0.5));
    append(
        &journal(&store, id),
        b"{\"at\":\"2026-11-23T10:20:30Z\",\"event\":\"met",
    );
    assert_eq!(
        store.load(&id.to_string()).unwrap().skipped_lines,
        0,
        "the rest may still come"
    );
    forget_without_end(run);

    assert_eq!(
        store.reap().unwrap(),
        [id],
        "the end gets a line of its own"
    );
    append(
        &journal(&store, id),
        b"\xff\xfe\n{\"event\":\"from the future\"}\n",
    );
    let read = store.load(&id.to_string()).unwrap();
    assert_eq!((read.status, read.skipped_lines), (RunStatus::Killed, 3));
    assert_eq!(read.final_metrics()["loss"], Number(0.5));
}

/// Frees the lock as the death of the process does: without an end line.
fn forget_without_end(run: ActiveRun) {
    let lock = run.folder().lock();
    fs::remove_file(lock).unwrap();
    std::mem::forget(run);
}

#[test]
fn a_prefix_must_mean_one_run() {
    let (_dir, store) = store();
    assert!(matches!(
        store.find("0"),
        Err(TrackingError::NoSuchRun { .. })
    ));
    let ids: Vec<_> = (0..3).map(|_| start(&store, "same time").id()).collect();
    let listing = store.list().unwrap();
    assert_eq!(
        listing.runs.iter().map(|run| run.id).collect::<Vec<_>>(),
        [ids[2], ids[1], ids[0]]
    );
    for run in &listing.runs {
        assert_eq!(store.find(&run.short).unwrap(), run.id);
    }
    let error = store.find(&ids[0].to_string()[..8]).unwrap_err();
    assert!(
        matches!(&error, TrackingError::Ambiguous { candidates, .. } if candidates.len() == 3),
        "{error}"
    );
    assert!(matches!(
        store.find(""),
        Err(TrackingError::NoSuchRun { .. })
    ));
    assert!(matches!(
        store.load("ffffffff"),
        Err(TrackingError::NoSuchRun { .. })
    ));
}

#[test]
fn runs_at_the_same_time_do_not_mix() {
    let (_dir, store) = store();
    thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            let store = &store;
            scope.spawn(move || {
                let run = start(store, name);
                for step in 0..200 {
                    run.on(&metric(name, step, step as f64));
                    assert_eq!(store.reap().unwrap(), [], "a living run is not reaped");
                }
                run.finish(RunOutcome::Finished).unwrap();
            });
        }
    });
    for summary in store.list().unwrap().runs {
        let run = store.load(&summary.short).unwrap();
        assert_eq!(run.status, RunStatus::Finished);
        assert_eq!(run.metrics.keys().collect::<Vec<_>>(), [&run.header.name]);
        assert_eq!(run.metrics[&run.header.name].len(), 200);
    }
}

#[test]
fn ten_thousand_metrics_from_two_threads_all_arrive() {
    let (_dir, store) = store();
    let run = start(&store, "long");
    thread::scope(|scope| {
        for key in ["a", "b"] {
            let run = &run;
            scope.spawn(move || {
                (0..5000).for_each(|step| run.on(&metric(key, step, 1.0 / (step + 1) as f64)))
            });
        }
    });
    run.finish(RunOutcome::Finished).unwrap();
    let read = store.load(&run.id().to_string()).unwrap();
    assert_eq!(read.skipped_lines, 0);
    for points in read.metrics.values() {
        assert!(points.iter().map(|point| point.step).eq(0..5000));
        assert_eq!(points[4999].value, Number(1.0 / 5000.0));
    }
}

#[test]
fn an_error_is_reported_once_and_returned_at_the_end() {
    let (dir, store) = store();
    let warnings = Arc::new(RecordedWarnings::default());
    let reporter = Reporter::silent().with(warnings.clone());
    let run = store
        .start(RunHeader::new("n", "p", "e"), &reporter)
        .unwrap();
    for name in ["missing.json", "../escape", "missing.json"] {
        run.on(&Event::Artifact {
            name: name.into(),
            path: dir.path().join("missing.json"),
        });
    }
    run.on(&metric("loss", 1, 0.5));
    let error = run.finish(RunOutcome::Finished).unwrap_err();
    assert!(
        matches!(&error, TrackingError::File { path, .. } if path.ends_with("missing.json")),
        "{error}"
    );
    let warnings = warnings.0.lock().unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("missing.json") && warnings[0].contains("os error 2"),
        "{warnings:?}"
    );
    let read = store.load(&run.id().to_string()).unwrap();
    assert_eq!(
        (read.status, read.metrics.len(), read.artifacts.len()),
        (RunStatus::Finished, 1, 0)
    );
    assert_eq!(
        fs::read_dir(run.path()).unwrap().count(),
        3,
        "no half copies: journal, lock, artifacts"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_warns_and_the_work_goes_on() {
    let (_dir, store) = store();
    let warnings = Arc::new(RecordedWarnings::default());
    let run = store
        .start(
            RunHeader::new("n", "p", "e"),
            &Reporter::silent().with(warnings.clone()),
        )
        .unwrap();
    run.divert(OpenOptions::new().write(true).open("/dev/full").unwrap());
    (0..100).for_each(|step| run.on(&metric("loss", step, 0.0)));
    let error = run.finish(RunOutcome::Finished).unwrap_err();
    assert!(error.in_one_line().contains("No space left"), "{error:?}");
    assert_eq!(warnings.0.lock().unwrap().len(), 1);
}

#[test]
fn journals_of_others_are_named_not_hidden() {
    let (_dir, store) = store();
    let ids: Vec<_> = (0..3).map(|_| start(&store, "n").id()).collect();
    fs::write(journal(&store, ids[0]), "not json\n").unwrap();
    fs::write(journal(&store, ids[1]), "{\"format\":2,\"later\":true}\n").unwrap();
    fs::create_dir(_dir.path().join("runs/notes")).unwrap();
    let listing = store.list().unwrap();
    assert_eq!(
        listing.runs.iter().map(|run| run.id).collect::<Vec<_>>(),
        [ids[2]]
    );
    assert_eq!(
        listing
            .unreadable
            .iter()
            .map(|run| run.id)
            .collect::<Vec<_>>(),
        [ids[1], ids[0]]
    );
    assert!(matches!(
        store.load(&ids[1].to_string()),
        Err(TrackingError::LaterFormat {
            found: 2,
            known: 1,
            ..
        })
    ));
    assert!(matches!(
        store.load(&ids[0].to_string()),
        Err(TrackingError::NotAJournal { .. })
    ));
    assert_eq!(store.reap().unwrap(), []);
}

#[test]
fn runs_compare_by_what_differs_and_how_they_came_out() {
    let (_dir, store) = store();
    let runs = [("gbdt", 9.5), ("gru", f64::NAN)].map(|(kind, rmse)| {
        let run = start(&store, kind);
        [
            param("seed", "1"),
            param("model.kind", kind),
            metric("rmse", 0, 99.0),
            metric("rmse", 1, rmse),
        ]
        .iter()
        .for_each(|event| run.on(event));
        if kind == "gru" {
            run.on(&param("model.gru.hidden", "64"));
            run.on(&metric("loss", 0, 1.0));
        }
        run.finish(RunOutcome::Finished).unwrap();
        store.load(&run.id().to_string()).unwrap()
    });
    let seen = compare(&runs);
    let params: Vec<_> = seen
        .params
        .iter()
        .map(|row| (row.key.as_str(), row.values.clone()))
        .collect();
    assert_eq!(
        params,
        [
            ("model.gru.hidden", vec![None, Some("64".into())]),
            ("model.kind", vec![Some("gbdt".into()), Some("gru".into())])
        ]
    );
    let json = serde_json::to_value(&seen.metrics).unwrap();
    assert_eq!(
        json,
        serde_json::json!([{"key": "loss", "values": [null, 1.0]}, {"key": "rmse", "values": [9.5, "NaN"]}])
    );
    assert_ne!(seen.runs[0].short, seen.runs[1].short);
    assert_eq!(compare(&[]).runs, []);
}
