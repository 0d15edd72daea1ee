//! Brings a pipeline up to a stage, and says what that would take.

use std::path::PathBuf;
use std::sync::Arc;

use super::budget::within_memory;
use super::concerns;
use super::drift::Drift;
use super::executor::{CancelToken, Executor, Finished, Planner, Scheduler};
use super::inputs::{HashPolicy, digest_cache};
use super::locking::Lock;
use super::outcome::{Judged, Outcome, PlannedStage, StageAction, StageRow};
use super::pipeline_run::PipelineRun;
use super::provision::{missing_fleet, provision};
use super::record::RunRecord;
use super::remote::SharedCache;
use super::results::Results;
use super::{Context, EngineError, Job, Reuse};
use crate::cache::CacheEntry;
use crate::config::{ExecGraph, Stage};
use crate::pipeline::calibrate::BUNDLE;
use crate::pipeline::evaluate::{
    OUT_OF_FOLD_PREDICTIONS, OUT_OF_FOLD_SCORECARD, PREDICTIONS, SCORECARD,
};
use crate::pipeline::features::RANKING;
use crate::pipeline::validate::REPORT;
use crate::pipeline::{LEARNING_CURVES, StageError, read_json};
use pdm_core::content::{Digest, digest_of};
use pdm_core::domain::Predictions;
use pdm_core::scoring::{Part, Scorecard, Verdict};
use pdm_tracking::tracking::{Catalog, RunStore};

/// Why a pipeline is brought up.
pub(super) enum RunPurpose {
    /// The user asked for it.
    Requested,
    /// The user asked to register the model even where gates refuse it.
    RegisterRefused,
    /// `retrain` found this reason. It also registers models that gates refuse, so that the log says why.
    Retrain {
        /// The reason, for the log.
        reason: String,
        /// The drift that was found, where it was checked.
        drift: Option<Drift>,
    },
}

/// Returns what [`bring_up`] would do, and why. Changes nothing.
///
/// # Errors
/// The data, the cache or the registry cannot be read.
pub fn plan(context: &Context, job: &Job, until: Stage) -> Result<Vec<PlannedStage>, EngineError> {
    if let Some(why) = missing_fleet(context, job)
        && job.spec.stages.is_empty()
    {
        // Nothing is opened, so that a plan in a new folder leaves it empty.
        return Ok(all_due(until, why));
    }
    let run = PipelineRun::open(context, job)?;
    run.registry()?;
    let mut planner = Planner::new(&run);
    let mut planned = Vec::new();
    for node in planner.order(until) {
        planned.push(planner.plan(node)?);
    }
    planner.save();
    Ok(planned)
}

/// Returns the plan of a pipeline whose data do not exist yet.
fn all_due(until: Stage, why: &str) -> Vec<PlannedStage> {
    let mut planned = Vec::new();
    for stage in until.up_to() {
        let why = match stage {
            Stage::Validate => why.to_owned(),
            Stage::Features
            | Stage::Train
            | Stage::Calibrate
            | Stage::Evaluate
            | Stage::Gate
            | Stage::Register
            | Stage::Promote => format!("after `{}`", Stage::Validate),
        };
        planned.push(PlannedStage::unknown(*stage, why));
    }
    planned
}

/// Brings a pipeline up to a stage: runs what is missing, in order, and stops where a gate does not pass.
///
/// # Errors
/// A stage failed, the cache or the registry could not be used, or a signal came; everything finished before is kept.
pub fn bring_up(
    context: &Context,
    job: &Job,
    until: Stage,
    reuse: Reuse,
) -> Result<Outcome, EngineError> {
    bring_up_new(context, job, until, reuse, &RunPurpose::Requested)
}

/// Brings a pipeline up to a registered version, whatever its gates say: for a model that cannot be compared, so that a person
/// can promote it.
///
/// # Errors
/// As [`bring_up`].
pub fn register_refused(
    context: &Context,
    job: &Job,
    reuse: Reuse,
) -> Result<Outcome, EngineError> {
    bring_up_new(
        context,
        job,
        Stage::Register,
        reuse,
        &RunPurpose::RegisterRefused,
    )
}

