//! Decides whether a task must run, and says why: what differs from the key used last, down to the line of the pipeline file.

use crate::cache::{CacheEntry, InputChange, InputFile, KeyChange, StageKey, Status, explain};
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::step::{Step, Task};

/// How many differences a reason names.
const NAMED_CHANGES: usize = 3;

/// Whether a task must run.
pub(in crate::engine) enum Decision {
    /// Its result is in the cache.
    Cached(Box<CacheEntry>),
    /// It must run, for this reason, a fragment.
    Run(String),
}

/// Decides whether a task must run.
pub(in crate::engine) fn decide(
    run: &PipelineRun<'_>,
    step: &dyn Step,
    task: &Task<'_>,
    force: bool,
) -> Decision {
    if force {
        return Decision::Run("forced".to_owned());
    }
    match run.cache.lookup(&task.key) {
        Status::Hit(entry) => Decision::Cached(entry),
        Status::Damaged { reason } => {
            Decision::Run(format!("the cached result is damaged: {reason}"))
        }
        Status::Absent => Decision::Run(why_absent(changes_since_last(run, step, task))),
    }
}

/// Returns what differs from the key that the step used last, as fragments; none where it used none.
pub(in crate::engine) fn changes_since_last(
    run: &PipelineRun<'_>,
    step: &dyn Step,
    task: &Task<'_>,
) -> Option<Vec<String>> {
    let pipeline = &run.job.spec.project.name;
    let last = run.cache.last_key(pipeline, &task.key.stage)?;
    let files = run.cache.last_files(pipeline, &task.key.stage);
    Some(changes(run, step, &last, &files, task))
}

/// Returns what differs between an older key of a step and that of a task, as fragments; `files` are those behind the older one.
pub(in crate::engine) fn changes(
    run: &PipelineRun<'_>,
    step: &dyn Step,
    old: &StageKey,
    files: &[InputFile],
    task: &Task<'_>,
) -> Vec<String> {
    let location = |path: &str| step.location(run.job, path);
    let mut fragments = Vec::new();
    for change in explain(old, &task.key) {
        let between = match &change {
            KeyChange::Input { name, .. } => step.compare_files(name, files, &task.files),
            KeyChange::Version { .. } | KeyChange::Parameter { .. } => Vec::new(),
        };
        if between.is_empty() {
            fragments.push(change.text(location));
        } else {
            fragments.extend(between.iter().map(InputChange::text));
        }
    }
    fragments
}

/// Returns why nothing is cached under a key, by what differs from the key that was used last.
fn why_absent(changes: Option<Vec<String>>) -> String {
    let Some(changes) = changes else {
        return "never run before".to_owned();
    };
    if changes.is_empty() {
        return "the cached result was deleted".to_owned();
    }
    let named = changes[..changes.len().min(NAMED_CHANGES)].join(", ");
    match changes.len().saturating_sub(NAMED_CHANGES) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
