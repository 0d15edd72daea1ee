//! Parts of a run become child runs.

use serde_json::{Value, json};

use super::fake::{Fake, HASTY};
use super::real::{ServerFixture, metric, pair, param};
use crate::tracking::*;
use pdm_core::events::{Event, InputData, UsedFor};

fn begin(part: &str, seed: &str) -> Event {
    Event::PartStarted {
        part: part.into(),
        params: vec![("seed".into(), seed.into())],
    }
}

fn end(part: &str) -> Event {
    Event::PartFinished { part: part.into() }
}

fn input(part: &str, name: &str, used_for: UsedFor) -> Event {
    let (digest, source) = ("0123456789abcdef".repeat(4), "train_FD001.txt".to_owned());
    Event::Input {
        part: part.into(),
        data: InputData {
            name: name.into(),
            digest,
            used_for,
            source,
        },
    }
}

fn events() -> Vec<Event> {
    let mut events = vec![
        param("model.kind", "gru"),
        input("", "FD001 training", UsedFor::Training),
    ];
    for fold in ["fold-1", "fold-2"] {
        events.extend([
            begin(fold, "7"),
            input(fold, "FD001 fold", UsedFor::Validation),
        ]);
        for seed in ["seed-1", "seed-2"] {
            let part = format!("{fold}/{seed}");
            events.push(begin(&part, "11"));
            events
                .extend((0..700).map(|step| {
                    metric(&format!("{part}/gru/loss"), step, 1.0 / (step + 1) as f64)
                }));
            events.push(end(&part));
        }
        events.extend([
            end(fold),
            metric(&format!("{fold}/out_of_fold_rmse"), 0, 14.5),
        ]);
    }
    events.push(metric("judged/rmse", 0, 13.0));
    events
}

fn id(run: &Value) -> &str {
    run["info"]["run_id"].as_str().unwrap()
}

/// Checks that the server has all of [`events`], once.
fn is_all_there(fixture: &ServerFixture, report: &SyncReport) {
    assert!(report.complete && report.problems.is_empty(), "{report:?}");
    let children = fixture.children(report);
    let parts = fixture.store.load(&report.run.to_string()).unwrap().parts;
    let end_of = |part: &str| {
        parts
            .iter()
            .find(|known| known.part == part)
            .unwrap()
            .finished
            .unwrap()
            .as_millisecond()
    };
    assert_eq!(
        children.keys().map(String::as_str).collect::<Vec<_>>(),
        ["fold-1", "fold-2"]
    );
    for (fold, child) in &children {
        assert_eq!(
            (&child["info"]["run_name"], &child["info"]["status"]),
            (&json!(fold), &json!("FINISHED"))
        );
        assert_eq!(pair(child, "params", "seed"), Some("7"));
        assert_eq!(
            fixture.history_of(id(child), "out_of_fold_rmse"),
            [(0, Number(14.5))]
        );
        let inputs = child["inputs"]["dataset_inputs"].as_array().unwrap();
        assert_eq!(
            (inputs.len(), &inputs[0]["tags"][0]["value"]),
            (1, &json!("validation"))
        );
        assert_eq!(child["info"]["end_time"], end_of(fold));
        let below = SyncReport {
            mlflow_run_id: id(child).to_owned(),
            ..report.clone()
        };
        let seeds = fixture.children(&below);
        assert_eq!(seeds.len(), 2, "{fold}");
        for (part, seed) in seeds {
            assert_eq!(
                (pair(&seed, "params", "seed"), &seed["info"]["status"]),
                (Some("11"), &json!("FINISHED"))
            );
            assert_eq!(
                part,
                format!("{fold}/{}", seed["info"]["run_name"].as_str().unwrap())
            );
            assert_eq!(seed["info"]["end_time"], end_of(&part), "{part}");
            let history = fixture.history_of(id(&seed), "gru/loss");
            assert_eq!(history.len(), 700, "{part}");
            assert!(
                (0..700).all(|step| history.contains(&(step, Number(1.0 / (step + 1) as f64))))
            );
        }
    }
    let seen = fixture.seen(report);
    let inputs = &seen["inputs"]["dataset_inputs"];
    assert_eq!(
        inputs[0]["dataset"]["digest"],
        "0123456789abcdef0123456789abcdef0123"
    );
    assert_eq!(
        inputs[0]["tags"],
        json!([{"key": "mlflow.data.context", "value": "training"}])
    );
    assert_eq!(
        seen["data"]["metrics"].as_array().unwrap().len(),
        1,
        "what parts logged is theirs"
    );
    assert_eq!(fixture.runs(), 7);
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn folds_and_seeds_are_runs_in_the_run() {
    let fixture = ServerFixture::set_up();
    let id = fixture.run(events());
    is_all_there(&fixture, &fixture.sync(id));
    is_all_there(&fixture, &fixture.sync(id));
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn parts_cut_short_anywhere_are_completed_later_and_none_is_there_twice() {
    let fixture = ServerFixture::without_password();
    let id = fixture.run(events());
    // From the first child's making to the last batch; each replay goes on where the one before was cut.
    for bytes in [2500, 3500, 5000, 90_000, 120_000, 60_000] {
        let dying = Fake::dying_after(bytes, fixture.client.url());
        let client = MlflowClient::new(&dying.url, Credentials::Anonymous, HASTY).unwrap();
        let cut = sync(&fixture.store, id, &client);
        assert!(
            matches!(cut, Err(TrackingError::Unreachable { .. })),
            "{bytes}: {cut:?}"
        );
    }
    is_all_there(&fixture, &fixture.sync(id));
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn a_part_that_did_not_end_ends_as_the_run_did() {
    let fixture = ServerFixture::set_up();
    let run = fixture.start();
    let send = |event: &Event| pdm_core::events::Observer::on(&run, event);
    [begin("fold-1", "1"), end("fold-1"), begin("fold-2", "2")]
        .iter()
        .for_each(send);
    let report = fixture.sync(run.id());
    let statuses = |report: &SyncReport| {
        let children = fixture.children(report);
        ["fold-1", "fold-2"].map(|part| {
            children[part]["info"]["status"]
                .as_str()
                .unwrap()
                .to_owned()
        })
    };
    assert_eq!(statuses(&report), ["FINISHED", "RUNNING"]);
    // Somebody has no use for one of them; it stays deleted.
    let first = fixture.children(&report)["fold-1"]["info"]["run_id"].clone();
    fixture.post("runs/delete", json!({ "run_id": first }));
    send(&metric("fold-1/gru/loss", 1, 1.0));
    send(&metric("fold-2/gru/loss", 1, 1.0));
    run.finish(RunOutcome::Failed).unwrap();
    let report = fixture.sync(run.id());
    assert!(report.complete && report.problems.is_empty(), "{report:?}");
    assert_eq!(statuses(&report), ["FINISHED", "FAILED"]);
    assert_eq!(fixture.runs(), 2);
}
