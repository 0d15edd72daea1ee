//! `runs gc`: remove old runs, and show which are kept and why.

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Serialize;

use super::{list, store_of};
use crate::cli::args::RunsGcArgs;
use crate::cli::error::CliError;
use crate::cli::ui::{self, Ui};
use crate::cli::{consent, settings};
use pdm_engine::engine::KeptRuns;
use pdm_report::report::{Align, table};
use pdm_tracking::tracking::{RetryPolicy, RunId, RunPolicy, RunRemoval, RunsToRemove};

/// The runs found, and what was done with each; nothing with `--dry-run`.
#[derive(Serialize)]
struct RunCollection {
    format: u32,
    #[serde(flatten)]
    runs: RunsToRemove,
    removed: Option<Vec<RemovedRun>>,
}

/// What was done with one run.
#[derive(Serialize)]
struct RemovedRun {
    id: RunId,
    bytes: u64,
    removal: RunRemoval,
}

pub(super) fn run(args: &RunsGcArgs, ui: &Ui) -> Result<(), CliError> {
    let (context, job) = settings::resolve(&args.pipeline, ui)?;
    // A run that is being written is kept, and no version is registered from a run that is being removed.
    let _turn = (!args.dry_run)
        .then(|| context.lock_project())
        .transpose()?;
    let store = store_of(&args.store, &context, &job);
    let server = job
        .spec
        .tracking
        .mlflow(context.variable, RetryPolicy::BACKGROUND)?;
    let kept = KeptRuns::of(&context, &job, server, args.force)?;
    let policy = RunPolicy {
        keep: args.keep.unwrap_or_default(),
        older_than: args.older_than,
        status: args.status.iter().map(|status| (*status).into()).collect(),
    };
    let now = context.now.unwrap_or_else(Timestamp::now);
    let runs = store.removable(&policy, now, |run| kept.forbids(&store, run))?;
    for run in &runs.unreadable {
        ui::warn(&format!(
            "run {} cannot be read and is kept: {}",
            run.id, run.why
        ));
    }
    let mut collection = RunCollection {
        format: 1,
        runs,
        removed: None,
    };
    if args.dry_run || collection.runs.found.is_empty() {
        return ui.show(&collection, || collection.list());
    }
    consent::ask(args.yes, &collection.list())?;
    if ui.is_for_people() {
        ui.text(&ui::fitted(|| collection.list()))?;
    }
    store.finish_removals()?;
    let mut removed = Vec::new();
    for found in &collection.runs.found {
        let id = found.run.summary.id;
        removed.push(RemovedRun {
            id,
            bytes: found.bytes,
            removal: store.remove(id)?,
        });
    }
    collection.removed = Some(removed);
    ui.show(&collection, || collection.outcome())
}

impl RunCollection {
    /// Lists the runs to remove, with their sizes, and those that are kept although they are old enough.
    fn list(&self) -> String {
        let RunsToRemove {
            found,
            bytes,
            kept,
            stay,
            ..
        } = &self.runs;
        let mut parts = Vec::new();
        if !found.is_empty() {
            let size = |bytes: u64| ByteSize(bytes).to_string();
            let runs: Vec<_> = found.iter().map(|run| &run.run).collect();
            let sizes: Vec<_> = found.iter().map(|run| size(run.bytes)).collect();
            parts.push(list::rows(&runs, Some(&sizes)));
        }
        if !kept.is_empty() {
            let rows = kept.iter().map(|run| [run.short.clone(), run.why.clone()]);
            parts.push(table(&[("kept", Align::Left), ("why", Align::Left)], rows));
        }
        let bytes = ByteSize(*bytes);
        let stays = stay + kept.len();
        parts.push(format!(
            "{} runs to remove, {bytes}; {stays} to keep",
            found.len()
        ));
        parts.join("\n\n")
    }

    fn outcome(&self) -> String {
        let removed = self.removed.as_deref().unwrap_or_default();
        let gone: Vec<_> = removed
            .iter()
            .filter(|gone| gone.removal == RunRemoval::Removed)
            .collect();
        let bytes: u64 = gone.iter().map(|gone| gone.bytes).sum();
        let busy = removed
            .iter()
            .filter(|gone| gone.removal == RunRemoval::InUse)
            .count();
        let in_use = if busy > 0 {
            format!("; {busy} are in use and were kept")
        } else {
            String::new()
        };
        format!("removed {} runs, {}{in_use}", gone.len(), ByteSize(bytes))
    }
}
