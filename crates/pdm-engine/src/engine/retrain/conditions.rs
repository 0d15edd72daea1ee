use serde::Serialize;

use super::super::EngineError;
use super::super::drift::{Drift, Units};
use super::super::pipeline_run::PipelineRun;
use super::Memory;
use super::news::News;
use crate::config::{Condition, RetrainOptions};
use pdm_core::content::Digest;
use pdm_core::events::span;
use pdm_models::monitor::DriftVerdict;
use pdm_store::registry::ModelVersion;

/// Whether one reason for a new model holds, with its figures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConditionFinding {
    /// The condition as it was typed.
    pub condition: String,
    /// Whether it holds.
    pub holds: bool,
    /// The figures, as a fragment.
    pub why: String,
}

/// What the conditions found.
#[derive(Debug, Default)]
pub(super) struct ConditionFindings {
    pub(super) rows: Vec<ConditionFinding>,
    pub(super) drift: Option<Drift>,
}

impl ConditionFindings {
    fn add(&mut self, condition: impl ToString, holds: bool, why: impl Into<String>) {
        self.rows.push(ConditionFinding {
            condition: condition.to_string(),
            holds,
            why: why.into(),
        });
    }

    /// Returns the conditions that hold, in words; nothing where none does.
    pub(super) fn reasons(&self) -> Option<String> {
        let held: Vec<_> = self
            .rows
            .iter()
            .filter(|row| row.holds)
            .map(ConditionFinding::told)
            .collect();
        (!held.is_empty()).then(|| held.join("; "))
    }

    /// Returns why no condition holds.
    pub(super) fn excuses(&self) -> String {
        self.rows
            .iter()
            .map(ConditionFinding::told)
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl ConditionFinding {
    fn told(&self) -> String {
        format!("{} ({})", self.condition, self.why)
    }
}

/// Looks whether a new model is due. All conditions are looked at, so that the log tells of all.
pub(super) fn look(
    run: &PipelineRun<'_>,
    memory: &Memory,
    news: &News,
    when: &[Condition],
) -> Result<ConditionFindings, EngineError> {
    let mut found = ConditionFindings::default();
    let Some(champion) = memory.champion() else {
        found.add(
            "no-champion",
            true,
            format!("{} points nowhere yet", run.registry()?.alias),
        );
        return Ok(found);
    };
    let options = run.job.spec.retrain.clone().unwrap_or_default();
    let units = match when
        .iter()
        .any(|condition| matches!(condition, Condition::NewUnits(_) | Condition::Drift))
    {
        true => Some(Units::read(run, champion, memory)?),
        false => None,
    };
    for condition in when {
        match (condition, &units) {
            (Condition::NewData, _) => new_data(run.data()?.train, memory, news, &mut found),
            (Condition::OlderThan(least), _) => {
                let age = memory
                    .champion_age(run.context.stamp().time)
                    .unwrap_or_default();
                found.add(
                    condition,
                    age >= *least,
                    format!("{} is {} old", named(champion), told_age(age)),
                );
            }
            (Condition::NewUnits(least), Some(units)) => {
                let (count, since) = units.came_in(run)?;
                found.add(
                    condition,
                    count >= *least,
                    format!("{count} units to learn from came in since v{since}"),
                );
            }
            (Condition::Drift, Some(units)) => drift(run, units, memory, &options, &mut found)?,
            (Condition::Always | Condition::NewUnits(_) | Condition::Drift, _) => {
                found.add(condition, true, "as asked")
            }
        }
    }
    Ok(found)
}

fn new_data(data: Digest, memory: &Memory, news: &News, found: &mut ConditionFindings) {
    let data = data.short();
    let (holds, why) = match news {
        News::Same { version } => (false, format!("v{version} learnt from {data}")),
        News::Compared {
            version, changes, ..
        } if changes.has_news() => (true, format!("{} since v{version}", changes.news())),
        News::Compared {
            version, changes, ..
        } if changes.has_losses() => (
            false,
            format!("nothing came in since v{version}, and {}", changes.losses()),
        ),
        News::Compared {
            version,
            by_content: true,
            ..
        } => (
            false,
            format!("{data} holds the rows that v{version} learnt from, written otherwise"),
        ),
        News::Compared {
            version,
            by_content: false,
            ..
        } => (
            true,
            format!(
                "{data} has other bytes than v{version} learnt from, which kept the names of its units only"
            ),
        ),
        News::Unknown => {
            let last = memory.last_judged();
            let before =
                last.map(|last| format!(", v{} from {}", last.version, last.origin.data.short()));
            (
                true,
                format!(
                    "no judged model learnt from {data}{}",
                    before.unwrap_or_default()
                ),
            )
        }
    };
    found.add(Condition::NewData, holds, why);
}

fn drift(
    run: &PipelineRun<'_>,
    units: &Units,
    memory: &Memory,
    options: &RetrainOptions,
    found: &mut ConditionFindings,
) -> Result<(), EngineError> {
    let drift = units.drift(run, memory, options)?;
    let holds = drift.report.verdict == DriftVerdict::Drift;
    found.add(
        Condition::Drift,
        holds,
        format!("{} {}", drift.report.summary(), drift.window),
    );
    found.drift = Some(drift);
    Ok(())
}

fn named(version: &ModelVersion) -> String {
    format!("v{}", version.version)
}

/// Returns an age as people say it.
fn told_age(age: jiff::SignedDuration) -> String {
    match age.as_hours() {
        ..0 => "0 s".to_owned(),
        hours @ 48.. => format!("{:.1} days", hours as f64 / 24.0),
        _ => span(std::time::Duration::try_from(age).unwrap_or_default()),
    }
}
