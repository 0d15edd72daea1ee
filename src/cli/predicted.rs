//! The output of `predict`: rows, and messages about flags, skipped units and alarms.

use serde::Serialize;
use serde_json::json;

use super::error::CliError;
use super::exit::Exit;
use super::ui::{self, Ui};
use pdm_core::codes::Code;
use pdm_core::content::Digest;
use pdm_core::domain::{Alarm, Cycle, Flag, FlagCounts, FlagKind, Interval, Prediction, UnitId};
use pdm_models::bundle::ModelBundle;
use pdm_models::data::{Expectation, Finding, Schema, Severity, SkippedUnit};
use pdm_report::report;
use pdm_tracking::notify::{Notice, Occasion};
use pdm_tracking::observe::PredictFact;

/// Maximum number of units that are named; further ones are counted.
const NAMED: usize = 20;

/// Maximum number of skipped units with the same cause that get a message each.
const NAMED_ALONE: usize = 3;
/// Number of units named in a message about several units.
const FIRST_NAMES: usize = 5;

/// Why a unit cannot be read, and in which file.
type UnreadUnit<'a> = (Expectation, Option<&'a str>);

/// Predictions, and what is reported about them.
pub(super) struct Predicted {
    pub(super) predictions: Vec<Prediction>,
    pub(super) skipped: Vec<SkippedUnit>,
    pub(super) flags: FlagCounts,
    /// The registered version, such as `turbofan/3`.
    pub(super) model: Option<String>,
    bundle: Digest,
    /// The alarm conditions as they were typed.
    conditions: Vec<String>,
    /// Whether each prediction meets a condition.
    alarms: Vec<bool>,
    /// What a remaining life counts: cycles, or steps of a length.
    counted: String,
}

/// One prediction for programs.
#[derive(Serialize)]
pub(super) struct PredictionRow<'a> {
    unit: &'a UnitId,
    cycle: Cycle,
    rul: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval: Option<Interval>,
    flags: &'a [Flag],
    /// Absent if no alarm was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    alarm: Option<bool>,
}

impl Predicted {
    /// Takes predictions; units with NaN predictions are added to the skipped ones.
    pub(super) fn new(
        predictions: Vec<Prediction>,
        mut skipped: Vec<SkippedUnit>,
        alarms: &[Alarm],
        bundle: Digest,
        model: Option<String>,
    ) -> Self {
        let (predictions, unpredictable): (Vec<_>, Vec<_>) =
            predictions.into_iter().partition(is_number);
        for prediction in unpredictable {
            if skipped.iter().all(|unit| unit.unit != prediction.unit) {
                let cycle = prediction.cycle;
                skipped.push(SkippedUnit {
                    unit: prediction.unit,
                    findings: vec![no_number(cycle)],
                });
            }
        }
        Self {
            counted: "cycles".to_owned(),
            flags: FlagCounts::of(&predictions),
            alarms: predictions
                .iter()
                .map(|p| alarms.iter().any(|alarm| alarm.is_met(p)))
                .collect(),
            conditions: alarms.iter().map(ToString::to_string).collect(),
            predictions,
            skipped,
            model,
            bundle,
        }
    }

