//! Checks the conditions of `[retrain]`: whether a new model is due, with the figures.

use serde::Serialize;

use super::super::EngineError;
use super::super::drift::{Drift, Units};
use super::super::pipeline_run::PipelineRun;
use super::RegistryHistory;
use super::data_changes::DataChanges;
use crate::config::{Condition, RetrainOptions};
use pdm_core::content::Digest;
use pdm_core::events::span;
use pdm_models::monitor::DriftVerdict;

/// Whether one condition holds, with its figures.
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

    /// Returns the conditions that hold, as a text; none where no condition holds.
    pub(super) fn reasons(&self) -> Option<String> {
        let held: Vec<_> = self
            .rows
            .iter()
            .filter(|row| row.holds)
            .map(ConditionFinding::text)
            .collect();
        if held.is_empty() {
            return None;
        }
        Some(held.join("; "))
    }

    /// Returns all conditions as a text, for when none holds.
    pub(super) fn text(&self) -> String {
        self.rows
            .iter()
            .map(ConditionFinding::text)
            .collect::<Vec<_>>()
            .join("; ")
    }
}

impl ConditionFinding {
    fn text(&self) -> String {
        format!("{} ({})", self.condition, self.why)
    }
}

/// Checks whether a new model is due. All conditions are checked, so that the log shows all of them.
pub(super) fn check(
    run: &PipelineRun<'_>,
    history: &RegistryHistory,
    data: &DataChanges,
    when: &[Condition],
) -> Result<ConditionFindings, EngineError> {
    let mut found = ConditionFindings::default();
    let Some(champion) = history.champion() else {
        found.add(
            "no-champion",
            true,
            format!("{} points to no version yet", run.registry()?.alias),
        );
        return Ok(found);
    };
    let options = run.job.spec.retrain.clone().unwrap_or_default();
    let needs_units = when
        .iter()
        .any(|condition| matches!(condition, Condition::NewUnits(_) | Condition::Drift));
    let units = if needs_units {
        Some(Units::read(run, champion, history)?)
    } else {
        None
    };
    for condition in when {
        match (condition, &units) {
            (Condition::NewData, _) => new_data(run.data()?.train, history, data, &mut found),
            (Condition::OlderThan(least), _) => {
                let age = history
                    .champion_age(run.context.stamp().time)
                    .unwrap_or_default();
                found.add(
                    condition,
                    age >= *least,
                    format!("v{} is {} old", champion.version, age_text(age)),
                );
            }
            (Condition::NewUnits(least), Some(units)) => {
                let (count, since) = units.came_in(run)?;
                found.add(
                    condition,
                    count >= *least,
                    format!("{count} training units came in since v{since}"),
                );
            }
            (Condition::Drift, Some(units)) => drift(run, units, history, &options, &mut found)?,
            (Condition::Always | Condition::NewUnits(_) | Condition::Drift, _) => {
                found.add(condition, true, "as asked");
            }
        }
    }
    Ok(found)
}

fn new_data(
    train: Digest,
    history: &RegistryHistory,
    data: &DataChanges,
    found: &mut ConditionFindings,
) {
    let train = train.short();
    let (holds, why) = match data {
        DataChanges::Same { version } => (false, format!("v{version} learnt from {train}")),
        DataChanges::Compared {
            version, changes, ..
        } if changes.has_news() => (true, format!("{} since v{version}", changes.news())),
        DataChanges::Compared {
            version, changes, ..
        } if changes.has_losses() => (
            false,
            format!("nothing came in since v{version}, and {}", changes.losses()),
        ),
        DataChanges::Compared {
            version,
            by_content: true,
            ..
        } => (
            false,
            format!("{train} holds the rows that v{version} learnt from, in another format"),
        ),
        DataChanges::Compared {
            version,
            by_content: false,
            ..
        } => (
            true,
            format!(
                "{train} has other bytes than v{version} learnt from, whose bundle has only the names of its units"
            ),
        ),
        DataChanges::Unknown => {
            let before = match history.last_judged() {
                Some(last) => format!(", v{} from {}", last.version, last.origin.data.short()),
                None => String::new(),
            };
            (true, format!("no judged model learnt from {train}{before}"))
        }
    };
    found.add(Condition::NewData, holds, why);
}

fn drift(
    run: &PipelineRun<'_>,
    units: &Units,
    history: &RegistryHistory,
    options: &RetrainOptions,
    found: &mut ConditionFindings,
) -> Result<(), EngineError> {
    let drift = units.drift(run, history, options)?;
    let holds = drift.report.verdict == DriftVerdict::Drift;
    found.add(
        Condition::Drift,
        holds,
        format!("{} {}", drift.report.summary(), drift.window),
    );
    found.drift = Some(drift);
    Ok(())
}

fn age_text(age: jiff::SignedDuration) -> String {
    match age.as_hours() {
        ..0 => "0 s".to_owned(),
        hours @ 48.. => format!("{:.1} days", hours as f64 / 24.0),
        _ => span(std::time::Duration::try_from(age).unwrap_or_default()),
    }
}
