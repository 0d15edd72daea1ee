//! `runs`: list, show, compare and remove recorded runs.

pub(in crate::cli) mod compare;
mod gc;
mod list;

use serde::Serialize;

use crate::cli::args::{PipelineArgs, RunStoreArgs, RunsCommand, TraceArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outcome::seconds;
use crate::cli::outputs::{self, Outputs};
use crate::cli::settings;
use crate::cli::ui::Ui;
use pdm_core::domain::redact_json;
use pdm_engine::engine::{Context, Job};
use pdm_report::report::{Align, KnownFile, table};
use pdm_tracking::observe::timeline::chrome_trace;
use pdm_tracking::tracking::{Run, RunStore};

pub(super) fn run(command: &RunsCommand, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        RunsCommand::List(args) => list::run(args, ui)?,
        RunsCommand::Gc(args) => gc::run(args, ui)?,
        RunsCommand::Show { run, store } => {
            let run = open(store, ui)?.load(run)?;
            ui.show(&run, || show(&run))?;
        }
        RunsCommand::Trace(args) => trace(args, ui)?,
        RunsCommand::Ui { pipeline, port } => {
            let commands = ui_commands(pipeline, *port, ui)?;
            ui.show_verbatim(&commands, || {
                let UiCommands { server, sync, page } = &commands;
                format!("{server}\n{sync}\n\nrun the first command in a separate terminal, then the second, and open {page}")
            })?;
        }
        RunsCommand::Compare { run, store } => compare::run(run, store, ui)?,
    }
    Ok(Exit::Done)
}

/// Writes a run's timeline.
fn trace(args: &TraceArgs, ui: &Ui) -> Result<(), CliError> {
    let mut outputs =
        Outputs::new(args.force).document("--output", args.out.as_deref(), KnownFile::Trace);
    let store = if args.store.runs.is_some() {
        outputs = outputs.reads_project(ui);
        open(&args.store, ui)?
    } else {
        let (context, job) = settings::resolve(&PipelineArgs::default(), ui)?;
        outputs = outputs.reads_pipeline(&context, &job);
        store_of(&args.store, &context, &job)
    };
    outputs
        .reads_folder("the run store", store.dir())
        .check(ui)?;
    let trace = chrome_trace(&store.load(&args.run)?);
    let text = serde_json::to_string(&trace).map_err(CliError::output)?;
    match &args.out {
        Some(path) => outputs::write(path, redact_json(&text).as_bytes()),
        None => ui.json(&text),
    }
}

/// The commands that show local runs in MLflow's web pages.
#[derive(Serialize)]
struct UiCommands {
    /// Starts a server with a database file in the project.
    server: String,
    /// Sends the runs to it.
    sync: String,
    /// Address to open in a browser.
    page: String,
}

fn ui_commands(pipeline: &PipelineArgs, port: u16, ui: &Ui) -> Result<UiCommands, CliError> {
    let (context, _) = settings::resolve(pipeline, ui)?;
    let folder = context.state_dir().join("mlflow");
    let (page, at) = (
        format!("http://127.0.0.1:{port}"),
        quoted(&folder.display().to_string()),
    );
    let named = pipeline
        .pipeline
        .as_ref()
        .map(|path| format!(" {}", quoted(&path.display().to_string())));
    let set: String = pipeline
        .set
        .iter()
        .map(|set| format!(" --set {}", quoted(set)))
        .collect();
    Ok(UiCommands {
        server: format!(
            "mkdir -p {at} && mlflow server --backend-store-uri sqlite:///{at}/mlflow.db \
             --artifacts-destination {at}/artifacts --serve-artifacts --host 127.0.0.1 --port {port}"
        ),
        sync: format!(
            "pdm-ml track sync{}{set} --to {page}",
            named.unwrap_or_default()
        ),
        page,
    })
}

/// Returns a word quoted for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Opens the given run store, else that of the pipeline.
fn open(args: &RunStoreArgs, ui: &Ui) -> Result<RunStore, CliError> {
    if let Some(folder) = &args.runs {
        return Ok(RunStore::open(folder));
    }
    let (context, job) = settings::resolve(&PipelineArgs::default(), ui)?;
    Ok(store_of(args, &context, &job))
}

/// Returns the given run store, else that of the pipeline.
fn store_of(args: &RunStoreArgs, context: &Context, job: &Job) -> RunStore {
    match &args.runs {
        Some(folder) => RunStore::open(folder),
        None => RunStore::open(context.resolve(&job.spec.tracking.dir)),
    }
}

fn show(run: &Run) -> String {
    let mut parts = vec![format!(
        "{} {} · {} · started {:.0}",
        run.id,
        run.header.name,
        run.status.word(),
        run.header.started
    )];
    let stages = run.stages.iter().map(|stage| {
        let time = stage.elapsed_ms.map(seconds).unwrap_or_default();
        let what = if stage.summary.is_empty() {
            &stage.why
        } else {
            &stage.summary
        };
        [stage.stage.clone(), time, what.clone()]
    });
    parts.push(table(
        &[
            ("stage", Align::Left),
            ("time", Align::Right),
            ("what", Align::Left),
        ],
        stages,
    ));
    let of_parts = run.parts.iter().map(|part| {
        let time = part.finished.map(|end| {
            seconds(u64::try_from(end.duration_since(part.started).as_millis()).unwrap_or(0))
        });
        let params: Vec<_> = part
            .params
            .iter()
            .map(|(key, value)| format!("{key} {value}"))
            .collect();
        [
            part.part.clone(),
            time.unwrap_or_else(|| "not finished".to_owned()),
            params.join(", "),
        ]
    });
    parts.push(table(
        &[
            ("part", Align::Left),
            ("time", Align::Right),
            ("what", Align::Left),
        ],
        of_parts,
    ));
    let metrics = run
        .final_metrics()
        .into_iter()
        .map(|(key, value)| [key.to_owned(), format!("{:.4}", value.0)]);
    parts.push(table(
        &[("metric", Align::Left), ("last", Align::Right)],
        metrics,
    ));
    for (name, values) in [("param", &run.params), ("tag", &run.tags)] {
        let rows = values
            .iter()
            .map(|(key, value)| [key.clone(), value.clone()]);
        parts.push(table(&[(name, Align::Left), ("value", Align::Left)], rows));
    }
    let inputs = run.inputs.iter().map(|input| {
        let data = &input.data;
        [
            input.part.clone(),
            data.name.clone(),
            data.used_for.word().to_owned(),
            data.digest.chars().take(12).collect(),
        ]
    });
    let header = [
        ("part", Align::Left),
        ("data", Align::Left),
        ("for", Align::Left),
        ("digest", Align::Left),
    ];
    parts.push(table(&header, inputs));
    let artifacts = run
        .artifacts
        .iter()
        .map(|(name, kept)| [name.clone(), kept.bytes.to_string()]);
    parts.push(table(
        &[("artifact", Align::Left), ("bytes", Align::Right)],
        artifacts,
    ));
    parts.extend(
        run.warnings
            .iter()
            .map(|warning| format!("warning: {warning}")),
    );
    parts.join("\n\n")
}
