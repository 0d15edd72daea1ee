//! One retraining: look whether a new model is due, make it, and say in the log what came of it.

use std::time::Instant;

use super::super::bring_up::{RunPurpose, bring_up_opened};
use super::super::locking::{Lock, LockMode};
use super::super::outcome::{Outcome, StageAction};
use super::super::pipeline_run::PipelineRun;
use super::super::provide::provide_data;
use super::super::provision::provision;
use super::super::registry_view::RegistryView;
use super::super::{Context, EngineError, Job, Reuse};
use super::conditions::{ConditionFindings, look};
use super::memory::{note, reason};
use super::news::News;
use super::recipe::recipe;
use super::{Memory, NightResult, Retrained};
use crate::config::{Condition, Stage};
use crate::pipeline::StageError;
use pdm_core::content::Digest;
use pdm_core::scoring::Verdict;
use pdm_models::data::Severity;
use pdm_store::registry::{HistoryRow, ModelRef, RegistryError};

/// Makes a new model where one of the conditions holds, judges it against the champion, and promotes it where its gates pass.
///
/// A model that gates refuse is registered as well, with a note that says why it was not promoted: the log explains every
/// decision. What the log says was judged already, with these data and options against this champion, is not made again.
///
/// # Errors
/// The data are not valid, which the champion gets a note of; a stage failed, a storeroom could not be used, or a signal came.
/// Everything finished before stays, and the same call goes on from there.
pub fn retrain(context: &Context, job: &Job, when: &[Condition]) -> Result<Retrained, EngineError> {
    let started = Instant::now();
    // Before anything is made or the log is read: of two nights at once the second finds what the first has done.
    let _project = context.lock_project()?;
    provision(context, job)?;
    provide_data(context, job)?;
    let run = PipelineRun::open(context, job)?;
    let retraining = RetrainRun::begin(&run)?;
    let done = retraining.work(when);
    if let Err(error) = &done {
        retraining.note_unusable_data(error);
    }
    let mut retrained = done?;
    retrained.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(retrained)
}

struct RetrainRun<'a> {
    run: &'a PipelineRun<'a>,
    registry: &'a RegistryView,
    memory: Memory,
    recipe: Digest,
}

impl<'a> RetrainRun<'a> {
    fn begin(run: &'a PipelineRun<'a>) -> Result<Self, EngineError> {
        let registry = run.registry()?;
        let memory = Memory::read(registry)?;
        if let (Some(now), Some(last)) = (run.context.now, memory.last_entry())
            && now < last
        {
            return Err(EngineError::Clock { now, last });
        }
        Ok(Self {
            run,
            registry,
            memory,
            recipe: recipe(run.job, run.data()?),
        })
    }

    fn work(&self, when: &[Condition]) -> Result<Retrained, EngineError> {
        if let Some(row) = self.memory.decided(self.recipe) {
            return Ok(self.nothing(judged_before(row), ConditionFindings::default()));
        }
        let news = self.news()?;
        let found = look(self.run, &self.memory, &news, when)?;
        let Some(why) = found.reasons() else {
            let why = format!("no reason for a new model: {}", found.excuses());
            return Ok(self.nothing(why, found));
        };
        let purpose = RunPurpose::Retrain {
            reason: format!("{} {why}", reason(self.recipe)),
            drift: found.drift.clone(),
        };
        let lock = Lock::open(self.run.job, LockMode::default())?;
        let reuse = Reuse::default();
        let outcome = bring_up_opened(self.run, Stage::Promote, reuse, lock, &purpose)?;
        self.conclude(&outcome, &why, found)
    }

    /// Compares the data with what the version judged last learnt from; the first model has nothing to be compared with.
    fn news(&self) -> Result<News, EngineError> {
        if self.memory.champion().is_none() {
            return Ok(News::Unknown);
        }
        let news = News::read(self.run, &self.memory)?;
        let options = self.run.job.spec.retrain.clone().unwrap_or_default();
        news.refuse_losses(options.lost_data)?;
        Ok(news)
    }

