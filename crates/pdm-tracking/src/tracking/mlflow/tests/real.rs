//! A real MLflow server for tests.

use std::collections::BTreeMap;
use std::env;
use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use super::super::client::Idempotency;
use crate::tracking::*;
use pdm_core::events::{Event, Observer, Reporter};

/// A real MLflow server and a fresh local store.
pub(super) struct ServerFixture {
    pub(super) dir: TempDir,
    pub(super) store: RunStore,
    pub(super) client: MlflowClient,
    /// Own to this fixture.
    pub(super) experiment: String,
}

impl ServerFixture {
    /// Makes a fixture on the server that `scripts/services` started.
    pub(super) fn set_up() -> Self {
        let url = env::var("PDM_ML_TEST_MLFLOW_URL")
            .expect("PDM_ML_TEST_MLFLOW_URL is not set: run the tests with `scripts/test`");
        let dir = tempfile::tempdir().unwrap();
        let store = RunStore::open(dir.path().join("runs"));
        let client = MlflowClient::new(&url, credentials(), RetryPolicy::FOREGROUND).unwrap();
        Self {
            dir,
            store,
            client,
            experiment: format!("test ü {}", RunId::new()),
        }
    }

    /// As [`Self::set_up`], for a test that talks to the server through another that knows no password.
    pub(super) fn without_password() -> Self {
        let password = env::var_os("PDM_ML_TEST_MLFLOW_PASSWORD");
        assert!(
            password.is_none(),
            "PDM_ML_TEST_MLFLOW_PASSWORD is set, and this test needs a server without: run `scripts/test`"
        );
        Self::set_up()
    }

    pub(super) fn start(&self) -> ActiveRun {
        let header = RunHeader::new("first run", "pipelines/fd001.toml", &self.experiment);
        self.store
            .start(header.commit(Some("0123abcd".into())), &Reporter::silent())
            .unwrap()
    }

    /// Writes and ends a run.
    pub(super) fn run(&self, events: impl IntoIterator<Item = Event>) -> RunId {
        let run = self.start();
        events.into_iter().for_each(|event| run.on(&event));
        run.finish(RunOutcome::Finished).unwrap();
        run.id()
    }

    pub(super) fn sync(&self, run: RunId) -> SyncReport {
        sync(&self.store, run, &self.client).unwrap()
    }

    pub(super) fn artifact(&self, name: &str, bytes: &[u8]) -> Event {
        let path = self.dir.path().join(RunId::new().to_string());
        fs::write(&path, bytes).unwrap();
        Event::Artifact {
            name: name.into(),
            path,
        }
    }

    pub(super) fn get(&self, call: &str, query: &[(&str, &str)]) -> Value {
        self.client.get(call, query).unwrap()
    }

    pub(super) fn post(&self, call: &str, body: Value) -> Value {
        self.client
            .post(call, &body, Idempotency::NotIdempotent)
            .unwrap()
    }

    /// Returns the run as the server has it.
    pub(super) fn seen(&self, report: &SyncReport) -> Value {
        self.get("runs/get", &[("run_id", &report.mlflow_run_id)])["run"].take()
    }

    /// Returns the steps and values of a metric as the server has them.
    pub(super) fn history(&self, report: &SyncReport, key: &str) -> Vec<(u64, Number)> {
        self.history_of(&report.mlflow_run_id, key)
    }

    /// Returns the same of any run, by the server's name for it.
    pub(super) fn history_of(&self, run: &str, key: &str) -> Vec<(u64, Number)> {
        let query = [("run_id", run), ("metric_key", key)];
        let mut answer = self.get("metrics/get-history", &query);
        let points = answer["metrics"].take();
        let point = |point: &Value| {
            // A step of 0 is the default, which the server may leave out.
            let value = serde_json::from_value(point["value"].clone()).unwrap();
            (point["step"].as_u64().unwrap_or(0), value)
        };
        points.as_array().into_iter().flatten().map(point).collect()
    }

    /// Returns the child runs the server has of a run, by the parts they record.
    pub(super) fn children(&self, report: &SyncReport) -> BTreeMap<String, Value> {
        let filter = format!("tags.`mlflow.parentRunId` = '{}'", report.mlflow_run_id);
        let search = serde_json::json!({"experiment_ids": [report.experiment_id], "filter": filter, "run_view_type": "ALL"});
        let mut answer = self.post("runs/search", search);
        let runs = answer["runs"]
            .as_array_mut()
            .map(std::mem::take)
            .unwrap_or_default();
        runs.into_iter()
            .map(|run| (pair(&run, "tags", "pdm_ml.part").unwrap().to_owned(), run))
            .collect()
    }

    /// Returns how many runs our experiment has on the server, but for those that were deleted.
    pub(super) fn runs(&self) -> usize {
        let mut answer = self.get(
            "experiments/get-by-name",
            &[("experiment_name", &self.experiment)],
        );
        let id = answer["experiment"]["experiment_id"].take();
        let search = serde_json::json!({"experiment_ids": [id], "max_results": 1000});
        self.post("runs/search", search)["runs"]
            .as_array()
            .map_or(0, Vec::len)
    }
}

pub(super) fn credentials() -> Credentials {
    match env::var("PDM_ML_TEST_MLFLOW_PASSWORD") {
        Ok(password) => Credentials::Password {
            username: "admin".into(),
            password: Secret::new(&password),
        },
        Err(_) => Credentials::Anonymous,
    }
}

/// Returns the value of a key in one of the server's lists of pairs.
pub(super) fn pair<'a>(seen: &'a Value, list: &str, key: &str) -> Option<&'a str> {
    let pairs = seen["data"][list].as_array()?;
    pairs.iter().find(|pair| pair["key"] == key)?["value"].as_str()
}

pub(super) fn param(key: &str, value: &str) -> Event {
    Event::Param {
        key: key.into(),
        value: value.into(),
    }
}

pub(super) fn metric(key: &str, step: u64, value: f64) -> Event {
    Event::Metric {
        key: key.into(),
        step,
        value,
    }
}

pub(super) fn tag(key: &str, value: &str) -> Event {
    Event::Tag {
        key: key.into(),
        value: value.into(),
    }
}