    /// Returns the rows for programs.
    pub(super) fn rows(&self) -> Vec<PredictionRow<'_>> {
        let mut rows = Vec::new();
        for (p, alarm) in self.predictions.iter().zip(&self.alarms) {
            let alarm = self.asks_for_alarms().then_some(*alarm);
            rows.push(PredictionRow {
                unit: &p.unit,
                cycle: p.cycle,
                rul: p.rul,
                interval: p.interval,
                flags: &p.flags,
                alarm,
            });
        }
        rows
    }

    /// Returns which rows meet an alarm condition; `None` if no alarm was asked for.
    pub(super) fn alarm_column(&self) -> Option<Vec<bool>> {
        self.asks_for_alarms().then(|| self.alarms.clone())
    }

    /// Returns the units with a prediction that meets an alarm condition.
    pub(super) fn alarmed_units(&self) -> Vec<&UnitId> {
        let alarmed = self
            .predictions
            .iter()
            .zip(&self.alarms)
            .filter(|(_, alarm)| **alarm);
        let mut units: Vec<&UnitId> = alarmed.map(|(prediction, _)| &prediction.unit).collect();
        units.dedup();
        units
    }

    /// Returns the exit of the command: an alarm has priority over skipped units.
    pub(super) fn exit(&self) -> Exit {
        self.codes()
            .first()
            .map_or(Exit::Done, |code| (*code).into())
    }

    /// Reports flags, skipped units and alarms on standard error.
    pub(super) fn report(&self, bundle: &ModelBundle, ui: &Ui) {
        if !bundle.knows_histories() && !ui.is_quiet() {
            ui::note(
                "this bundle was made by an older release without statistics of its training units: ages, short histories and \
                 shifted sensors are not checked; train the model again to get these flags",
            );
        }
        if !self.flags.is_empty() {
            ui::warn(&format!(
                "{}; these predictions are extrapolations",
                self.flags
            ));
            for (kind, count) in self.flags.by_kind() {
                let plural = if count == 1 { "unit" } else { "units" };
                ui::line(&format!(
                    "  {kind}, {count} {plural}: {}",
                    self.example(kind)
                ));
            }
        }
        let causes = self.left_out();
        causes
            .iter()
            .take(NAMED)
            .for_each(|sentence| ui::warn(sentence));
        if causes.len() > NAMED {
            ui::warn(&format!(
                "{} units in total were skipped",
                self.skipped.len()
            ));
        }
        if let Some(title) = self.alarm_title() {
            ui::warn(&format!(
                "alarm: {title}: {}",
                named(&self.alarmed_units(), NAMED)
            ));
        }
        ui.more(&self.codes());
    }

    /// Returns one sentence for each skipped unit; many units with the same cause share a sentence.
    fn left_out(&self) -> Vec<String> {
        let mut causes: Vec<(Option<UnreadUnit<'_>>, Vec<&SkippedUnit>)> = Vec::new();
        for unit in &self.skipped {
            let cause = unit
                .findings
                .first()
                .map(|finding| (finding.expectation, finding.file.as_deref()));
            match causes.iter_mut().find(|(known, _)| *known == cause) {
                Some((_, units)) => units.push(unit),
                None => causes.push((cause, vec![unit])),
            }
        }
        let mut sentences = Vec::new();
        for (_, units) in causes {
            match units.as_slice() {
                [first, ..] if units.len() > NAMED_ALONE => {
                    let names = named(
                        &units.iter().map(|unit| &unit.unit).collect::<Vec<_>>(),
                        FIRST_NAMES,
                    );
                    sentences.push(format!(
                        "{} units were skipped ({names}): {}",
                        units.len(),
                        why_left_out(first)
                    ));
                }
                few => {
                    let single = few
                        .iter()
                        .map(|of| format!("unit {} was skipped: {}", of.unit, why_left_out(of)));
                    sentences.extend(single);
                }
            }
        }
        sentences
    }

    /// Returns an error if all units were skipped.
    pub(super) fn nothing_predicted(&self) -> Option<CliError> {
        if !self.predictions.is_empty() || self.skipped.is_empty() {
            return None;
        }
        let count = self.skipped.len();
        let units = if count == 1 {
            "the only unit was".to_owned()
        } else {
            format!("all {count} units were")
        };
        let message = format!("nothing was predicted: {units} skipped");
        let error = CliError::new(Code::UnitsSkipped, message);
        Some(error.hint("correct the data named above; nothing was written"))
    }

    /// Returns the notifications: one for an alarm and one for skipped units, because receivers may subscribe to only one of
    /// them.
    pub(super) fn notices(&self, pipeline: &str) -> Vec<Notice> {
        let skipped = self.skipped.len();
        let mut notices = Vec::new();
        if let Some(title) = self.alarm_title() {
            notices.push(self.notice(Occasion::Alarm, pipeline, &title));
        }
        if skipped > 0 {
            let units = if skipped == 1 { "unit" } else { "units" };
            notices.push(self.notice(
                Occasion::Failure,
                pipeline,
                &format!("{skipped} {units} could not be predicted"),
            ));
        }
        if notices.is_empty() {
            notices.push(self.notice(Occasion::Passed, pipeline, &self.summary()));
        }
        notices
    }

    /// Says that remaining lives are steps of the grid that the model's data are on.
    #[must_use]
    pub(super) fn counted_as(mut self, schema: &Schema) -> Self {
        self.counted = counted(schema);
        self
    }

    fn summary(&self) -> String {
        let (predicted, skipped, flagged) = (self.units(), self.skipped.len(), self.flags.units());
        format!("{predicted} units predicted, {skipped} skipped, {flagged} flagged")
    }

    fn notice(&self, occasion: Occasion, pipeline: &str, title: &str) -> Notice {
        let (title, summary) = (format!("{pipeline}: {title}"), self.summary());
        let mut lines = vec![format!("{summary}.")];
        for (prediction, _) in self
            .predictions
            .iter()
            .zip(&self.alarms)
            .filter(|(_, alarm)| **alarm)
        {
            let Prediction {
                unit,
                cycle,
                rul,
                interval,
                ..
            } = prediction;
            let range = interval
                .map(|i| format!(" [{:.0}, {:.0}]", i.lower, i.upper))
                .unwrap_or_default();
            lines.push(format!(
                "unit {unit}, cycle {cycle}: {rul:.1}{range} {} left",
                self.counted
            ));
        }
        for SkippedUnit { unit, findings } in &self.skipped {
            let first = findings
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            lines.push(format!("unit {unit} was skipped: {first}"));
        }
        let mut notice = Notice::new(occasion, pipeline, title).text(lines.join("\n"));
        notice.version = self.model.clone();
        notice.details = json!({
            "alarm": self.conditions,
            "alarms": self.rows().into_iter().filter(|row| row.alarm == Some(true)).collect::<Vec<_>>(),
            "skipped": self.skipped,
            "flagged": self.flags.units(),
            "predicted": self.units(),
            "bundle": self.bundle,
        });
        notice
    }

    /// Returns the counts for metrics.
    pub(super) fn fact(&self) -> PredictFact {
        let lowest = |of: fn(&Prediction) -> Option<f64>| {
            self.predictions.iter().filter_map(of).reduce(f64::min)
        };
        PredictFact {
            predicted: self.units(),
            flagged: self.flags.units(),
            skipped: self.skipped.len(),
            alarms: self.alarmed_units().len(),
            lowest_rul: lowest(|p| Some(p.rul)),
            lowest_lower: lowest(|p| p.interval.map(|interval| interval.lower)),
        }
    }

    fn units(&self) -> usize {
        let mut units: Vec<&UnitId> = self
            .predictions
            .iter()
            .map(|prediction| &prediction.unit)
            .collect();
        units.dedup();
        units.len()
    }

    fn asks_for_alarms(&self) -> bool {
        !self.conditions.is_empty()
    }

    fn alarm_title(&self) -> Option<String> {
        let (alarmed, all) = (self.alarmed_units().len(), self.units());
        let conditions = self
            .conditions
            .iter()
            .map(|text| format!("`{text}`"))
            .collect::<Vec<_>>()
            .join(" or ");
        (alarmed > 0).then(|| format!("{alarmed} of {all} units meet {conditions}"))
    }

    fn codes(&self) -> Vec<Code> {
        let mut codes = Vec::new();
        if self.alarms.contains(&true) {
            codes.push(Code::Alarm);
        }
        if !self.skipped.is_empty() {
            codes.push(Code::UnitsSkipped);
        }
        codes
    }

    fn example(&self, kind: FlagKind) -> String {
        let flags = self
            .predictions
            .iter()
            .flat_map(|p| p.flags.iter().map(move |flag| (&p.unit, flag)));
        let mut of_kind = flags.filter(|(_, flag)| flag.kind == kind);
        of_kind.next().map_or_else(String::new, |(unit, flag)| {
            format!("unit {unit} {}", flag.message)
        })
    }
}

