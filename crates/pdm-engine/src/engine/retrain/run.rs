//! One retraining: checks whether a new model is due, makes it, and writes the result to the registry's log.

use std::time::Instant;

use super::super::bring_up::{RunPurpose, bring_up_opened};
use super::super::locking::{Lock, LockMode};
use super::super::outcome::{Outcome, StageAction};
use super::super::pipeline_run::PipelineRun;
use super::super::provide::provide_data;
use super::super::provision::provision;
use super::super::registry_view::RegistryView;
use super::super::{Context, EngineError, Job, Reuse};
use super::conditions::{self, ConditionFindings};
use super::data_changes::DataChanges;
use super::recipe::recipe;
use super::registry_history::{note, reason};
use super::{RegistryHistory, RetrainResult, Retrained};
use crate::config::{Condition, Stage};
use crate::pipeline::StageError;
use pdm_core::content::Digest;
use pdm_core::scoring::Verdict;
use pdm_models::data::Severity;
use pdm_store::registry::{HistoryRow, ModelRef, RegistryError};

/// Makes a new model where one of the conditions holds, judges it against the champion, and promotes it where its gates pass.
///
/// A model that gates refuse is registered as well, with a note that says why it was not promoted, so that the log explains
/// every decision. A model that was judged already, from these data and options against this champion, is not made again.
///
/// # Errors
/// The data are not valid, which is noted on the champion; a stage failed, the cache or the registry could not be used, or a
/// signal came. Everything finished before is kept, and the next call continues from there.
pub fn retrain(context: &Context, job: &Job, when: &[Condition]) -> Result<Retrained, EngineError> {
    let started = Instant::now();
    // Before the log is read: of two calls at the same time, the second sees what the first has done.
    let _project = context.lock_project()?;
    provision(context, job)?;
    provide_data(context, job)?;
    let run = PipelineRun::open(context, job)?;
    let retraining = RetrainRun::begin(&run)?;
    let result = retraining.run(when);
    if let Err(error) = &result {
        retraining.note_unusable_data(error);
    }
    let mut retrained = result?;
    retrained.elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(retrained)
}

struct RetrainRun<'a> {
    run: &'a PipelineRun<'a>,
    registry: &'a RegistryView,
    history: RegistryHistory,
    recipe: Digest,
}

impl<'a> RetrainRun<'a> {
    fn begin(run: &'a PipelineRun<'a>) -> Result<Self, EngineError> {
        let registry = run.registry()?;
        let history = RegistryHistory::read(registry)?;
        if let (Some(now), Some(last)) = (run.context.now, history.last_entry())
            && now < last
        {
            return Err(EngineError::Clock { now, last });
        }
        Ok(Self {
            run,
            registry,
            history,
            recipe: recipe(run.job, run.data()?),
        })
    }

    fn run(&self, when: &[Condition]) -> Result<Retrained, EngineError> {
        if let Some(row) = self.history.decided(self.recipe) {
            return Ok(self.nothing(judged_before(row), ConditionFindings::default()));
        }
        let data = self.data_changes()?;
        let found = conditions::check(self.run, &self.history, &data, when)?;
        let Some(why) = found.reasons() else {
            let why = format!("no reason for a new model: {}", found.text());
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

    /// Compares the data with what the version judged last learnt from; the first model is not compared.
    fn data_changes(&self) -> Result<DataChanges, EngineError> {
        if self.history.champion().is_none() {
            return Ok(DataChanges::Unknown);
        }
        let changes = DataChanges::read(self.run, &self.history)?;
        let options = self.run.job.spec.retrain.clone().unwrap_or_default();
        changes.refuse_losses(options.lost_data)?;
        Ok(changes)
    }

    /// Returns the result, and writes it to the log where the alias did not move.
    fn conclude(
        &self,
        outcome: &Outcome,
        because: &str,
        found: ConditionFindings,
    ) -> Result<Retrained, EngineError> {
        let (result, why) = result_of(outcome);
        let version = outcome.version.as_ref().map(|version| version.version);
        let before = self.champion_number();
        if let Some(version) = version
            && result != RetrainResult::Promoted
        {
            // The champion that it was judged against.
            let champion = self.registry.champion()?.map(|champion| champion.version);
            self.add_note(
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
            ..self.empty()
        })
    }

    fn nothing(&self, why: String, found: ConditionFindings) -> Retrained {
        Retrained {
            why,
            conditions: found.rows,
            drift: found.drift,
            ..self.empty()
        }
    }

    fn empty(&self) -> Retrained {
        let job = self.run.job;
        Retrained {
            time: self.run.context.stamp().time,
            pipeline: job.spec.project.name.clone(),
            file: job.label.clone(),
            model: self.registry.model.clone(),
            alias: self.registry.alias.clone(),
            result: RetrainResult::Nothing,
            why: String::new(),
            conditions: Vec::new(),
            drift: None,
            recipe: self.recipe.short(),
            champion_before: self.champion_number(),
            champion: self.champion_number(),
            version: None,
            judged_on: None,
            units: None,
            scores: Vec::new(),
            gates: None,
            run: None,
            elapsed_ms: 0,
        }
    }

    fn champion_number(&self) -> Option<u32> {
        self.history.champion().map(|champion| champion.version)
    }

    /// Adds a note to a version, unless it has one with the same beginning.
    fn add_note(&self, version: u32, beginning: &str, text: &str) -> Result<(), RegistryError> {
        if self.history.has_note(version, beginning) {
            return Ok(());
        }
        let reference = ModelRef::version(self.registry.model.clone(), version);
        let stamp = self.run.context.stamp();
        self.registry
            .registry
            .annotate(&reference, &format!("{beginning} {text}"), &stamp)?;
        Ok(())
    }

    /// Notes on the champion that the data cannot be used. A failure here is only a warning: the data are the error to report.
    fn note_unusable_data(&self, error: &EngineError) {
        let (Some(text), Some(champion)) = (unusable_data(error), self.champion_number()) else {
            return;
        };
        let beginning = format!("retrain {}: not retrained,", self.recipe.short());
        if let Err(error) = self.add_note(champion, &beginning, &text) {
            self.run.context.reporter.warn(format!(
                "the registry's log has no note of this retraining: {error}"
            ));
        }
    }
}

fn judged_before(row: &HistoryRow) -> String {
    format!(
        "v{} was made from the same data and options; the log says: {}",
        row.version, row.reason
    )
}

fn result_of(outcome: &Outcome) -> (RetrainResult, String) {
    let mut verdict = Verdict::Pass;
    let mut reasons = String::new();
    if let Some(gates) = &outcome.gates {
        verdict = gates.verdict;
        reasons = gates.reasons(verdict);
    }
    if reasons.is_empty() {
        reasons.push_str("there are no gates");
    }
    let promote = outcome
        .stages
        .iter()
        .find(|row| row.stage == Stage::Promote);
    match (verdict, promote) {
        (Verdict::Fail, _) => (RetrainResult::Refused, reasons),
        (Verdict::Undecided, _) => (RetrainResult::Undecided, reasons),
        (Verdict::Pass, Some(row)) if row.action == StageAction::Ran && outcome.alias.is_some() => {
            (RetrainResult::Promoted, reasons)
        }
        (Verdict::Pass, row) => (
            RetrainResult::Kept,
            row.map(|row| row.why.clone()).unwrap_or_default(),
        ),
    }
}

/// Returns why the data cannot be used, where that is the error.
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
    let first = match first {
        Some(finding) => format!(", the first {finding}"),
        None => String::new(),
    };
    Some(format!(
        "the data did not meet their expectations: {} errors{first}",
        report.counts.errors
    ))
}
