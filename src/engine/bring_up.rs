use std::time::Instant;

use super::decide::Decision;
use super::locking::Lock;
use super::outcome::{Action, Judged, Outcome, PlannedStage, StageRow};
use super::provision::{missing_fleet, provision};
use super::record::Record;
use super::remote::Remote;
use super::work::{Worked, summary_of};
use super::{Context, EngineError, Job, Line, Reuse};
use crate::events::Event;
use crate::pipeline::Stage;
use crate::pipeline::cache::Entry;
use crate::pipeline::stages::calibrate::BUNDLE;
use crate::pipeline::stages::evaluate::{OUT_OF_FOLD_SCORECARD, PREDICTIONS, SCORECARD};
use crate::pipeline::stages::features::RANKING;
use crate::pipeline::stages::validate::REPORT;
use crate::pipeline::stages::{LEARNING_CURVES, StageError, Summary, read_json};
use crate::scoring::{Scorecard, Verdict};

/// Returns what [`bring_up`] would do, and why. Changes nothing.
///
/// # Errors
/// The data, the cache or the registry cannot be read.
pub fn plan(context: &Context, job: &Job, until: Stage) -> Result<Vec<PlannedStage>, EngineError> {
    if let Some(why) = missing_fleet(context, job) {
        return Ok(until.line_up_to().iter().map(|stage| unseen(*stage, why)).collect());
    }
    let mut line = Line::open(context, job)?;
    let mut blocked: Option<Stage> = None;
    let mut planned = Vec::new();
    for stage in until.line_up_to() {
        // A stage whose key is known does not depend on those that would run before it.
        let (runs, why) = match blocked.filter(|_| line.key(*stage).ok().flatten().is_none()) {
            Some(before) => (true, format!("after `{before}`")),
            None if stopped(&line, *stage)?.is_some() => (false, "a gate stands in the way".to_owned()),
            None => match line.decide(*stage, false)? {
                Decision::Cached(entry) => {
                    line.entries.insert(*stage, *entry);
                    (false, "inputs and options are unchanged".to_owned())
                }
                Decision::Skip(why) => (false, why),
                Decision::Run(why) => (true, why),
            },
        };
        let key = line.key(*stage)?.map(|key| key.digest());
        let last = line.entries.get(stage).map(Entry::cost).or_else(|| line.last_cost(*stage));
        let memory_bytes = if *stage == Stage::Train { line.memory_estimate()? } else { None };
        let (last_elapsed_ms, last_peak_bytes) =
            (last.map(|cost| cost.elapsed_ms), last.and_then(|cost| cost.peak_bytes));
        planned.push(PlannedStage { stage: *stage, runs, why, key, last_elapsed_ms, last_peak_bytes, memory_bytes });
        blocked = blocked.or(runs.then_some(*stage));
    }
    Ok(planned)
}

/// A stage of which nothing can be known yet.
fn unseen(stage: Stage, why: &str) -> PlannedStage {
    let why = if stage == Stage::Validate { why.to_owned() } else { format!("after `{}`", Stage::Validate) };
    PlannedStage { stage, runs: true, why, key: None, last_elapsed_ms: None, last_peak_bytes: None, memory_bytes: None }
}

/// Brings a pipeline up to a stage: runs what is missing, in order, and stops where a gate says no.
///
/// # Errors
/// A stage failed, a storeroom could not be used, or a signal came; everything finished before stays.
pub fn bring_up(context: &Context, job: &Job, until: Stage, reuse: Reuse) -> Result<Outcome, EngineError> {
    bring_up_for(context, job, until, reuse, None)
}

/// Brings a pipeline up to a stage, for the night job where there is a reason of its own.
pub(super) fn bring_up_for(
    context: &Context,
    job: &Job,
    until: Stage,
    reuse: Reuse,
    night: Option<String>,
) -> Result<Outcome, EngineError> {
    let mut record = Record::new(context, job);
    let context = Context { reporter: record.reporter(), ..context.clone() };
    let _turn = context.turn()?;
    let lock = Lock::open(job, reuse.lock)?;
    provision(&context, job)?;
    let mut line = Line::open(&context, job)?;
    line.night = night;
    (line.lock, line.remote) = (lock, Remote::open(&context, job));
    line.look_closely(reuse)?;
    line.agree_on_inputs()?;
    let result = walk(&mut line, until, reuse, &mut record);
    let changed =
        |outcome: &Outcome| outcome.stages.iter().any(|row| row.stage >= Stage::Register && row.action == Action::Ran);
    record.close(&result, || {
        result.as_ref().ok().filter(|outcome| changed(outcome)).and_then(|_| line.storeroom.catalog().ok())
    });
    let mut outcome = result?;
    outcome.run = record.id();
    Ok(outcome)
}

fn walk(line: &mut Line<'_>, until: Stage, reuse: Reuse, record: &mut Record<'_>) -> Result<Outcome, EngineError> {
    let mut rows = Vec::new();
    let mut walk = || -> Result<(), EngineError> {
        for stage in until.line_up_to() {
            let row = match stopped(line, *stage)? {
                Some(why) => not_reached(*stage, why),
                None => step(line, *stage, reuse, record)?,
            };
            rows.push(row);
        }
        Ok(())
    };
    let walked = walk();
    if walked.is_ok() {
        line.write_lock();
    }
    // What was found before a failure is worth a record, too.
    let outcome = gather(line, until, rows);
    if let Ok(outcome) = &outcome {
        record.outcome(outcome, line);
    }
    walked.and(outcome)
}