/// Returns the predictions as a table, with a note about their intervals.
pub(super) fn text(predicted: &Predicted, bundle: &ModelBundle) -> String {
    let coverage = bundle.calibration().coverage() * 100.0;
    let most = bundle.manifest().target.cap();
    let note = match bundle.calibration().truth_cap() {
        Some(cap) => format!("an upper end of {cap} means {cap} or more"),
        None => format!("predictions are at most {most}, intervals are for the uncapped RUL"),
    };
    let table =
        report::predictions_table(&predicted.predictions, predicted.alarm_column().as_deref());
    let counted = counted(bundle.features().schema());
    format!("{table}\n{coverage:.0} % intervals, in {counted}; {note}")
}

/// Returns what a remaining life counts.
fn counted(schema: &Schema) -> String {
    match &schema.time {
        Some(time) => format!("steps of {}", time.shown_step()),
        None => "cycles".to_owned(),
    }
}

fn is_number(prediction: &Prediction) -> bool {
    let ends = prediction
        .interval
        .is_none_or(|interval| !interval.lower.is_nan() && !interval.upper.is_nan());
    !prediction.rul.is_nan() && ends
}

fn no_number(cycle: Cycle) -> Finding {
    Finding {
        severity: Severity::Error,
        expectation: Expectation::Finite,
        file: None,
        line: None,
        column: None,
        message: format!("the model predicts NaN at cycle {cycle}"),
    }
}

fn why_left_out(unit: &SkippedUnit) -> String {
    let first = unit
        .findings
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let more = unit.findings.len().saturating_sub(1);
    if more == 0 {
        first
    } else {
        format!("{first} (and {more} more)")
    }
}

fn named(units: &[&UnitId], most: usize) -> String {
    let mut names = units
        .iter()
        .take(most)
        .map(|unit| unit.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    if units.len() > most {
        names.push_str(&format!(" and {} more", units.len() - most));
    }
    names
}
