//! `track sync`: replay recorded runs to MLflow, and bring its models in step with the registry.

use serde::Serialize;

use crate::cli::args::{SyncArgs, TrackCommand};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::cli::ui::Ui;
use crate::codes::Code;
use crate::engine::{self, Context, Job};
use crate::report::{Align, table};
use crate::tracking::{MirrorReport, MlflowClient, Patience, RunStore, RunSummary, SyncReport, mirror, sync};

/// What a replay came to.
#[derive(Serialize)]
struct Done {
    server: String,
    runs: Vec<Synced>,
    models: MirrorReport,
}

/// One run and what the server made of it.
#[derive(Serialize)]
struct Synced {
    run: String,
    report: SyncReport,
}

pub(super) fn run(command: &TrackCommand, ui: &Ui) -> Result<Exit, CliError> {
    let TrackCommand::Sync(SyncArgs { pipeline, to }) = command;
    let (context, mut job) = settings::resolve(pipeline, ui)?;
    if let Some(url) = to {
        url.clone_into(&mut job.spec.tracking.mlflow_url);
    }
    let Some(client) = job.spec.tracking.mlflow(context.variable, Patience::FOREGROUND)? else {
        let error = CliError::new(Code::NoServer, "no MLflow server is named");
        return Err(error.hint("give `--to http://…`, or set MLFLOW_TRACKING_URI or tracking.mlflow_url"));
    };
    let runs = runs(&context, &job, &client)?;
    let models = match engine::catalog(&context, &job) {
        Ok(Some(catalog)) => mirror(&client, &catalog)?,
        Ok(None) => MirrorReport::default(),
        Err(error) => {
            context.reporter.warn(format!("the server's models were not brought in step: {error}"));
            MirrorReport::default()
        }
    };
    let done = Done { server: client.url().to_owned(), runs, models };
    ui.show(&done, || text(&done))?;
    Ok(Exit::Done)
}

fn runs(context: &Context, job: &Job, client: &MlflowClient) -> Result<Vec<Synced>, CliError> {
    let store = RunStore::open(context.resolve(&job.spec.tracking.dir));
    store.reap()?;
    let complete = |run: &RunSummary| store.sync_state(run.id, client).is_some_and(|state| state.complete);
    let mut done = Vec::new();
    for run in store.list()?.runs.iter().rev().filter(|run| !complete(run)) {
        context.reporter.check().map_err(CliError::interrupted)?;
        done.push(Synced { run: run.short.clone(), report: sync(&store, run.id, client)? });
    }
    Ok(done)
}

fn text(done: &Done) -> String {
    let Done { server, runs, models } = done;
    let header =
        [("run", Align::Left), ("status", Align::Left), ("lines sent", Align::Right), ("on the server", Align::Left)];
    let rows = runs.iter().map(|synced| {
        let SyncReport { status, sent_lines, page, deleted, problems, .. } = &synced.report;
        let place = if *deleted { "deleted there; left alone".to_owned() } else { page.clone() };
        let place = problems.iter().fold(place, |place, problem| format!("{place}; {problem}"));
        [synced.run.clone(), status.word().to_owned(), sent_lines.to_string(), place]
    });
    let sent = match runs.len() {
        0 => format!("nothing to send: every recorded run is on {server}"),
        sent => format!("{}\n{sent} runs were sent to {server}", table(&header, rows)),
    };
    let news = [("model", &models.versions), ("alias", &models.aliases), ("refused", &models.problems)];
    let told = news.iter().flat_map(|(what, names)| names.iter().map(move |name| format!("\n{what} {name}")));
    format!("{sent}{}", told.collect::<String>())
}
