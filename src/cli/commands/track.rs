//! `track sync`: send recorded runs to MLflow, and update its models from the registry.

use serde::Serialize;

use crate::cli::args::{SyncArgs, TrackCommand};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::codes::Code;
use pdm_engine::engine::{self, Context};
use pdm_report::report::{Align, table};
use pdm_tracking::tracking::{
    LostRun, MirrorReport, MlflowClient, RetryPolicy, RunStore, RunSummary, SyncReport, lost,
    mirror, sync,
};

/// Keys that `--set` may change for recorded runs: where they are stored, and where they are sent.
const OBEYED: [&str; 6] = [
    "tracking.dir",
    "tracking.mlflow_url",
    "tracking.token_env",
    "tracking.username_env",
    "tracking.password_env",
    "registry.",
];

/// The result of a sync.
#[derive(Serialize)]
struct SyncSummary {
    server: String,
    /// How many runs are recorded here.
    recorded: usize,
    runs: Vec<Synced>,
    /// Runs that were sent before and no longer exist on the server.
    lost: Vec<LostRun>,
    models: MirrorReport,
}

/// One run and its state on the server.
#[derive(Serialize)]
struct Synced {
    run: String,
    report: SyncReport,
}

pub(super) fn run(command: &TrackCommand, ui: &Ui) -> Result<Exit, CliError> {
    let TrackCommand::Sync(SyncArgs {
        pipeline,
        to,
        restore,
    }) = command;
    settings::refuse_idle_overrides(pipeline, &OBEYED, "runs are sent as they were recorded")?;
    let (context, mut job) = settings::resolve(pipeline, ui)?;
    if let Some(url) = to {
        url.clone_into(&mut job.spec.tracking.mlflow_url);
    }
    let Some(client) = job
        .spec
        .tracking
        .mlflow(context.variable, RetryPolicy::FOREGROUND)?
    else {
        let error = CliError::new(Code::NoServer, "no MLflow server is configured");
        return Err(
            error.hint("pass `--to http://…`, or set MLFLOW_TRACKING_URI or tracking.mlflow_url")
        );
    };
    let client = if *restore { client.restoring() } else { client };
    let store = RunStore::open(context.resolve(&job.spec.tracking.dir));
    store.reap()?;
    let recorded = store.list()?.runs;
    let ids: Vec<_> = recorded.iter().map(|run| run.id).collect();
    let lost = lost(&store, &ids, &client)?;
    let (lost, back) = if *restore {
        (Vec::new(), lost)
    } else {
        (lost, Vec::new())
    };
    let runs = send(&context, &store, &recorded, &back, &client)?;
    let models = match engine::catalog(&context, &job) {
        Ok(Some(catalog)) => mirror(&client, &catalog)?,
        Ok(None) => MirrorReport::default(),
        Err(error) => {
            context.reporter.warn(format!(
                "the models on the server were not updated: {error}"
            ));
            MirrorReport::default()
        }
    };
    let done = SyncSummary {
        server: client.url().to_owned(),
        recorded: recorded.len(),
        runs,
        lost,
        models,
    };
    ui.show(&done, || text(&done))?;
    Ok(Exit::Done)
}

/// Sends the runs that are incomplete on the server, and those to restore.
fn send(
    context: &Context,
    store: &RunStore,
    recorded: &[RunSummary],
    back: &[LostRun],
    client: &MlflowClient,
) -> Result<Vec<Synced>, CliError> {
    let mut done = Vec::new();
    for run in recorded.iter().rev() {
        let is_complete = store
            .sync_state(run.id, client)
            .is_some_and(|state| state.complete);
        if is_complete && !back.iter().any(|lost| lost.run == run.id) {
            continue;
        }
        context.reporter.check().map_err(CliError::interrupted)?;
        done.push(Synced {
            run: run.short.clone(),
            report: sync(store, run.id, client)?,
        });
    }
    Ok(done)
}

fn text(done: &SyncSummary) -> String {
    let SyncSummary {
        server,
        recorded,
        runs,
        lost,
        models,
    } = done;
    let header = [
        ("run", Align::Left),
        ("status", Align::Left),
        ("lines sent", Align::Right),
        ("on the server", Align::Left),
    ];
    let rows = runs.iter().map(|synced| {
        let SyncReport {
            status,
            sent_lines,
            page,
            deleted,
            problems,
            ..
        } = &synced.report;
        let place = if *deleted {
            "deleted there; not restored".to_owned()
        } else {
            page.clone()
        };
        let place = problems
            .iter()
            .fold(place, |place, problem| format!("{place}; {problem}"));
        [
            synced.run.clone(),
            status.word().to_owned(),
            sent_lines.to_string(),
            place,
        ]
    });
    let sent = match runs.len() {
        0 if *recorded == 0 => "nothing to send: no runs recorded".to_owned(),
        0 if lost.is_empty() => format!("nothing to send: every recorded run is on {server}"),
        0 if lost.len() == *recorded => "nothing to send".to_owned(),
        0 => format!(
            "nothing to send: the other {} recorded runs are on {server}",
            recorded - lost.len()
        ),
        _ => {
            let sent = runs.iter().filter(|synced| !synced.report.deleted).count();
            format!(
                "{}\n{sent} runs were sent to {server}",
                table(&header, rows)
            )
        }
    };
    let gone = gone(lost, server);
    let news = [
        ("model", &models.versions),
        ("alias", &models.aliases),
        ("refused", &models.problems),
    ];
    let changes = news
        .iter()
        .flat_map(|(what, names)| names.iter().map(move |name| format!("\n{what} {name}")));
    format!("{gone}{sent}{}", changes.collect::<String>())
}

/// Returns the runs that no longer exist on the server, and how to restore them.
fn gone(lost: &[LostRun], server: &str) -> String {
    if lost.is_empty() {
        return String::new();
    }
    let line = |lost: &LostRun| {
        let what = if lost.deleted {
            "was deleted there"
        } else {
            "is unknown there"
        };
        format!("run {} was sent to {server} and {what}\n", lost.run)
    };
    let lines: String = lost.iter().map(line).collect();
    format!("{lines}`pdm-ml track sync --restore` restores them\n\n")
}
