//! Tests of replaying journals.

use std::fs;
use std::thread;

use serde_json::json;

use super::real::{ServerFixture, metric, pair, param, tag};
use crate::tracking::*;
use pdm_core::content::Digest;

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn the_server_holds_what_the_journal_holds() {
    let fixture = ServerFixture::set_up();
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let id = fixture.run([
        param("model.kind", "gbdt"),
        param("leer", ""),
        tag("Größe", "\u{1f680} a\nb"),
        metric("train/loss", 0, 0.1 + 0.2),
        metric("train/loss", 1, -1e-300),
        metric("odd", 0, f64::NAN),
        metric("huge", 0, f64::INFINITY),
        metric("low", 0, f64::NEG_INFINITY),
        fixture.artifact("model/weights ü.bin", &bytes),
        fixture.artifact("empty", b""),
    ]);
    let report = fixture.sync(id);
    assert!(
        report.complete && !report.deleted && report.problems.is_empty(),
        "{report:?}"
    );

    let (seen, local) = (
        fixture.seen(&report),
        fixture.store.load(&id.to_string()).unwrap(),
    );
    assert_eq!(seen["info"]["status"], "FINISHED");
    assert_eq!(seen["info"]["run_name"], "first run");
    assert_eq!(
        seen["info"]["start_time"],
        local.header.started.as_millisecond()
    );
    assert_eq!(
        seen["info"]["end_time"],
        local.ended.unwrap().as_millisecond()
    );
    for (key, value) in &local.params {
        assert_eq!(pair(&seen, "params", key), Some(value.as_str()));
    }
    for (key, value) in &local.tags {
        assert_eq!(pair(&seen, "tags", key), Some(value.as_str()));
    }
    assert_eq!(
        pair(&seen, "tags", "pdm_ml.run_id"),
        Some(id.to_string().as_str())
    );
    assert_eq!(
        pair(&seen, "tags", "mlflow.source.git.commit"),
        Some("0123abcd")
    );
    assert_eq!(
        fixture.history(&report, "train/loss"),
        [(0, Number(0.1 + 0.2)), (1, Number(-1e-300))]
    );
    assert!(fixture.history(&report, "odd")[0].1.0.is_nan());
    // MLflow's database has no infinities: it keeps the largest float instead.
    assert_eq!(fixture.history(&report, "huge"), [(0, Number(f64::MAX))]);
    assert_eq!(fixture.history(&report, "low"), [(0, Number(f64::MIN))]);
    assert_eq!(download(&fixture, &report, "model/weights ü.bin"), bytes);
    assert_eq!(download(&fixture, &report, "empty"), b"");
    let journal = fs::read(fixture.store.folder(id).journal()).unwrap();
    assert_eq!(
        download(&fixture, &report, "pdm-ml/journal.ndjson"),
        journal
    );
    let state = fixture.store.sync_state(id, &fixture.client).unwrap();
    assert_eq!((state.run_id, state.complete), (report.mlflow_run_id, true));
}

