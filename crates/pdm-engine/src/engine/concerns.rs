//! What changes the meaning of a job without ending it: under `--strict` it does.

use std::fmt;

use serde::Serialize;

use super::outcome::Judged;
use super::{EngineError, PipelineRun};
use crate::config::Stage;
use crate::pipeline::evaluate::PREDICTIONS;
use crate::pipeline::read_json;
use pdm_core::domain::Predictions;
use pdm_core::gates::GateReport;
use pdm_core::scoring::{Caution, Part, cautions};

/// Something that is told as a note or a warning, and makes a job less than it seems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "what", rename_all = "snake_case")]
pub enum Concern {
    /// A gate that compares had nothing to compare with.
    NoChampion,
    /// No test part and no holdout is there, so that the gates judge scores out of fold.
    NoTestPart,
    /// A holdout was asked for and holds no unit back.
    EmptyHoldout,
    /// An option changes nothing.
    IgnoredSetting(String),
    /// A score says less than its name: most truths lie above the cap, units have fewer cuts, a metric has no value.
    Score(String),
}

impl fmt::Display for Concern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChampion => {
                f.write_str("there is no champion yet, so a gate that compares compared nothing")
            }
            Self::NoTestPart => f.write_str(
                "there is no test part and no holdout, so the scores judged are out of fold",
            ),
            Self::EmptyHoldout => f.write_str(
                "`split.holdout` holds no unit back, so the scores judged are out of fold",
            ),
            Self::IgnoredSetting(what) | Self::Score(what) => f.write_str(what),
        }
    }
}

impl PipelineRun<'_> {
    /// Refuses to go on where something changes the meaning of the job, and that was asked for. A verdict of the gates that stops
    /// the line says more.
    pub(super) fn refuse_concerns(&self) -> Result<(), EngineError> {
        if !self.context.strict {
            return Ok(());
        }
        let concerns = self.concerns()?;
        if concerns.is_empty() {
            Ok(())
        } else {
            Err(EngineError::Strict(concerns))
        }
    }

    /// Returns what changes the meaning of the job, as far as the line has come.
    fn concerns(&self) -> Result<Vec<Concern>, EngineError> {
        let mut concerns = Vec::new();
        if self.entries.contains_key(&Stage::Train) {
            concerns.extend(
                self.job
                    .spec
                    .idle_options()
                    .into_iter()
                    .map(Concern::IgnoredSetting),
            );
        }
        if self.entries.contains_key(&Stage::Evaluate) {
            concerns.extend(self.concerns_of_scores()?);
        }
        if self.entries.contains_key(&Stage::Gate) && compared_nothing(&self.gate_report()?) {
            concerns.push(Concern::NoChampion);
        }
        Ok(concerns)
    }

    fn concerns_of_scores(&self) -> Result<Vec<Concern>, EngineError> {
        let in_stage = EngineError::in_stage(Stage::Evaluate);
        let entry = self.entry(Stage::Evaluate);
        let Judged { scorecard, .. } = super::bring_up::judged(entry).map_err(&in_stage)?;
        let predictions: Predictions = read_json(&entry.path(PREDICTIONS)).map_err(&in_stage)?;
        let mut concerns = Vec::new();
        if scorecard.protocol.part == Part::OutOfFold {
            let holdout = self.job.spec.split.holdout.is_some();
            concerns.push(if holdout {
                Concern::EmptyHoldout
            } else {
                Concern::NoTestPart
            });
        }
        let found =
            cautions(&predictions, &scorecard.protocol, &scorecard.scores).unwrap_or_default();
        concerns.extend(found.into_iter().map(|Caution(what)| Concern::Score(what)));
        Ok(concerns)
    }
}

fn compared_nothing(report: &GateReport) -> bool {
    report.champion.is_none() && report.rows.iter().any(|row| row.gate.compares())
}