fn not_reached(stage: Stage, why: String) -> StageRow {
    StageRow { stage, action: Action::Stopped, why, summary: Summary::default(), elapsed_ms: 0 }
}

/// Nothing is promoted past a gate, and nothing is registered past one but by the night job.
fn stopped(line: &Line<'_>, stage: Stage) -> Result<Option<String>, EngineError> {
    let kept = stage == Stage::Register && line.night.is_some();
    if kept || stage <= Stage::Gate || !line.entries.contains_key(&Stage::Gate) {
        return Ok(None);
    }
    Ok(match line.gate_report()?.verdict {
        Verdict::Pass => None,
        Verdict::Fail => Some("a gate said no".to_owned()),
        Verdict::Undecided => Some("a gate is undecided".to_owned()),
    })
}

fn step(line: &mut Line<'_>, stage: Stage, reuse: Reuse, record: &mut Record<'_>) -> Result<StageRow, EngineError> {
    line.agree_on_key(stage)?;
    let fetched = line.fetch(stage, reuse)?;
    let (action, why, summary, elapsed_ms) = match line.decide(stage, !reuse.cached)? {
        Decision::Skip(why) => (Action::Skipped, why, Summary::default(), 0),
        Decision::Cached(entry) => {
            let unchanged = || "inputs and options are unchanged".to_owned();
            let (why, summary) = (fetched.unwrap_or_else(unchanged), summary_of(&entry));
            line.remember(entry.key())?;
            line.entries.insert(stage, *entry);
            (Action::Cached, why, summary, 0)
        }
        Decision::Run(why) => {
            if record.begin() {
                record.inputs(&line.files);
            }
            match timed(line, stage, reuse, &why, record)? {
                (Worked::Here(summary), elapsed_ms) => (Action::Ran, why, summary, elapsed_ms),
                (Worked::Elsewhere(summary), _) => {
                    (Action::Cached, "another process finished it".to_owned(), summary, 0)
                }
            }
        }
    };
    line.agree_on_result(stage)?;
    if action != Action::Ran {
        record.reporter().emit(Event::StageCached { stage: stage.name().to_owned(), why: why.clone() });
    }
    Ok(StageRow { stage, action, why, summary, elapsed_ms })
}

fn timed(
    line: &mut Line<'_>,
    stage: Stage,
    reuse: Reuse,
    why: &str,
    record: &Record<'_>,
) -> Result<(Worked, u64), EngineError> {
    let (reporter, started) = (record.reporter(), Instant::now());
    reporter.emit(Event::StageStarted { stage: stage.name().to_owned(), why: why.to_owned() });
    let worked = line.work(stage, reuse, &record.id().unwrap_or_default())?;
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let (Worked::Here(summary) | Worked::Elsewhere(summary)) = &worked;
    let text = summary.text.clone();
    reporter.emit(Event::StageFinished { stage: stage.name().to_owned(), summary: text, elapsed_ms });
    Ok((worked, elapsed_ms))
}

fn judged(evaluate: &Entry) -> Result<Judged, StageError> {
    let scorecard: Scorecard = read_json(&evaluate.path(SCORECARD))?;
    let out_of_fold = read_json(&evaluate.path(OUT_OF_FOLD_SCORECARD))?;
    Ok(Judged { on: scorecard.protocol.part, scorecard, out_of_fold })
}

fn gather(line: &Line<'_>, until: Stage, stages: Vec<StageRow>) -> Result<Outcome, EngineError> {
    let read = |stage: Stage, name: &str| line.entries.get(&stage).map(|entry| entry.path(name));
    let in_stage = EngineError::in_stage(until);
    let quality = read(Stage::Validate, REPORT).map(|path| read_json(&path)).transpose().map_err(&in_stage)?;
    let ranking = read(Stage::Features, RANKING).map(|path| read_json(&path)).transpose().map_err(&in_stage)?;
    let gates = line.entries.contains_key(&Stage::Gate).then(|| line.gate_report()).transpose()?;
    let version = match line.model()? {
        Some(model) if until >= Stage::Gate => line.storeroom.version_of(model)?,
        _ => None,
    };
    let champion = if until >= Stage::Gate { line.storeroom.champion()? } else { None };
    let holds = version.as_ref().zip(champion).is_some_and(|(version, champion)| version.version == champion.version);
    Ok(Outcome {
        pipeline: line.job.spec.project.name.clone(),
        file: line.job.label.clone(),
        run: None,
        stages,
        quality,
        ranking,
        scores: line.entries.get(&Stage::Evaluate).map(judged).transpose().map_err(&in_stage)?,
        gates,
        learning_curves: read(Stage::Train, LEARNING_CURVES).filter(|path| path.exists()),
        bundle: read(Stage::Calibrate, BUNDLE),
        predictions: read(Stage::Evaluate, PREDICTIONS),
        alias: holds.then(|| line.storeroom.alias.to_string()),
        version,
    })
}
