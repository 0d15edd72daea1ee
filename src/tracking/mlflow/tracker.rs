use std::thread;

use super::batch::Batch;
use super::client::{MlflowClient, Repeat};
use super::names;
use super::wire::{
    CreateExperiment, CreateRun, ExperimentAnswer, ExperimentId, LogBatch, Nothing, Pair, RemoteRun, RunAnswer,
    RunsAnswer, SearchRuns, UpdateRun,
};
use crate::tracking::RunId;
use crate::tracking::TrackingError;
use crate::tracking::journal::Opening;

/// Names our run among the server's; what we search for before we create.
const RUN_TAG: &str = "pdm_ml.run_id";
/// How many lines of the journal the server has; it is the server's to remember, so that a restored backup is right.
const LINES_TAG: &str = "pdm_ml.synced_lines";
/// So many entries refused mean that something else is wrong.
const MOST_REFUSED: usize = 20;

/// One run on the server, and what may be done to it.
pub(super) struct RemoteTracker {
    client: MlflowClient,
    run: RemoteRun,
    /// What the server would not take, for the report.
    pub(super) problems: Vec<String>,
}

impl RemoteTracker {
    /// Finds the server's copy of a run, or begins one. `hint` is the name it had last time.
    pub(super) fn open(client: &MlflowClient, opening: &Opening, hint: Option<&str>) -> Result<Self, TrackingError> {
        let known = hint.map(|id| get_run(client, id, opening.run)).transpose()?.flatten();
        let run = match known {
            Some(run) => run,
            None => find_or_create(client, opening)?,
        };
        Ok(Self { client: client.clone(), run, problems: Vec::new() })
    }

    pub(super) fn run(&self) -> &RemoteRun {
        &self.run
    }

    /// Returns how many lines of the journal the server has.
    pub(super) fn lines(&self) -> u64 {
        self.run.tag(LINES_TAG).and_then(|lines| lines.parse().ok()).unwrap_or(0)
    }

    /// Sends a batch, then notes on the server that all lines up to `lines` are there.
    pub(super) fn send(&mut self, mut batch: Batch, lines: u64) -> Result<(), TrackingError> {
        // MLflow writes tags last: a note that is there proves that the rest is.
        batch.tag(LINES_TAG, &lines.to_string());
        self.send_or_divide(batch)
    }

    /// Uploads a file; one the server will not take is a problem, not an error.
    pub(super) fn upload(&mut self, name: &str, file: &std::path::Path) -> Result<(), TrackingError> {
        let Some(root) = self.artifact_root() else {
            let place = &self.run.info.artifact_uri;
            let problem = format!("artifacts are not copied: the server keeps them at {place} and takes none itself");
            self.report(problem);
            return Ok(());
        };
        match self.client.upload(&format!("{root}/{name}"), file) {
            Err(
                error @ (TrackingError::File { .. } | TrackingError::Refused { status: 400 | 404 | 413 | 422, .. }),
            ) => {
                self.report(format!("artifact `{name}`: {}", error.in_one_line()));
                Ok(())
            }
            answer => answer,
        }
    }