    /// Says what came of it, in the log too where the alias did not move.
    fn conclude(
        &self,
        outcome: &Outcome,
        because: &str,
        found: ConditionFindings,
    ) -> Result<Retrained, EngineError> {
        let (result, why) = result_of(outcome);
        let version = outcome.version.as_ref().map(|version| version.version);
        let before = self.number();
        if let Some(version) = version.filter(|_| result != NightResult::Promoted) {
            // Against whom: the champion of when it was judged.
            let champion = self.registry.champion()?.map(|champion| champion.version);
            self.say(
                version,
                &note(self.recipe, champion),
                &format!("{}: {why}; because {because}", result.name()),
            )?;
        }
        let scores = outcome.scores.as_ref().map(|scores| &scores.scorecard);
        Ok(Retrained {
            result,
            why,
            conditions: found.rows,
            drift: found.drift,
            champion_before: before,
            champion: self.registry.champion()?.map(|champion| champion.version),
            version,
            judged_on: scores.map(|card| card.protocol.part),
            units: scores.map(|card| card.units),
            scores: scores.map(|card| card.scores.clone()).unwrap_or_default(),
            gates: outcome.gates.clone(),
            run: outcome.run.clone(),
            ..self.blank()
        })
    }

    fn nothing(&self, why: String, found: ConditionFindings) -> Retrained {
        Retrained {
            why,
            conditions: found.rows,
            drift: found.drift,
            ..self.blank()
        }
    }

    fn blank(&self) -> Retrained {
        let job = self.run.job;
        Retrained {
            time: self.run.context.stamp().time,
            pipeline: job.spec.project.name.clone(),
            file: job.label.clone(),
            model: self.registry.model.clone(),
            alias: self.registry.alias.clone(),
            result: NightResult::Nothing,
            why: String::new(),
            conditions: Vec::new(),
            drift: None,
            recipe: self.recipe.short(),
            champion_before: self.number(),
            champion: self.number(),
            version: None,
            judged_on: None,
            units: None,
            scores: Vec::new(),
            gates: None,
            run: None,
            elapsed_ms: 0,
        }
    }

    fn number(&self) -> Option<u32> {
        self.memory.champion().map(|champion| champion.version)
    }

    /// Keeps a note about a version, unless one that begins alike is there.
    fn say(&self, version: u32, beginning: &str, text: &str) -> Result<(), RegistryError> {
        if self.memory.was_said(version, beginning) {
            return Ok(());
        }
        let reference = ModelRef::version(self.registry.model.clone(), version);
        let stamp = self.run.context.stamp();
        self.registry
            .registry
            .annotate(&reference, &format!("{beginning} {text}"), &stamp)
            .map(drop)
    }

    /// Tells the log why the champion stays on a night whose data cannot be used. The data are the news, so trouble here is a
    /// warning.
    fn note_unusable_data(&self, error: &EngineError) {
        let (Some(text), Some(champion)) = (unusable_data(error), self.number()) else {
            return;
        };
        let beginning = format!("retrain {}: not retrained,", self.recipe.short());
        if let Err(error) = self.say(champion, &beginning, &text) {
            self.run.context.reporter.warn(format!(
                "the registry's log does not tell of this night: {error}"
            ));
        }
    }
}

fn judged_before(row: &HistoryRow) -> String {
    format!(
        "v{} was made of the same data and options, so it would be the same again; the log says: {}",
        row.version, row.reason
    )
}

fn result_of(outcome: &Outcome) -> (NightResult, String) {
    let gates = outcome.gates.as_ref();
    let verdict = gates.map_or(Verdict::Pass, |gates| gates.verdict);
    let reasons = gates
        .map(|gates| gates.reasons(verdict))
        .filter(|reasons| !reasons.is_empty());
    let reasons = reasons.unwrap_or_else(|| "there are no gates".to_owned());
    let promote = outcome
        .stages
        .iter()
        .find(|row| row.stage == Stage::Promote);
    match (verdict, promote) {
        (Verdict::Fail, _) => (NightResult::Refused, reasons),
        (Verdict::Undecided, _) => (NightResult::Undecided, reasons),
        (Verdict::Pass, Some(row)) if row.action == StageAction::Ran && outcome.alias.is_some() => {
            (NightResult::Promoted, reasons)
        }
        (Verdict::Pass, row) => (
            NightResult::Kept,
            row.map(|row| row.why.clone()).unwrap_or_default(),
        ),
    }
}

/// Returns why data cannot be used, where that is what an error says.
fn unusable_data(error: &EngineError) -> Option<String> {
    if let EngineError::DataLost { .. } = error {
        return Some(error.to_string());
    }
    let EngineError::Stage { source, .. } = error else {
        return None;
    };
    let StageError::Invalid(report) = source.as_ref() else {
        return None;
    };
    let first = report
        .findings
        .iter()
        .find(|finding| finding.severity == Severity::Error);
    let first = first
        .map(|finding| format!(", the first {finding}"))
        .unwrap_or_default();
    Some(format!(
        "the data did not meet their expectations: {} errors{first}",
        report.counts.errors
    ))
}
