use std::sync::Arc;
use std::thread;
use std::time::Instant;

use super::budget::within_memory;
use super::decide::Decision;
use super::drift::Drift;
use super::exec::{CancelToken, ExecContext, Planner, Scheduler};
use super::inputs::{HashPolicy, digest_cache};
use super::locking::Lock;
use super::outcome::{Judged, Outcome, PlannedStage, StageAction, StageRow, UNCHANGED};
use super::provision::{missing_fleet, provision};
use super::record::RunRecord;
use super::remote::SharedCache;
use super::work::{Worked, summary_of};
use super::{Context, EngineError, Job, PipelineRun, Reuse};
use crate::cache::CacheEntry;
use crate::config::{ExecGraph, Node, Stage};
use crate::pipeline::calibrate::BUNDLE;
use crate::pipeline::evaluate::{
    OUT_OF_FOLD_PREDICTIONS, OUT_OF_FOLD_SCORECARD, PREDICTIONS, SCORECARD,
};
use crate::pipeline::features::RANKING;
use crate::pipeline::validate::REPORT;
use crate::pipeline::{LEARNING_CURVES, StageError, Summary, read_json};
use pdm_core::content::{Digest, digest_of};
use pdm_core::domain::Predictions;
use pdm_core::events::Event;
use pdm_core::scoring::{Part, Scorecard, Verdict};
use pdm_tracking::tracking::RunStore;

/// Returns what [`bring_up`] would do, and why. Changes nothing.
///
/// # Errors
/// The data, the cache or the registry cannot be read.
pub fn plan(context: &Context, job: &Job, until: Stage) -> Result<Vec<PlannedStage>, EngineError> {
    let (graph, fleet) = (ExecGraph::of(&job.spec), missing_fleet(context, job));
    if let Some(why) = fleet.filter(|_| graph.stages().is_empty()) {
        return Ok(until
            .line_up_to()
            .iter()
            .map(|stage| unseen(*stage, why))
            .collect());
    }
    let mut line = PipelineRun::open_early(context, job)?;
    let cache = line.cache.clone();
    let mut outlook = Planner::new(ExecContext::to_look(context, job, &cache), graph.clone());
    let mut blocked: Option<String> = None;
    let mut planned = Vec::new();
    for node in graph.order(until) {
        let stage = match node {
            Node::Named(stage) => stage,
            Node::Exec(exec) => {
                planned.push(outlook.foresee(exec, &line.entries, |after| barred(&line, after))?);
                continue;
            }
        };
        if stage == Stage::Validate && fleet.is_none() {
            blocked = outlook.learn_files(&mut line)?;
        }
        let row = match fleet {
            Some(why) => unseen(stage, why),
            None => foresee(&mut line, stage, blocked.as_deref())?,
        };
        blocked = blocked.or_else(|| row.runs.then(|| stage.to_string()));
        planned.push(row);
    }
    outlook.save();
    Ok(planned)
}

/// Foresees one named stage; `blocked` is the step that would run before it.
fn foresee(
    line: &mut PipelineRun<'_>,
    stage: Stage,
    blocked: Option<&str>,
) -> Result<PlannedStage, EngineError> {
    // A stage whose key is known does not depend on those that would run before it.
    let (runs, why) = match blocked.filter(|_| line.key(stage).ok().flatten().is_none()) {
        Some(before) => (true, format!("after `{before}`")),
        None => match barred(line, stage)? {
            Some(why) => (false, why),
            None => decided(line, stage)?,
        },
    };
    let key = line.key(stage)?.map(|key| key.digest());
    let last = line
        .entries
        .get(&stage)
        .map(CacheEntry::cost)
        .or_else(|| line.last_cost(stage));
    let (last_elapsed_ms, last_peak_bytes) = (
        last.map(|cost| cost.elapsed_ms),
        last.and_then(|cost| cost.peak_bytes),
    );
    let memory_bytes = line.memory_estimate(stage)?;
    let limit = line
        .job
        .spec
        .project
        .budget
        .memory
        .map(|limit| limit.bytes());
    let over_budget = runs
        && memory_bytes
            .zip(limit)
            .is_some_and(|(needed, limit)| needed > limit);
    Ok(PlannedStage {
        stage: stage.into(),
        runs,
        why,
        key,
        last_elapsed_ms,
        last_peak_bytes,
        memory_bytes,
        over_budget,
    })
}