fn bring_up_new(
    context: &Context,
    job: &Job,
    until: Stage,
    reuse: Reuse,
    purpose: &RunPurpose,
) -> Result<Outcome, EngineError> {
    let _project = context.lock_project()?;
    let lock = Lock::open(job, reuse.lock)?;
    provision(context, job)?;
    let run = PipelineRun::open(context, job)?;
    bring_up_opened(&run, until, reuse, lock, purpose)
}

/// Brings a pipeline that was opened up to a stage. The project must be locked.
pub(super) fn bring_up_opened(
    run: &PipelineRun<'_>,
    until: Stage,
    reuse: Reuse,
    lock: Lock,
    purpose: &RunPurpose,
) -> Result<Outcome, EngineError> {
    let mut record = RunRecord::new(&run.context, run.job);
    let cancel = Arc::new(CancelToken::default());
    let within = within_memory(&run.job.spec.project.budget, &record.reporter());
    let run = &run.reporting_to(within.guarded(Arc::<CancelToken>::clone(&cancel)));
    run.registry()?;
    let executor = Executor {
        run,
        record: Some(&record),
        purpose,
        reuse,
        lock,
        shared: SharedCache::open(&run.context, run.job),
        hashes: digest_cache(&run.context, HashPolicy::of(reuse)),
    };
    if !ExecGraph::of(&run.job.spec).some_make_data() {
        executor.read_inputs()?;
    }
    let result = run_steps(&executor, until, cancel);
    record.close(&result, || catalog_after(&result, run));
    let mut outcome = result?;
    outcome.run = record.id();
    Ok(outcome)
}

/// Returns what a tracking server is to show of the registry, where the run changed it.
fn catalog_after(result: &Result<Outcome, EngineError>, run: &PipelineRun<'_>) -> Option<Catalog> {
    let outcome = result.as_ref().ok()?;
    let changes = |row: &StageRow| row.stage >= Stage::Register && row.action == StageAction::Ran;
    if !outcome.stages.iter().any(changes) {
        return None;
    }
    match run.registry().and_then(|registry| registry.catalog()) {
        Ok(catalog) => Some(catalog),
        Err(error) => {
            run.context.reporter.warn(format!(
                "the tracking server does not show this change of the registry: {error}"
            ));
            None
        }
    }
}

/// Runs all steps and records their results.
fn run_steps(
    executor: &Executor<'_>,
    until: Stage,
    cancel: Arc<CancelToken>,
) -> Result<Outcome, EngineError> {
    let run = executor.run;
    let Finished {
        rows,
        results,
        failed,
    } = Scheduler::up_to(until, run.job, cancel).run(executor);
    executor.hashes.save();
    let failed = match failed {
        Some(error) => Some(error),
        None => refuse_concerns(run, &results, until).err(),
    };
    if failed.is_none() {
        executor.lock.update(run, &results);
    }
    // What was found before a failure is recorded, too.
    let mut outcome = gather(run, &results, until, rows);
    if let Ok(outcome) = &mut outcome {
        count_look(run, &results, outcome);
    }
    if let Ok(outcome) = &outcome
        && let Some(record) = executor.record
    {
        record.outcome(outcome, run, &results, executor.purpose);
    }
    match failed {
        Some(error) => Err(error),
        None => outcome,
    }
}

/// Refuses concerns under `--strict`; a run up to `register` has refused them there already. Where the gates stop the run, their
/// verdict is reported instead.
fn refuse_concerns(
    run: &PipelineRun<'_>,
    results: &Results,
    until: Stage,
) -> Result<(), EngineError> {
    if until >= Stage::Register {
        return Ok(());
    }
    match results.gate_report()? {
        Some(report) if report.verdict != Verdict::Pass => Ok(()),
        Some(_) | None => concerns::refuse(run, results),
    }
}

