//! Finds and creates experiments and runs. Creating twice makes two runs, so a run is searched for before it is created.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::slice;

use super::answer::PageFollower;
use super::client::{Idempotency, MlflowClient};
use super::names;
use super::remote::LINES_TAG;
use super::wire::{
    CreateExperiment, CreateRun, ExperimentAnswer, ExperimentId, Nothing, RemoteRun, RunAnswer,
    RunName, RunsAnswer, SearchRuns, WirePair,
};
use crate::tracking::journal::Opening;
use crate::tracking::{RunId, TrackingError, parts};

/// Tag with our id of a run.
pub(super) const RUN_TAG: &str = "pdm_ml.run_id";
/// Tag with our id of the run that a child run belongs to.
const OWNER_TAG: &str = "pdm_ml.part_of";
/// Tag with the part that a child run records.
pub(super) const PART_TAG: &str = "pdm_ml.part";
const PARENT_TAG: &str = "mlflow.parentRunId";
/// Most runs in an answer of MLflow.
const PAGE: u32 = 1000;

/// Returns the server's run with this `id`, if it is a copy of ours.
pub(super) fn get_run(
    client: &MlflowClient,
    id: &str,
    ours: RunId,
) -> Result<Option<RemoteRun>, TrackingError> {
    match client.get::<RunAnswer>("runs/get", &[("run_id", id)]) {
        Ok(RunAnswer { run }) => {
            let is_ours = run.tag(RUN_TAG) == Some(&ours.to_string());
            Ok(is_ours.then_some(run))
        }
        Err(error) if is(&error, "RESOURCE_DOES_NOT_EXIST") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the server's copy of our run, or creates one.
pub(super) fn find_or_create(
    client: &MlflowClient,
    opening: &Opening,
) -> Result<RemoteRun, TrackingError> {
    let experiment = [experiment(client, &opening.header.experiment)?];
    let mut tried = 0;
    loop {
        if let Some(run) = find(client, &experiment, opening.run)? {
            return Ok(run);
        }
        tried += 1;
        let error = match create(client, &experiment[0], opening) {
            Ok(run) => return Ok(run),
            Err(error) => error,
        };
        client.wait_for_retry(tried, error)?;
    }
}

/// Returns the server's copy of our run; if there are several, the most complete that was not deleted.
pub(super) fn find(
    client: &MlflowClient,
    experiments: &[String],
    ours: RunId,
) -> Result<Option<RemoteRun>, TrackingError> {
    let mut runs = copies(client, experiments, ours)?;
    runs.sort_by_key(|run| (run.is_deleted(), Reverse(run.number(LINES_TAG))));
    Ok(runs.into_iter().next())
}

fn copies(
    client: &MlflowClient,
    experiments: &[String],
    ours: RunId,
) -> Result<Vec<RemoteRun>, TrackingError> {
    search(client, experiments, format!("tags.`{RUN_TAG}` = '{ours}'"))
}

/// Deletes empty copies of a run and of its parts, except those whose ids are in `kept`.
///
/// If the connection breaks while a server creates a run, it may complete that later, when another was created in its place.
pub(super) fn delete_strays(
    client: &MlflowClient,
    root: &RemoteRun,
    ours: RunId,
    kept: &BTreeSet<String>,
) -> Result<(), TrackingError> {
    let mut runs = copies(client, slice::from_ref(&root.info.experiment_id), ours)?;
    runs.extend(children(client, root, ours)?);
    let is_stray = |run: &&RemoteRun| {
        !run.is_deleted() && run.number(LINES_TAG) == 0 && !kept.contains(&run.info.run_id)
    };
    for run in runs.iter().filter(is_stray) {
        let request = RunName {
            run_id: &run.info.run_id,
        };
        let _: Nothing = client.post("runs/delete", &request, Idempotency::Idempotent)?;
    }
    Ok(())
}

/// Returns the child runs of our run.
pub(super) fn children(
    client: &MlflowClient,
    root: &RemoteRun,
    ours: RunId,
) -> Result<Vec<RemoteRun>, TrackingError> {
    search(
        client,
        slice::from_ref(&root.info.experiment_id),
        format!("tags.`{OWNER_TAG}` = '{ours}'"),
    )
}

/// Returns runs that match a filter, including deleted ones, oldest first.
fn search(
    client: &MlflowClient,
    experiments: &[String],
    filter: String,
) -> Result<Vec<RemoteRun>, TrackingError> {
    let order_by = ["attributes.start_time ASC"];
    let mut search = SearchRuns {
        experiment_ids: experiments,
        filter,
        run_view_type: "ALL",
        order_by,
        max_results: PAGE,
        page_token: None,
    };
    let mut found = Vec::new();
    let mut pages = PageFollower::of("runs/search");
    loop {
        let RunsAnswer {
            runs,
            next_page_token,
        } = client.post("runs/search", &search, Idempotency::Idempotent)?;
        found.extend(runs);
        search.page_token = pages.next(next_page_token)?;
        if search.page_token.is_none() {
            return Ok(found);
        }
    }
}

fn create(
    client: &MlflowClient,
    experiment: &str,
    opening: &Opening,
) -> Result<RemoteRun, TrackingError> {
    let id = opening.run.to_string();
    let header = &opening.header;
    let mut tags = common_tags(opening);
    tags.push(WirePair::new(RUN_TAG, &id));
    let request = CreateRun {
        experiment_id: experiment,
        start_time: header.started.as_millisecond(),
        run_name: &names::value(if header.name.is_empty() {
            &id
        } else {
            &header.name
        }),
        tags,
    };
    client
        .post::<RunAnswer>("runs/create", &request, Idempotency::NotIdempotent)
        .map(|answer| answer.run)
}

/// Creates a child run of `parent`.
pub(super) fn create_child(
    client: &MlflowClient,
    opening: &Opening,
    parent: &RemoteRun,
    part: &str,
    start_time: i64,
) -> Result<RemoteRun, TrackingError> {
    let mut tags = common_tags(opening);
    tags.push(WirePair::new(OWNER_TAG, opening.run.to_string()));
    tags.push(WirePair::new(PART_TAG, part));
    tags.push(WirePair::new(PARENT_TAG, &parent.info.run_id));
    let name = parts::above(part).map_or(part, |above| &part[above.len() + 1..]);
    let request = CreateRun {
        experiment_id: &parent.info.experiment_id,
        start_time,
        run_name: &names::value(name),
        tags,
    };
    client
        .post::<RunAnswer>("runs/create", &request, Idempotency::NotIdempotent)
        .map(|answer| answer.run)
}

fn common_tags(opening: &Opening) -> Vec<WirePair> {
    let header = &opening.header;
    let mut tags = vec![
        WirePair::new("pdm_ml.host", names::value(&opening.host)),
        WirePair::new("mlflow.source.name", names::value(&header.pipeline)),
        WirePair::new("mlflow.source.type", "LOCAL"),
    ];
    tags.extend(
        header
            .commit
            .as_deref()
            .map(|commit| WirePair::new("mlflow.source.git.commit", commit)),
    );
    tags
}

/// Restores a deleted run, and its experiment.
pub(super) fn restore(
    client: &MlflowClient,
    opening: &Opening,
    run: RemoteRun,
) -> Result<RemoteRun, TrackingError> {
    experiment(client, &opening.header.experiment)?;
    let request = RunName {
        run_id: &run.info.run_id,
    };
    let _: Nothing = client.post("runs/restore", &request, Idempotency::Idempotent)?;
    Ok(get_run(client, &run.info.run_id, opening.run)?.unwrap_or(run))
}

/// Returns all copies of our runs in some experiments, including deleted ones.
pub(super) fn ours(
    client: &MlflowClient,
    experiments: &[String],
) -> Result<Vec<RemoteRun>, TrackingError> {
    search(client, experiments, format!("tags.`{RUN_TAG}` LIKE '%'"))
}

/// Returns the experiment with this name; creates it if there is none. A deleted one is restored only if the client is set to
/// restore.
fn experiment(client: &MlflowClient, name: &str) -> Result<String, TrackingError> {
    let name = if name.is_empty() { "Default" } else { name };
    match client.get::<ExperimentAnswer>("experiments/get-by-name", &[("experiment_name", name)]) {
        Ok(ExperimentAnswer { experiment }) => {
            let id = ExperimentId {
                experiment_id: experiment.experiment_id,
            };
            if experiment.lifecycle_stage == "deleted" {
                if !client.restores() {
                    let server = client.url().to_owned();
                    return Err(TrackingError::ExperimentDeleted {
                        name: name.to_owned(),
                        server,
                    });
                }
                let _: Nothing =
                    client.post("experiments/restore", &id, Idempotency::Idempotent)?;
            }
            Ok(id.experiment_id)
        }
        Err(error) if is(&error, "RESOURCE_DOES_NOT_EXIST") => create_experiment(client, name),
        Err(error) => Err(error),
    }
}

/// Checks that an experiment is readable and not deleted; a missing one is created by the first run.
pub(super) fn find_experiment(client: &MlflowClient, name: &str) -> Result<(), TrackingError> {
    match client.get::<ExperimentAnswer>("experiments/get-by-name", &[("experiment_name", name)]) {
        Ok(ExperimentAnswer { experiment }) if experiment.lifecycle_stage == "deleted" => {
            Err(TrackingError::ExperimentDeleted {
                name: name.to_owned(),
                server: client.url().to_owned(),
            })
        }
        Ok(_) => Ok(()),
        Err(error) if is(&error, "RESOURCE_DOES_NOT_EXIST") => Ok(()),
        Err(error) => Err(error),
    }
}

fn create_experiment(client: &MlflowClient, name: &str) -> Result<String, TrackingError> {
    match client.post::<ExperimentId>(
        "experiments/create",
        &CreateExperiment { name },
        Idempotency::Idempotent,
    ) {
        Ok(id) => Ok(id.experiment_id),
        // Another client was faster, or our first try was successful although its answer was lost.
        Err(error) if is(&error, "RESOURCE_ALREADY_EXISTS") => {
            let answer: ExperimentAnswer =
                client.get("experiments/get-by-name", &[("experiment_name", name)])?;
            Ok(answer.experiment.experiment_id)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn is(error: &TrackingError, wanted: &str) -> bool {
    matches!(error, TrackingError::Refused { code, .. } if code == wanted)
}
