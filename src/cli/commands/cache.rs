//! `cache`: list and remove cached results, and explain why a stage would run.

use bytesize::ByteSize;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::cli::args::{CacheCommand, CacheGcArgs, PipelineArgs};
use crate::cli::error::CliError;
use crate::cli::exit::Exit;
use crate::cli::outcome::seconds;
use crate::cli::ui::{self, Ui};
use crate::cli::{consent, settings};
use pdm_core::events::{size, span};
use pdm_engine::cache::StageKey;
use pdm_engine::cache::{
    CacheError, Cost, InputFile, Removal, RetentionPolicy, Stored, collectable,
};
use pdm_engine::config::{Origins, Stage};
use pdm_engine::engine::{self, CachedState, EngineError, Explanation};
use pdm_report::report::{Align, table};

pub(super) fn run(command: &CacheCommand, ui: &Ui) -> Result<Exit, CliError> {
    match command {
        CacheCommand::List(args) => list(args, ui),
        CacheCommand::Gc(args) => collect(args, ui),
        CacheCommand::Why { stage, pipeline } => why((*stage).into(), pipeline, ui),
    }?;
    Ok(Exit::Done)
}

fn list(args: &PipelineArgs, ui: &Ui) -> Result<(), CliError> {
    let (context, _) = settings::resolve_to_look(args, ui)?;
    let stored = engine::cache(&context).stored();
    ui.show(&stored, || match stored.len() {
        0 => "the cache is empty".to_owned(),
        entries => format!("{}\n{entries} results, {}", rows(&stored), total(&stored)),
    })
}

/// The results found, and what was done with each; nothing with `--dry-run`.
#[derive(Serialize)]
struct CacheCollection {
    found: Vec<Stored>,
    bytes: u64,
    kept: usize,
    removed: Option<Vec<RemovedEntry>>,
}

/// What was done with one entry.
#[derive(Serialize)]
struct RemovedEntry {
    #[serde(flatten)]
    entry: Stored,
    removal: Removal,
}

fn collect(args: &CacheGcArgs, ui: &Ui) -> Result<(), CliError> {
    let (context, _) = settings::resolve(&args.pipeline, ui)?;
    // Nothing that a running pipeline uses is removed.
    let _turn = (!args.dry_run)
        .then(|| context.lock_project())
        .transpose()?;
    let (cache, policy) = (engine::cache(&context), policy(args));
    let stored = cache.stored();
    let found = collectable(&stored, &policy, Timestamp::now());
    let (bytes, kept) = (
        found.iter().map(|entry| entry.bytes).sum(),
        stored.len() - found.len(),
    );
    let mut collection = CacheCollection {
        found,
        bytes,
        kept,
        removed: None,
    };
    if args.dry_run || collection.found.is_empty() {
        return ui.show(&collection, || collection.list());
    }
    consent::ask(args.yes, &collection.list())?;
    if ui.is_for_people() {
        ui.text(&ui::fitted(|| collection.list()))?;
    }
    let remove = |entry: &Stored| {
        Ok(RemovedEntry {
            removal: cache.remove(entry)?,
            entry: entry.clone(),
        })
    };
    let removed: Result<Vec<_>, CacheError> = collection.found.iter().map(remove).collect();
    collection.removed = Some(removed.map_err(EngineError::from)?);
    ui.show(&collection, || collection.outcome())
}

fn policy(args: &CacheGcArgs) -> RetentionPolicy {
    let max_bytes = args.max_size.map(|size| size.as_u64());
    RetentionPolicy {
        older_than: args.older_than,
        keep_last: args.keep_last,
        max_bytes,
    }
}

impl CacheCollection {
    fn list(&self) -> String {
        let summary = format!(
            "{} results to remove, {}; {} to keep",
            self.found.len(),
            total(&self.found),
            self.kept
        );
        if self.found.is_empty() {
            summary
        } else {
            format!("{}\n{summary}", rows(&self.found))
        }
    }

    fn outcome(&self) -> String {
        let removed = self.removed.as_deref().unwrap_or_default();
        let count = |wanted| removed.iter().filter(|gone| gone.removal == wanted).count();
        let bytes: u64 = removed
            .iter()
            .filter(|gone| gone.removal == Removal::Removed)
            .map(|gone| gone.entry.bytes)
            .sum();
        let in_use = match count(Removal::InUse) {
            0 => String::new(),
            busy => format!("; {busy} are in use and were kept"),
        };
        format!(
            "removed {} results, {}{in_use}",
            count(Removal::Removed),
            ByteSize(bytes)
        )
    }
}