fn decided(line: &mut PipelineRun<'_>, stage: Stage) -> Result<(bool, String), EngineError> {
    Ok(match line.decide(stage, false)? {
        Decision::Cached(entry) => {
            line.entries.insert(stage, *entry);
            (false, UNCHANGED.to_owned())
        }
        Decision::Skip(why) => (false, why),
        Decision::Run(why) => (true, why),
    })
}

fn barred(line: &PipelineRun<'_>, stage: Stage) -> Result<Option<String>, EngineError> {
    Ok(stopped(line, stage)?.map(|_| "a gate stands in the way".to_owned()))
}

/// A stage of which nothing can be known yet.
fn unseen(stage: Stage, why: &str) -> PlannedStage {
    let why = if stage == Stage::Validate {
        why.to_owned()
    } else {
        format!("after `{}`", Stage::Validate)
    };
    PlannedStage {
        stage: stage.into(),
        runs: true,
        why,
        key: None,
        last_elapsed_ms: None,
        last_peak_bytes: None,
        memory_bytes: None,
        over_budget: false,
    }
}

/// Brings a pipeline up to a stage: runs what is missing, in order, and stops where a gate says no.
///
/// # Errors
/// A stage failed, a storeroom could not be used, or a signal came; everything finished before stays.
pub fn bring_up(
    context: &Context,
    job: &Job,
    until: Stage,
    reuse: Reuse,
) -> Result<Outcome, EngineError> {
    bring_up_for(context, job, until, reuse, &RunPurpose::Wish)
}

/// Brings a pipeline up to a registered version, whatever its gates say of it: the way to a model that cannot be compared, which a
/// person may then promote.
///
/// # Errors
/// As [`bring_up`].
pub fn register_refused(
    context: &Context,
    job: &Job,
    reuse: Reuse,
) -> Result<Outcome, EngineError> {
    bring_up_for(context, job, Stage::Register, reuse, &RunPurpose::Register)
}

/// Why a pipeline is brought up.
pub(super) enum RunPurpose {
    /// Somebody asked for it.
    Wish,
    /// Somebody asked to register the model even where gates refuse it.
    Register,
    /// The night job found this reason. It registers models that gates refuse, too, so that the log tells of them.
    Night {
        /// The reason, for the log.
        reason: String,
        /// What was found of drift, where it was looked for.
        drift: Option<Drift>,
    },
}

/// Brings a pipeline up to a stage, for a purpose.
pub(super) fn bring_up_for(
    context: &Context,
    job: &Job,
    until: Stage,
    reuse: Reuse,
    purpose: &RunPurpose,
) -> Result<Outcome, EngineError> {
    let mut record = RunRecord::new(context, job);
    let abandon = Arc::new(CancelToken::default());
    let reporter =
        within_memory(&job.spec.project.budget, &record.reporter())
            .guarded(Arc::<CancelToken>::clone(&abandon));
    let context = Context {
        reporter,
        ..context.clone()
    };
    let _turn = context.lock_project()?;
    let lock = Lock::open(job, reuse.lock)?;
    provision(&context, job)?;
    let graph = ExecGraph::of(&job.spec);
    let mut line = PipelineRun::open_early(&context, job)?;
    line.keeps_refused = !matches!(purpose, RunPurpose::Wish);
    if let RunPurpose::Night { reason, drift } = purpose {
        (line.night, line.drift) = (Some(reason.clone()), drift.clone());
    }
    (line.lock, line.remote) = (Arc::new(lock), Arc::new(SharedCache::open(&context, job)));
    if !graph.some_make_data() {
        line.meet_data(reuse)?;
    }
    let board = Scheduler::new(
        graph.clone(),
        graph.needed_for(until),
        abandon,
        context.reporter.clone(),
    );
    let result = walk(&mut line, until, reuse, &record, &board);
    let changed = |outcome: &Outcome| {
        outcome
            .stages
            .iter()
            .any(|row| row.stage >= Stage::Register && row.action == StageAction::Ran)
    };
    record.close(&result, || {
        result.as_ref().ok().filter(|outcome| changed(outcome))?;
        let warn = |error| {
            context
                .reporter
                .warn(format!("the tracking server was not told: {error}"))
        };
        line.storeroom.catalog().map_err(warn).ok()
    });
    let mut outcome = result?;
    outcome.run = record.id();
    Ok(outcome)
}

