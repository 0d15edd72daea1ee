//! `track sync`: replay recorded runs to MLflow.

use serde::Serialize;

use crate::cli::args::TrackCommand;
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::cli::ui::Ui;
use crate::report::{Align, table};
use crate::tracking::{Patience, RunStore, RunSummary, SyncReport, sync};

/// One run and what the server made of it.
#[derive(Serialize)]
struct Synced {
    run: String,
    report: SyncReport,
}

pub(super) fn run(command: &TrackCommand, ui: &Ui) -> Result<Exit, CliError> {
    let TrackCommand::Sync(args) = command;
    let (context, job) = settings::resolve(args, ui)?;
    let options = &job.spec.tracking;
    let Some(client) = options.mlflow(context.variable, Patience::FOREGROUND)? else {
        let error = CliError::failed("the pipeline names no MLflow server").usage();
        return Err(error.hint("set tracking.mlflow_url, or `--set tracking.mlflow_url=http://…`"));
    };
    let store = RunStore::open(context.resolve(&options.dir));
    store.reap()?;
    let mut done = Vec::new();
    let complete = |run: &RunSummary| store.sync_state(run.id, &client).is_some_and(|state| state.complete);
    for run in store.list()?.runs.iter().rev().filter(|run| !complete(run)) {
        context.reporter.check().map_err(CliError::interrupted)?;
        done.push(Synced { run: run.short.clone(), report: sync(&store, run.id, &client)? });
    }
    ui.show(&done, || text(&done, client.url()))?;
    Ok(Exit::Done)
}

fn text(done: &[Synced], url: &str) -> String {
    let header =
        [("run", Align::Left), ("status", Align::Left), ("lines sent", Align::Right), ("on the server", Align::Left)];
    let rows = done.iter().map(|synced| {
        let SyncReport { status, sent_lines, page, deleted, problems, .. } = &synced.report;
        let place = if *deleted { "deleted there; left alone".to_owned() } else { page.clone() };
        let place = problems.iter().fold(place, |place, problem| format!("{place}; {problem}"));
        [synced.run.clone(), status.word().to_owned(), sent_lines.to_string(), place]
    });
    match done.len() {
        0 => format!("nothing to send: every recorded run is on {url}"),
        sent => format!("{}\n{sent} runs were sent to {url}", table(&header, rows)),
    }
}