pub(super) fn download(fixture: &ServerFixture, report: &SyncReport, name: &str) -> Vec<u8> {
    let path = format!(
        "{}/{}/artifacts/{name}",
        report.experiment_id, report.mlflow_run_id
    );
    fixture.client.download(&path).unwrap()
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn replayed_again_in_any_state_the_run_is_there_once() {
    let fixture = ServerFixture::set_up();
    let events = (0..50)
        .map(|step| metric("loss", step, step as f64))
        .chain([param("a", "1"), tag("t", "x")]);
    let id = fixture.run(events);
    let first = fixture.sync(id);
    let again = fixture.sync(id);
    assert_eq!(
        (again.sent_lines, &again.mlflow_run_id),
        (0, &first.mlflow_run_id)
    );

    fs::remove_file(fixture.store.folder(id).sync_state()).unwrap();
    assert_eq!(fixture.sync(id).mlflow_run_id, first.mlflow_run_id);

    // As if a backup had been restored that was taken while the run began.
    let forget = json!({"run_id": first.mlflow_run_id, "key": "pdm_ml.synced_lines", "value": "0"});
    fixture.post("runs/set-tag", forget);
    let whole = fixture.sync(id);
    assert_eq!(
        (whole.sent_lines, whole.problems.len(), whole.complete),
        (53, 0, true)
    );

    let other = json!({"experiment_id": first.experiment_id, "start_time": 1});
    let other = fixture.post("runs/create", other)["run"]["info"]["run_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let state = fs::read_to_string(fixture.store.folder(id).sync_state()).unwrap();
    fs::write(
        fixture.store.folder(id).sync_state(),
        state.replace(&first.mlflow_run_id, &other),
    )
    .unwrap();
    assert_eq!(
        fixture.sync(id).mlflow_run_id,
        first.mlflow_run_id,
        "a wrong hint is not believed"
    );

    assert_eq!(fixture.runs(), 2);
    assert_eq!(fixture.history(&first, "loss").len(), 50);
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn more_than_fits_one_request_arrives_whole() {
    let fixture = ServerFixture::set_up();
    let metrics = (0..2500).map(|step| metric("loss", step, 1.0 / (step + 1) as f64));
    let params = (0..250).map(|at| param(&format!("p{at}"), &"é".repeat(5000)));
    let tags = (0..250).map(|at| tag(&format!("t{at}"), "x"));
    let report = fixture.sync(fixture.run(metrics.chain(params).chain(tags)));
    assert!(report.complete && report.problems.is_empty(), "{report:?}");
    let history = fixture.history(&report, "loss");
    assert_eq!(history.len(), 2500);
    assert!(history.contains(&(2499, Number(1.0 / 2500.0))));
    let seen = fixture.seen(&report);
    assert!((0..250).all(|at| pair(&seen, "params", &format!("p{at}")).is_some()));
    assert!((0..250).all(|at| pair(&seen, "tags", &format!("t{at}")).is_some()));
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn names_and_values_the_server_cannot_hold_are_changed_visibly() {
    let fixture = ServerFixture::set_up();
    let (long_key, long_value) = ("k".repeat(400), "v".repeat(20_000));
    let report = fixture.sync(fixture.run([
        param("list[0]", "a"),
        param("list(0)", "b"),
        param("../x//y/", "c"),
        param("", "d"),
        param(&long_key, &long_value),
        metric("f1 @ 0.5", 0, 1.0),
        tag("note\n", &long_value),
    ]));
    assert_eq!(report.problems, [] as [&str; 0]);
    let seen = fixture.seen(&report);
    let params = seen["data"]["params"].as_array().unwrap();
    assert_eq!(params.len(), 5);
    let longest = params
        .iter()
        .max_by_key(|pair| pair["key"].as_str().unwrap().len())
        .unwrap();
    assert_eq!(longest["key"].as_str().unwrap().len(), 250);
    let value = longest["value"].as_str().unwrap();
    assert_eq!(value.chars().count(), 6000);
    assert!(value.ends_with(&Digest::of(&long_value).to_string()));
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn a_changed_parameter_is_reported_and_the_rest_arrives() {
    let fixture = ServerFixture::set_up();
    let run = fixture.start();
    run.observe([param("a", "1"), metric("loss", 0, 1.0)]);
    assert!(!fixture.sync(run.id()).complete);
    run.observe([
        param("b", "2"),
        param("a", "changed"),
        param("c", "3"),
        metric("loss", 1, 0.5),
    ]);
    run.finish(RunOutcome::Failed).unwrap();
    let report = fixture.sync(run.id());
    assert_eq!(
        (report.complete, report.problems.len()),
        (true, 1),
        "{report:?}"
    );
    assert!(report.problems[0].contains("`a`"), "{report:?}");
    let seen = fixture.seen(&report);
    assert_eq!(seen["info"]["status"], "FAILED");
    assert_eq!(
        ["a", "b", "c"].map(|key| pair(&seen, "params", key)),
        [Some("1"), Some("2"), Some("3")]
    );
    assert_eq!(fixture.history(&report, "loss").len(), 2);
}

trait ObserveAll {
    fn observe<const N: usize>(&self, events: [pdm_core::events::Event; N]);
}

impl ObserveAll for ActiveRun {
    fn observe<const N: usize>(&self, events: [pdm_core::events::Event; N]) {
        events
            .iter()
            .for_each(|event| pdm_core::events::Observer::on(self, event));
    }
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn a_killed_run_ends_on_the_server_too() {
    let fixture = ServerFixture::set_up();
    let run = fixture.start();
    let id = run.id();
    run.observe([metric("loss", 0, 1.0)]);
    let running = fixture.sync(id);
    assert_eq!(
        (running.status, running.complete),
        (RunStatus::Running, false)
    );
    assert_eq!(fixture.seen(&running)["info"]["status"], "RUNNING");
    fs::remove_file(fixture.store.folder(id).lock()).unwrap();
    std::mem::forget(run);

    let killed = fixture.sync(id);
    assert_eq!((killed.status, killed.complete), (RunStatus::Killed, true));
    assert_eq!(fixture.store.reap().unwrap(), [id]);
    let reaped = fixture.sync(id);
    assert_eq!(
        (reaped.complete, &reaped.mlflow_run_id),
        (true, &running.mlflow_run_id)
    );
    let seen = fixture.seen(&reaped);
    let ended = fixture.store.load(&id.to_string()).unwrap().ended.unwrap();
    assert_eq!(
        (&seen["info"]["status"], &seen["info"]["end_time"]),
        (&json!("KILLED"), &json!(ended.as_millisecond()))
    );
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn what_people_deleted_stays_deleted_until_it_is_asked_back() {
    let fixture = ServerFixture::set_up();
    let id = fixture.run([metric("loss", 0, 1.0)]);
    let report = fixture.sync(id);
    fixture.post("runs/delete", json!({"run_id": report.mlflow_run_id}));
    for _ in 0..2 {
        let left_alone = fixture.sync(id);
        assert!(left_alone.deleted && !left_alone.complete, "{left_alone:?}");
        let _ = fs::remove_file(fixture.store.folder(id).sync_state());
    }
    fixture.post(
        "experiments/delete",
        json!({"experiment_id": report.experiment_id}),
    );
    let second = fixture.run([metric("loss", 0, 1.0)]);
    let error = sync(&fixture.store, second, &fixture.client).unwrap_err();
    assert!(
        matches!(&error, TrackingError::ExperimentDeleted { name, .. } if *name == fixture.experiment),
        "{error}"
    );
    assert!(error.to_string().contains("--restore"), "{error}");
    let back = fixture.client.clone().restoring();
    for run in [second, id] {
        let report = sync(&fixture.store, run, &back).unwrap();
        assert!(report.complete && !report.deleted, "{report:?}");
        assert_eq!(fixture.seen(&report)["info"]["lifecycle_stage"], "active");
    }
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn a_sent_run_that_was_deleted_on_the_server_is_reported() {
    let fixture = ServerFixture::set_up();
    let ids = [
        fixture.run([metric("loss", 0, 1.0)]),
        fixture.run([metric("loss", 0, 2.0)]),
    ];
    let [first, _] = ids.map(|id| fixture.sync(id));
    assert_eq!(lost(&fixture.store, &ids, &fixture.client).unwrap(), []);
    fixture.post("runs/delete", json!({"run_id": first.mlflow_run_id}));
    assert_eq!(
        lost(&fixture.store, &ids, &fixture.client).unwrap(),
        [LostRun {
            run: ids[0],
            deleted: true
        }]
    );
    let report = sync(&fixture.store, ids[0], &fixture.client.clone().restoring()).unwrap();
    assert!(report.complete, "{report:?}");
    assert_eq!(lost(&fixture.store, &ids, &fixture.client).unwrap(), []);
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn an_artifact_that_is_gone_or_badly_named_is_reported() {
    let fixture = ServerFixture::set_up();
    let id = fixture.run([
        fixture.artifact("a.txt", b"a"),
        fixture.artifact("issue #7.txt", b"b"),
        fixture.artifact("c.txt", b"c"),
    ]);
    fs::remove_file(fixture.store.artifact(id, "a.txt").unwrap()).unwrap();
    let report = fixture.sync(id);
    assert_eq!(
        (report.complete, report.problems.len()),
        (true, 2),
        "{report:?}"
    );
    assert_eq!(download(&fixture, &report, "c.txt"), b"c");
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn copied_by_many_at_once_the_run_is_there_once() {
    let fixture = ServerFixture::set_up();
    let id = fixture.run((0..1500).map(|step| metric("loss", step, 0.0)));
    let reports: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| sync(&fixture.store, id, &fixture.client)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    for error in reports.into_iter().filter_map(Result::err) {
        assert!(
            matches!(error, TrackingError::Busy { run } if run == id),
            "{error}"
        );
    }
    let report = fixture.sync(id);
    assert_eq!(
        (
            report.complete,
            fixture.runs(),
            fixture.history(&report, "loss").len()
        ),
        (true, 1, 1500)
    );
}

#[test]
#[ignore = "needs an MLflow server with a password; scripts/services run --only mlflow --auth starts one"]
fn a_wrong_password_is_reported_plainly() {
    let fixture = ServerFixture::set_up();
    assert!(
        std::env::var_os("PDM_ML_TEST_MLFLOW_PASSWORD").is_some(),
        "PDM_ML_TEST_MLFLOW_PASSWORD is not set: needs `scripts/services run --only mlflow --auth`"
    );
    let id = fixture.run([]);
    let wrong = Credentials::Password {
        username: "admin".into(),
        password: Secret::new("swordfish"),
    };
    for credentials in [
        Credentials::Anonymous,
        Credentials::Token(Secret::new("swordfish")),
        wrong,
    ] {
        let client =
            MlflowClient::new(fixture.client.url(), credentials, RetryPolicy::FOREGROUND).unwrap();
        let error = sync(&fixture.store, id, &client).unwrap_err();
        assert!(
            matches!(&error, TrackingError::Refused { status: 401, .. }),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("password_env"));
        assert!(!format!("{error} {error:?} {client:?}").contains("swordfish"));
    }
    assert!(fixture.sync(id).complete);
}