pub(super) fn judged(evaluate: &CacheEntry) -> Result<Judged, StageError> {
    let scorecard: Scorecard = read_json(&evaluate.path(SCORECARD))?;
    let out_of_fold = read_json(&evaluate.path(OUT_OF_FOLD_SCORECARD))?;
    Ok(Judged {
        on: scorecard.protocol.part,
        scorecard,
        out_of_fold,
        looks: None,
    })
}

/// Counts that the model was scored on the test part or the holdout. A count that cannot be kept is a warning.
fn count_look(run: &PipelineRun<'_>, results: &Results, outcome: &mut Outcome) {
    let Some(scores) = outcome.scores.as_mut() else {
        return;
    };
    let Some(bundle) = results.bundle_digest() else {
        return;
    };
    if scores.on == Part::OutOfFold {
        return;
    }
    let store = RunStore::open(run.context.resolve(&run.job.spec.tracking.dir));
    let Ok(Some(part)) = part_looked_at(results, &scores.scorecard) else {
        return;
    };
    match store.look(part, scores.scorecard.protocol.data, bundle) {
        Ok(looks) => scores.looks = Some(looks),
        Err(error) => {
            let why = error.in_one_line();
            run.context.reporter.warn(format!(
                "this scoring on the {} is not counted: {why}",
                scores.on
            ));
        }
    }
}

/// Returns the digest of the units that were scored, with their cycles and truths. Unlike the digest of the files, it does not
/// change where the same test part is written differently, with other line ends or compressed.
fn part_looked_at(results: &Results, card: &Scorecard) -> Result<Option<Digest>, StageError> {
    if card.protocol.part != Part::Test {
        return Ok(Some(card.protocol.data));
    }
    let Some(evaluate) = results.stage(Stage::Evaluate) else {
        return Ok(None);
    };
    let predictions: Predictions = read_json(&evaluate.path(PREDICTIONS))?;
    let rows: Vec<_> = predictions
        .iter()
        .map(|row| (&row.unit, row.cycle, row.truth))
        .collect();
    let digest = digest_of(&rows).expect("names and numbers have a JSON form");
    Ok(Some(digest))
}

fn gather(
    run: &PipelineRun<'_>,
    results: &Results,
    until: Stage,
    stages: Vec<StageRow>,
) -> Result<Outcome, EngineError> {
    let in_stage = EngineError::in_stage(until);
    let path = |stage: Stage, name: &str| results.stage(stage).map(|entry| entry.path(name));
    let existing = |path: Option<PathBuf>| path.filter(|path| path.exists());
    let quality = match path(Stage::Validate, REPORT) {
        Some(report) => Some(read_json(&report).map_err(&in_stage)?),
        None => None,
    };
    let ranking = match path(Stage::Features, RANKING) {
        Some(ranking) => Some(read_json(&ranking).map_err(&in_stage)?),
        None => None,
    };
    let scores = match results.stage(Stage::Evaluate) {
        Some(evaluate) => Some(judged(evaluate).map_err(&in_stage)?),
        None => None,
    };
    let mut version = None;
    let mut alias = None;
    if until >= Stage::Gate {
        let registry = run.registry()?;
        if let Some(model) = results.judgeable()? {
            version = registry.version_of(model)?;
        }
        if let (Some(version), Some(champion)) = (&version, registry.champion()?)
            && version.version == champion.version
        {
            alias = Some(registry.alias.to_string());
        }
    }
    Ok(Outcome {
        format: Outcome::FORMAT,
        pipeline: run.job.spec.project.name.clone(),
        file: run.job.label.clone(),
        run: None,
        stages,
        quality,
        ranking,
        scores,
        gates: results.gate_report()?,
        learning_curves: existing(path(Stage::Train, LEARNING_CURVES)),
        bundle: path(Stage::Calibrate, BUNDLE),
        predictions: path(Stage::Evaluate, PREDICTIONS),
        out_of_fold_predictions: existing(path(Stage::Evaluate, OUT_OF_FOLD_PREDICTIONS)),
        version,
        alias,
    })
}