fn total(entries: &[Stored]) -> ByteSize {
    ByteSize(entries.iter().map(|entry| entry.bytes).sum())
}

fn rows(entries: &[Stored]) -> String {
    let header = [
        ("stage", Align::Left),
        ("key", Align::Left),
        ("size", Align::Right),
        ("age", Align::Right),
        ("last used", Align::Right),
        ("took", Align::Right),
        ("pipeline", Align::Left),
        ("", Align::Left),
    ];
    let now = Timestamp::now();
    let ago = |time: Timestamp| span(now.duration_since(time).unsigned_abs());
    let rows = entries.iter().map(|entry| {
        let used_by = match entry.reachable_from.as_slice() {
            [] => "unused".to_owned(),
            pipelines => format!("last run of {}", pipelines.join(", ")),
        };
        [
            entry.stage.clone(),
            entry.key.short(),
            ByteSize(entry.bytes).to_string(),
            ago(entry.created),
            ago(entry.last_used),
            entry
                .cost
                .map(|cost| seconds(cost.elapsed_ms))
                .unwrap_or_else(|| "damaged".to_owned()),
            entry.pipeline.clone().unwrap_or_default(),
            used_by,
        ]
    });
    table(&header, rows)
}

fn why(stage: Stage, args: &PipelineArgs, ui: &Ui) -> Result<(), CliError> {
    let (context, job) = settings::resolve_to_look(args, ui)?;
    let explanation = engine::why(&context, &job, stage)?;
    ui.show(&explanation, || text(&explanation, &job.origins))
}

fn text(explanation: &Explanation, origins: &Origins) -> String {
    let Explanation { stage, why, .. } = explanation;
    let state = match explanation.standing {
        CachedState::Hit => "cached",
        CachedState::Miss => "would run",
        CachedState::Unknown => "not known",
    };
    let mut parts = vec![format!("{stage}: {state}, {why}")];
    parts.extend(explanation.cost.map(cost));
    if let (Some(key), Some(digest)) = (&explanation.key, explanation.digest) {
        parts.push(format!(
            "key {digest}, stage version {}",
            key.semantic_version
        ));
        parts.push(parameters(key, origins));
        parts.push(inputs(key, &explanation.files));
        parts.push(match explanation.changes.as_deref() {
            None => "this pipeline has not run the stage yet".to_owned(),
            Some([]) => "same key as last time".to_owned(),
            Some(changes) => format!("changed since the last key:\n  {}", changes.join("\n  ")),
        });
    }
    parts.join("\n\n")
}

fn cost(
    Cost {
        elapsed_ms,
        peak_bytes,
    }: Cost,
) -> String {
    let memory = peak_bytes
        .map(|bytes| format!(" and {} of memory", size(bytes)))
        .unwrap_or_default();
    format!("its result took {}{memory}", seconds(elapsed_ms))
}

fn parameters(key: &StageKey, origins: &Origins) -> String {
    let mut leaves = Vec::new();
    collect_leaves(String::new(), &key.parameters, &mut leaves);
    leaves.sort_by(|a, b| a.0.cmp(&b.0));
    let header = [
        ("option", Align::Left),
        ("value", Align::Left),
        ("where", Align::Left),
    ];
    let rows = leaves.into_iter().map(|(path, value)| {
        let place = origins.place(&path).unwrap_or_default();
        [path, value, place]
    });
    table(&header, rows)
}

/// Lists the values that are not tables, by their dotted key.
fn collect_leaves(path: String, value: &Value, found: &mut Vec<(String, String)>) {
    let join = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match value {
        Value::Object(table) => table
            .iter()
            .for_each(|(key, value)| collect_leaves(join(key), value, found)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items
                .iter()
                .enumerate()
                .for_each(|(at, item)| collect_leaves(join(&at.to_string()), item, found));
        }
        Value::Null => {}
        plain => found.push((path, plain.to_string())),
    }
}

fn inputs(key: &StageKey, files: &[InputFile]) -> String {
    let header = [
        ("input", Align::Left),
        ("SHA-256", Align::Left),
        ("files", Align::Left),
    ];
    let rows = key.inputs.iter().map(|(name, digest)| {
        let files = files
            .iter()
            .filter(|file| engine::is_behind(&key.stage, name, file));
        let files: Vec<_> = files
            .map(|file| format!("{} ({} bytes)", file.path, file.bytes))
            .collect();
        let files = if files.is_empty() {
            "output of an earlier stage".to_owned()
        } else {
            files.join(", ")
        };
        [name.clone(), digest.short(), files]
    });
    table(&header, rows)
}