    pub(super) fn report(&mut self, problem: String) {
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Says how the run ended.
    pub(super) fn end(&mut self, status: &str, end_time: Option<i64>) -> Result<(), TrackingError> {
        let update = UpdateRun { run_id: &self.run.info.run_id, status, end_time };
        let _: serde_json::Value = self.client.post("runs/update", &update, Repeat::Harmless)?;
        status.clone_into(&mut self.run.info.status);
        Ok(())
    }

    /// Sends a batch; of one that is refused every entry that can be taken.
    fn send_or_divide(&mut self, batch: Batch) -> Result<(), TrackingError> {
        let Batch { metrics, params, tags, .. } = &batch;
        let request = LogBatch { run_id: &self.run.info.run_id, metrics, params, tags };
        match self.client.post::<Nothing>("runs/log-batch", &request, Repeat::Harmless) {
            Ok(Nothing {}) => Ok(()),
            Err(TrackingError::Refused { status: 400, .. }) if batch.len() > 1 => {
                let (first, second) = batch.halves();
                self.send_or_divide(first)?;
                self.send_or_divide(second)
            }
            Err(TrackingError::Refused { status: 400, message, .. }) if self.problems.len() < MOST_REFUSED => {
                self.report(format!("{} is refused: {message}", batch.name()));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the path of the run's artifacts behind the server's own artifact interface.
    fn artifact_root(&self) -> Option<String> {
        let path = self.run.info.artifact_uri.strip_prefix("mlflow-artifacts:")?;
        let path = match path.strip_prefix("//") {
            Some(with_host) => with_host.split_once('/')?.1,
            None => path,
        };
        Some(path.trim_matches('/').to_owned())
    }
}

fn get_run(client: &MlflowClient, id: &str, ours: RunId) -> Result<Option<RemoteRun>, TrackingError> {
    match client.get::<RunAnswer>("runs/get", &[("run_id", id)]) {
        Ok(RunAnswer { run }) => Ok(Some(run).filter(|run| run.tag(RUN_TAG) == Some(&ours.to_string()))),
        Err(error) if is(&error, "RESOURCE_DOES_NOT_EXIST") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creating twice makes two runs, so every try begins with a search.
fn find_or_create(client: &MlflowClient, opening: &Opening) -> Result<RemoteRun, TrackingError> {
    let experiment = experiment(client, &opening.header.experiment)?;
    let mut tried = 0;
    loop {
        if let Some(run) = find(client, &experiment, opening.run)? {
            return Ok(run);
        }
        tried += 1;
        let error = match create(client, &experiment, opening) {
            Ok(run) => return Ok(run),
            Err(error) => error,
        };
        match client.patience().wait(tried, None).filter(|_| error.is_passing()) {
            Some(wait) => thread::sleep(wait),
            None => return Err(error),
        }
    }
}

/// Returns the experiment of that name; makes it, or brings it back from the deleted.
fn experiment(client: &MlflowClient, name: &str) -> Result<String, TrackingError> {
    let name = if name.is_empty() { "Default" } else { name };
    match client.get::<ExperimentAnswer>("experiments/get-by-name", &[("experiment_name", name)]) {
        Ok(ExperimentAnswer { experiment }) => {
            let id = ExperimentId { experiment_id: experiment.experiment_id };
            if experiment.lifecycle_stage == "deleted" {
                let _: Nothing = client.post("experiments/restore", &id, Repeat::Harmless)?;
            }
            Ok(id.experiment_id)
        }
        Err(error) if is(&error, "RESOURCE_DOES_NOT_EXIST") => create_experiment(client, name),
        Err(error) => Err(error),
    }
}

fn create_experiment(client: &MlflowClient, name: &str) -> Result<String, TrackingError> {
    match client.post::<ExperimentId>("experiments/create", &CreateExperiment { name }, Repeat::Harmless) {
        Ok(id) => Ok(id.experiment_id),
        // Another was faster, or our own first try arrived after all.
        Err(error) if is(&error, "RESOURCE_ALREADY_EXISTS") => {
            let answer: ExperimentAnswer = client.get("experiments/get-by-name", &[("experiment_name", name)])?;
            Ok(answer.experiment.experiment_id)
        }
        Err(error) => Err(error),
    }
}

/// Returns the server's copy of our run; should there be several, one that was not deleted.
fn find(client: &MlflowClient, experiment: &str, ours: RunId) -> Result<Option<RemoteRun>, TrackingError> {
    let search = SearchRuns {
        experiment_ids: [experiment],
        filter: format!("tags.`{RUN_TAG}` = '{ours}'"),
        run_view_type: "ALL",
        order_by: ["attributes.start_time ASC"],
        max_results: 10,
    };
    let RunsAnswer { mut runs } = client.post("runs/search", &search, Repeat::Harmless)?;
    runs.sort_by_key(RemoteRun::is_deleted);
    Ok(runs.into_iter().next())
}

fn create(client: &MlflowClient, experiment: &str, opening: &Opening) -> Result<RemoteRun, TrackingError> {
    let id = opening.run.to_string();
    let header = &opening.header;
    let request = CreateRun {
        experiment_id: experiment,
        start_time: header.started.as_millisecond(),
        run_name: &names::value(if header.name.is_empty() { &id } else { &header.name }),
        tags: opening_tags(opening),
    };
    client.post::<RunAnswer>("runs/create", &request, Repeat::Never).map(|answer| answer.run)
}

fn opening_tags(opening: &Opening) -> Vec<Pair> {
    let header = &opening.header;
    let mut tags = vec![
        Pair::new(RUN_TAG, opening.run.to_string()),
        Pair::new("pdm_ml.host", names::value(&opening.host)),
        Pair::new("mlflow.source.name", names::value(&header.pipeline)),
        Pair::new("mlflow.source.type", "LOCAL"),
    ];
    tags.extend(header.commit.as_deref().map(|commit| Pair::new("mlflow.source.git.commit", commit)));
    tags
}

fn is(error: &TrackingError, wanted: &str) -> bool {
    matches!(error, TrackingError::Refused { code, .. } if code == wanted)
}
