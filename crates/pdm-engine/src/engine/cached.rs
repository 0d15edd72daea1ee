//! What the cache of a project holds, and why a stage would run or not.

use serde::Serialize;

use super::executor::{Decision, Planner, changes_since_last, decide};
use super::outcome::PlannedStage;
use super::pipeline_run::PipelineRun;
use super::provision::missing_fleet;
use super::step::{Prepared, step_of};
use super::{Context, EngineError, Job};
use crate::cache::StageKey;
use crate::cache::{Cache, Cost, InputFile, Output};
use crate::config::{Node, Stage};
use pdm_core::content::Digest;

/// What the cache holds for a stage as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CachedState {
    /// Its result.
    Hit,
    /// No usable result: the stage would run.
    Miss,
    /// Not known before an earlier stage has run.
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
    /// What differs from the key that the pipeline used last, as fragments; none where it used none.
    pub changes: Option<Vec<String>>,
    /// What it cost to make the result; none where there is no result.
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
    let run = PipelineRun::open(context, job)?;
    let target = Node::Named(stage);
    let mut planner = Planner::new(&run);
    let mut due = None;
    for node in planner.order(stage) {
        if node == target {
            break;
        }
        let planned = planner.plan(node)?;
        let is_stage = planned.stage.named().is_some();
        if is_stage && planned.runs && planned.key.is_some() && due.is_none() {
            due = Some(planned);
        }
    }
    planner.read_inputs()?;
    planner.save();
    if run.inputs().is_none()
        && let Some(program) = planner.first_due()
    {
        return Ok(unknown(format!(
            "its key is not known before `{program}` has run, which makes data"
        )));
    }
    let step = step_of(target, job);
    let task = match step.prepare(&planner.situation())? {
        Prepared::Task(task) => task,
        Prepared::Done(why) => return Ok(unknown(why)),
        Prepared::Unknown | Prepared::Change(_) => return Ok(unknown(why_unknown(due))),
    };
    let (standing, why, entry) = match decide(&run, &*step, &task, false) {
        Decision::Cached(entry) => {
            let why = "its inputs and options have not changed".to_owned();
            (CachedState::Hit, why, Some(entry))
        }
        Decision::Run(why) => (CachedState::Miss, why, None),
    };
    Ok(Explanation {
        standing,
        why,
        changes: changes_since_last(&run, &*step, &task),
        digest: Some(task.key.digest()),
        cost: entry.as_ref().map(|entry| entry.cost()),
        outputs: entry.map_or(Vec::new(), |entry| entry.outputs().to_vec()),
        files: run.data()?.shown.clone(),
        key: Some(task.key),
        ..unknown(String::new())
    })
}

fn why_unknown(due: Option<PlannedStage>) -> String {
    match due {
        Some(due) => format!(
            "its key is not known before `{}` has run, which is due: {}",
            due.stage, due.why
        ),
        None => "it changes the registry and has no result to cache".to_owned(),
    }
}
