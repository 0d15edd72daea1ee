//! What is cached of a project, and why a stage would run or not.

use serde::Serialize;

use super::decide::Decision;
use super::exec::{ExecContext, Planner};
use super::provision::missing_fleet;
use super::{Context, EngineError, Job, PipelineRun};
use crate::cache::StageKey;
use crate::cache::{Cache, Cost, InputFile, Output};
use crate::config::{ExecGraph, Stage};
use pdm_core::content::Digest;

/// What the cache holds for a stage as it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CachedState {
    /// Its result.
    Hit,
    /// Nothing that can be used: it would run.
    Miss,
    /// That is not known before an earlier stage has run.
    Unknown,
}

/// All that a stage depends on, and why it would run or why not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The stage.
    pub stage: Stage,
    /// What the cache holds for it.
    pub standing: CachedState,
    /// Why, as a fragment.
    pub why: String,
    /// Everything the stage depends on, where all of it is known.
    pub key: Option<StageKey>,
    /// Digest of the key.
    pub digest: Option<Digest>,
    /// The data files.
    pub files: Vec<InputFile>,
    /// What differs from the key the pipeline used last, as fragments; none where it used none before.
    pub changes: Option<Vec<String>>,
    /// What the stage cost when its result was made; none where there is no result.
    pub cost: Option<Cost>,
    /// The files of its result.
    pub outputs: Vec<Output>,
}

/// Returns the cache of a project.
pub fn cache(context: &Context) -> Cache {
    Cache::at(context.state_dir().join("cache"))
}

/// Explains a stage. Changes nothing.
///
/// # Errors
/// The data, the cache or the registry cannot be read.
pub fn why(context: &Context, job: &Job, stage: Stage) -> Result<Explanation, EngineError> {
    let unknown = |why| Explanation {
        stage,
        standing: CachedState::Unknown,
        why,
        key: None,
        digest: None,
        files: Vec::new(),
        changes: None,
        cost: None,
        outputs: Vec::new(),
    };
    if let Some(why) = missing_fleet(context, job) {
        return Ok(unknown(why.to_owned()));
    }
    let mut line = PipelineRun::open_early(context, job)?;
    let cache = line.cache.clone();
    let mut outlook = Planner::new(
        ExecContext::to_look(context, job, &cache),
        ExecGraph::of(&job.spec),
    );
    let awaited = outlook.meet_data(&mut line)?;
    outlook.save();
    if let Some(program) = awaited {
        return Ok(unknown(format!(
            "its key is known once `{program}` has run, which makes data"
        )));
    }
    let mut missing = None;
    for before in stage.line_up_to().iter().filter(|before| **before != stage) {
        if line.key(*before)?.is_none() {
            continue;
        }
        match line.decide(*before, false)? {
            Decision::Cached(entry) => drop(line.entries.insert(*before, *entry)),
            Decision::Skip(_) => {}
            Decision::Run(why) => missing = missing.or(Some((*before, why))),
        }
    }
    let Some(key) = line.key(stage)? else {
        let (before, why) = missing.unwrap_or((Stage::Validate, "never run before".to_owned()));
        return Ok(unknown(format!(
            "its key is known once `{before}` has run, which is due: {why}"
        )));
    };
    let (standing, why, entry) = match line.decide(stage, false)? {
        Decision::Cached(entry) => (
            CachedState::Hit,
            "inputs and options are those it was made from".to_owned(),
            Some(entry),
        ),
        Decision::Skip(why) => (CachedState::Hit, why, None),
        Decision::Run(why) => (CachedState::Miss, why, None),
    };
    Ok(Explanation {
        standing,
        why,
        changes: line.changes_since_last(&key),
        digest: Some(key.digest()),
        key: Some(key),
        files: line.inputs.clone(),
        cost: entry.as_ref().map(|entry| entry.cost()),
        outputs: entry
            .map(|entry| entry.outputs().to_vec())
            .unwrap_or_default(),
        ..unknown(String::new())
    })
}