/// Walks the line, with the `exec` stages beside it.
fn walk(
    line: &mut PipelineRun<'_>,
    until: Stage,
    reuse: Reuse,
    record: &RunRecord<'_>,
    board: &Scheduler<'_>,
) -> Result<Outcome, EngineError> {
    let (mut rows, cache) = (Vec::new(), line.cache.clone());
    let bench = ExecContext {
        context: line.context,
        job: line.job,
        cache: &cache,
        record: Some(record),
        force: !reuse.cached,
        memory: digest_cache(line.context, HashPolicy::of(reuse)),
        lock: Arc::clone(&line.lock),
        remote: Arc::clone(&line.remote),
    };
    let walked = thread::scope(|scope| {
        board.open(scope, &bench);
        let walked =
            along(line, until, reuse, record, board, &mut rows).and_then(|()| board.finish());
        board.close();
        walked
    });
    bench.memory.save();
    let (walked, left) = (board.settle(walked), board.entries());
    if walked.is_ok() {
        line.write_lock(bench.locked(&left));
    }
    // What was found before a failure is worth a record, too.
    let mut outcome = gather(line, until, board.rows(until, rows));
    if let Ok(outcome) = &mut outcome {
        count_look(line, outcome);
    }
    if let Ok(outcome) = &outcome {
        record.outcome(outcome, line);
        left.iter().for_each(|(_, entry)| record.left(entry));
    }
    walked.and(outcome)
}

/// Brings the named stages about, one after the other, each once what it waits for is there.
fn along(
    line: &mut PipelineRun<'_>,
    until: Stage,
    reuse: Reuse,
    record: &RunRecord<'_>,
    board: &Scheduler<'_>,
    rows: &mut Vec<StageRow>,
) -> Result<(), EngineError> {
    for stage in until.line_up_to() {
        board.begin(*stage)?;
        if line.files.is_empty() {
            line.meet_data(reuse)?;
        }
        let row = match stopped(line, *stage)? {
            Some(why) => {
                board.stopped(*stage, &why);
                StageRow::stopped((*stage).into(), why)
            }
            None => {
                if *stage == Stage::Register {
                    line.refuse_concerns()?;
                }
                let row = step(line, *stage, reuse, record)?;
                board.done(*stage, line.entries.get(stage).cloned());
                row
            }
        };
        rows.push(row);
    }
    // Behind a verdict of the gates that stops the line there is nothing left to refuse.
    let is_refused =
        line.entries.contains_key(&Stage::Gate) && line.gate_report()?.verdict != Verdict::Pass;
    if until < Stage::Register && !is_refused {
        line.refuse_concerns()?;
    }
    Ok(())
}

/// Nothing is promoted past a gate, and nothing is registered past one unless that was asked for.
fn stopped(line: &PipelineRun<'_>, stage: Stage) -> Result<Option<String>, EngineError> {
    let kept = stage == Stage::Register && line.keeps_refused;
    if kept || stage <= Stage::Gate || !line.entries.contains_key(&Stage::Gate) {
        return Ok(None);
    }
    Ok(match line.gate_report()?.verdict {
        Verdict::Pass => None,
        Verdict::Fail => Some("a gate said no".to_owned()),
        Verdict::Undecided => Some("a gate is undecided".to_owned()),
    })
}

fn step(
    line: &mut PipelineRun<'_>,
    stage: Stage,
    reuse: Reuse,
    record: &RunRecord<'_>,
) -> Result<StageRow, EngineError> {
    line.agree_on_key(stage)?;
    let fetched = line.fetch(stage, reuse)?;
    let (action, why, summary, elapsed_ms) = match line.decide(stage, !reuse.cached)? {
        Decision::Skip(why) => (StageAction::Skipped, why, Summary::default(), 0),
        Decision::Cached(entry) => {
            let (why, summary) = (
                fetched.unwrap_or_else(|| UNCHANGED.to_owned()),
                summary_of(&entry),
            );
            line.remember(entry.key())?;
            line.entries.insert(stage, *entry);
            (StageAction::Cached, why, summary, 0)
        }
        Decision::Run(why) => {
            record.begin();
            record.inputs(&line.files);
            match timed(line, stage, reuse, &why, record)? {
                (Worked::Here(summary), elapsed_ms) => (StageAction::Ran, why, summary, elapsed_ms),
                (Worked::Elsewhere(summary), _) => (
                    StageAction::Cached,
                    "another process finished it".to_owned(),
                    summary,
                    0,
                ),
            }
        }
    };
    line.agree_on_result(stage)?;
    if action != StageAction::Ran {
        record.reporter().emit(Event::StageCached {
            stage: stage.name().to_owned(),
            why: why.clone(),
        });
    }
    Ok(StageRow {
        stage: stage.into(),
        action,
        why,
        summary,
        elapsed_ms,
    })
}

