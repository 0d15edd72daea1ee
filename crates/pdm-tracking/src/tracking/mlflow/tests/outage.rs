//! Tests with servers that fail.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::fake::{Fake, HASTY, closed_port, response};
use super::real::{ServerFixture, metric, pair, param};
use crate::tracking::*;
use pdm_core::events::{Event, Observer, Reporter};

#[derive(Default)]
struct OutageWarnings(Mutex<Vec<String>>);

impl Observer for OutageWarnings {
    fn on(&self, event: &Event) {
        if let Event::Warning { message } = event {
            self.0.lock().unwrap().push(message.clone());
        }
    }
}

/// Returns the id of a run written while `url` is followed, and what was warned.
fn follow(
    store: &RunStore,
    experiment: &str,
    url: &str,
    work: Duration,
) -> (RunId, Option<SyncReport>, Vec<String>) {
    let warnings = Arc::new(OutageWarnings::default());
    let reporter = Reporter::silent().with(warnings.clone());
    let run = Arc::new(
        store
            .start(RunHeader::new("n", "p", experiment), &reporter)
            .unwrap(),
    );
    let retry = RetryPolicy { tries: 1, ..HASTY };
    let client = MlflowClient::new(url, Credentials::Anonymous, retry)
        .unwrap()
        .with_times(Duration::from_millis(50), Duration::from_secs(30));
    let follower = BestEffort::follow(&run, client, &reporter);
    let work_reporter = reporter.with(run.clone());
    (0..1200).for_each(|step| work_reporter.metric("loss", step, step as f64));
    thread::sleep(work);
    work_reporter.emit(param("late", "yes"));
    run.finish(RunOutcome::Finished).unwrap();
    let report = follower.finish(Duration::from_secs(3), None);
    let warnings = warnings.0.lock().unwrap().clone();
    (run.id(), report, warnings)
}

#[test]
fn a_server_that_is_dead_slow_or_broken_never_stops_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = RunStore::open(dir.path());
    let servers = [
        closed_port(),
        Fake::hanging().url,
        Fake::answering(|_| String::new()).url,
        Fake::answering(|_| response("503 Service Unavailable", "Retry-After: 3600\r\n", "busy"))
            .url,
        Fake::answering(|_| response("200 OK", "", "<html>Please log in</html>")).url,
    ];
    thread::scope(|scope| {
        for url in &servers {
            let store = &store;
            scope.spawn(move || {
                // Long enough for a pass before the last.
                let (id, report, warnings) = follow(store, "e", url, Duration::from_millis(2800));
                assert_eq!(report, None, "{url}");
                assert_eq!(warnings.len(), 2, "{warnings:?}");
                assert!(warnings[0].contains("the run continues"), "{warnings:?}");
                assert!(
                    warnings[1].ends_with("run `pdm-ml track sync` later"),
                    "{warnings:?}"
                );
                let run = store.load(&id.to_string()).unwrap();
                assert_eq!(
                    (run.status, run.metrics["loss"].len()),
                    (RunStatus::Finished, 1200)
                );
            });
        }
    });
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn a_living_server_has_the_run_when_it_ends() {
    let fixture = ServerFixture::set_up();
    let warnings = Arc::new(OutageWarnings::default());
    let reporter = Reporter::silent().with(warnings.clone());
    let run = fixture.start();
    let (url, retry) = (fixture.client.url(), RetryPolicy::FOREGROUND);
    // A server under the load of all tests may be slow, and is waited for anyway.
    let client = MlflowClient::new(url, super::real::credentials(), retry)
        .unwrap()
        .with_times(Duration::from_secs(2), Duration::from_secs(60));
    let follower = BestEffort::follow(&run, client, &reporter);
    (0..1200).for_each(|step| run.on(&metric("loss", step, 0.0)));
    thread::sleep(Duration::from_millis(2500));
    run.on(&metric("loss", 1200, 1.0));
    run.finish(RunOutcome::Finished).unwrap();
    let report = follower
        .finish(Duration::from_secs(60), None)
        .expect("the server is there");
    assert!(
        report.sent_lines < 1200,
        "most went over while the run went on: {report:?}"
    );
    assert_eq!(*warnings.0.lock().unwrap(), [] as [&str; 0]);
    assert_eq!(fixture.history(&report, "loss").len(), 1201);
    assert_eq!(fixture.seen(&report)["info"]["status"], "FINISHED");
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn a_copy_cut_short_anywhere_is_completed_later() {
    let fixture = ServerFixture::without_password();
    // From the first search to the second batch of metrics; the last two cut uploads.
    for bytes in [10, 400, 800, 1300, 20_000, 100_000, 150_000, 190_000] {
        let events = (0..1500)
            .map(|step| metric("loss", step, step as f64))
            .chain([param("a", "1")]);
        let id = fixture.run(events.chain([fixture.artifact("a.bin", &[7; 30_000])]));
        let dying = Fake::dying_after(bytes, fixture.client.url());
        let client = MlflowClient::new(&dying.url, Credentials::Anonymous, HASTY).unwrap();
        let cut = sync(&fixture.store, id, &client);
        assert!(
            matches!(cut, Err(TrackingError::Unreachable { .. })),
            "{bytes}: {cut:?}"
        );
        let report = fixture.sync(id);
        assert!(
            report.complete && report.problems.is_empty(),
            "{bytes}: {report:?}"
        );
        assert_eq!(fixture.history(&report, "loss").len(), 1500, "{bytes}");
        assert_eq!(pair(&fixture.seen(&report), "params", "a"), Some("1"));
    }
    assert_eq!(fixture.runs(), 8, "none is there twice");
}

#[test]
#[ignore = "needs an MLflow server; scripts/test starts one"]
fn metrics_do_not_wait_for_an_upload_that_fails() {
    let fixture = ServerFixture::without_password();
    let large = fixture.artifact("large.bin", &[7; 3_000_000]);
    let id = fixture.run(
        [large]
            .into_iter()
            .chain((0..100).map(|step| metric("loss", step, 0.0))),
    );
    let dying = Fake::dying_after(1_000_000, fixture.client.url());
    let client = MlflowClient::new(&dying.url, Credentials::Anonymous, HASTY).unwrap();
    sync(&fixture.store, id, &client).unwrap_err();
    let half = fixture
        .store
        .sync_state(id, &client)
        .expect("what is known is kept in spite of the error");
    let history = fixture.get(
        "metrics/get-history",
        &[("run_id", &half.run_id), ("metric_key", "loss")],
    );
    assert_eq!(
        (history["metrics"].as_array().unwrap().len(), half.complete),
        (100, false)
    );
    let report = fixture.sync(id);
    assert_eq!(
        (report.complete, &report.mlflow_run_id, fixture.runs()),
        (true, &half.run_id, 1)
    );
    assert_eq!(fixture.history(&report, "loss").len(), 100);
}