fn timed(
    line: &mut PipelineRun<'_>,
    stage: Stage,
    reuse: Reuse,
    why: &str,
    record: &RunRecord<'_>,
) -> Result<(Worked, u64), EngineError> {
    let (reporter, started) = (record.reporter(), Instant::now());
    reporter.emit(Event::StageStarted {
        stage: stage.name().to_owned(),
        why: why.to_owned(),
    });
    let worked = line.work(stage, reuse, &record.id().unwrap_or_default())?;
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (Worked::Here(summary) | Worked::Elsewhere(summary)) = &worked;
    let text = summary.text.clone();
    reporter.emit(Event::StageFinished {
        stage: stage.name().to_owned(),
        summary: text,
        elapsed_ms,
    });
    Ok((worked, elapsed_ms))
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
fn count_look(line: &PipelineRun<'_>, outcome: &mut Outcome) {
    let Some(scores) = outcome.scores.as_mut() else {
        return;
    };
    let Some(bundle) = line.bundle_digest() else {
        return;
    };
    if scores.on == Part::OutOfFold {
        return;
    }
    let store = RunStore::open(line.context.resolve(&line.job.spec.tracking.dir));
    let Ok(part) = part_looked_at(line, &scores.scorecard) else {
        return;
    };
    match store.look(part, scores.scorecard.protocol.data, bundle) {
        Ok(looks) => scores.looks = Some(looks),
        Err(error) => {
            let why = error.in_one_line();
            line.context.reporter.warn(format!(
                "this look at the {} is not counted: {why}",
                scores.on
            ));
        }
    }
}

/// Returns the digest of the units that were scored, with their cycles and truths: it stays where the same test part is written
/// otherwise, with other line ends or packed, which the digest of its files does not.
fn part_looked_at(line: &PipelineRun<'_>, card: &Scorecard) -> Result<Digest, StageError> {
    if card.protocol.part != Part::Test {
        return Ok(card.protocol.data);
    }
    let predictions: Predictions = read_json(&line.entry(Stage::Evaluate).path(PREDICTIONS))?;
    let rows: Vec<_> = predictions
        .iter()
        .map(|row| (&row.unit, row.cycle, row.truth))
        .collect();
    Ok(digest_of(&rows).expect("names and numbers have a JSON form"))
}

fn gather(
    line: &PipelineRun<'_>,
    until: Stage,
    stages: Vec<StageRow>,
) -> Result<Outcome, EngineError> {
    let read = |stage: Stage, name: &str| line.entries.get(&stage).map(|entry| entry.path(name));
    let in_stage = EngineError::in_stage(until);
    let quality = read(Stage::Validate, REPORT)
        .map(|path| read_json(&path))
        .transpose()
        .map_err(&in_stage)?;
    let ranking = read(Stage::Features, RANKING)
        .map(|path| read_json(&path))
        .transpose()
        .map_err(&in_stage)?;
    let gates = line
        .entries
        .contains_key(&Stage::Gate)
        .then(|| line.gate_report())
        .transpose()?;
    let version = match line.model()? {
        Some(model) if until >= Stage::Gate => line.storeroom.version_of(model)?,
        _ => None,
    };
    let champion = if until >= Stage::Gate {
        line.storeroom.champion()?
    } else {
        None
    };
    let holds = version
        .as_ref()
        .zip(champion)
        .is_some_and(|(version, champion)| version.version == champion.version);
    Ok(Outcome {
        format: Outcome::FORMAT,
        pipeline: line.job.spec.project.name.clone(),
        file: line.job.label.clone(),
        run: None,
        stages,
        quality,
        ranking,
        scores: line
            .entries
            .get(&Stage::Evaluate)
            .map(judged)
            .transpose()
            .map_err(&in_stage)?,
        gates,
        learning_curves: read(Stage::Train, LEARNING_CURVES).filter(|path| path.exists()),
        bundle: read(Stage::Calibrate, BUNDLE),
        predictions: read(Stage::Evaluate, PREDICTIONS),
        out_of_fold_predictions: read(Stage::Evaluate, OUT_OF_FOLD_PREDICTIONS)
            .filter(|path| path.exists()),
        alias: holds.then(|| line.storeroom.alias.to_string()),
        version,
    })
}
