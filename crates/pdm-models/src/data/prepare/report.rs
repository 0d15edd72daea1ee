//! What the preparation of a table changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::findings::{FindingLocation, FindingLog};
use super::super::rows::Rows;
use super::super::{Expectation, Schema, Severity, TimeOptions};
use super::histories::{MachineHistories, OrderCounts, RowCount};
use super::lives::LifeEnd;

/// What was found and changed when the rows of machines were put on the grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreparationReport {
    /// Length of a step, such as `1h`.
    pub step: String,
    /// Number of machines.
    pub machines: u64,
    /// Number of lives that ended in failure.
    pub failed: u64,
    /// Number of failures of each mode, if the events name modes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failures_by_mode: BTreeMap<String, u64>,
    /// Number of lives that ended otherwise.
    pub replaced: u64,
    /// Number of lives that have not ended.
    pub running: u64,
    /// Number of machines that failed at least once.
    pub machines_that_failed: u64,
    /// Number of histories: lives, divided at long gaps.
    pub histories: u64,
    /// Number of steps of all histories.
    pub steps: u64,
    /// Steps in which a value was filled.
    pub filled_steps: u64,
    /// Rows beyond the first of their step, which are averaged.
    pub averaged_rows: u64,
    /// Rows with the time and values of another row, which are left out.
    pub repeated_rows: u64,
    /// Rows with the time of a later row and other values, which are left out.
    pub contradicted_rows: u64,
    /// Rows that came after a later one.
    pub disordered_rows: u64,
    /// Rows in an hour that clocks repeat in autumn, read in the order of the file.
    pub repeated_hour_rows: u64,
    /// Rows in an hour that clocks skip in spring, read as if clocks did not.
    pub skipped_hour_rows: u64,
    /// Steps with rows that are left out, since a value is missing that cannot be filled.
    pub incomplete_steps: u64,
    /// Gaps that are too long to fill.
    pub gaps: u64,
    /// Lives that ended further from their last row than gaps are filled.
    pub late_ends: u64,
    #[serde(skip)]
    order: OrderCounts,
}

impl PreparationReport {
    pub(super) fn new(time: &TimeOptions, machines: usize) -> Self {
        Self {
            step: time.shown_step(),
            machines: machines as u64,
            failed: 0,
            failures_by_mode: BTreeMap::new(),
            replaced: 0,
            running: 0,
            machines_that_failed: 0,
            histories: 0,
            steps: 0,
            filled_steps: 0,
            averaged_rows: 0,
            repeated_rows: 0,
            contradicted_rows: 0,
            disordered_rows: 0,
            repeated_hour_rows: 0,
            skipped_hour_rows: 0,
            incomplete_steps: 0,
            gaps: 0,
            late_ends: 0,
            order: OrderCounts::default(),
        }
    }

    pub(super) fn add(&mut self, machine: &MachineHistories) {
        let mut has_failed = false;
        for end in &machine.lives {
            match end {
                LifeEnd::Failed { mode } => {
                    self.failed += 1;
                    has_failed = true;
                    if let Some(mode) = mode {
                        *self.failures_by_mode.entry(mode.clone()).or_default() += 1;
                    }
                }
                LifeEnd::Replaced => self.replaced += 1,
                LifeEnd::Running => self.running += 1,
            }
        }
        self.machines_that_failed += u64::from(has_failed);
        self.histories += machine.histories.len() as u64;
        let steps: usize = machine
            .histories
            .iter()
            .map(|history| history.cycles.len())
            .sum();
        self.steps += steps as u64;
        self.filled_steps += machine.filled;
        self.averaged_rows += machine.averaged;
        self.incomplete_steps += machine.left_out;
        self.gaps += machine.gaps;
        self.order.add(&machine.ordered);
        self.disordered_rows = self.order.disordered.rows;
        self.repeated_rows = self.order.repeated.rows;
        self.contradicted_rows = self.order.contradicted.rows;
        self.repeated_hour_rows = self.order.ambiguous.rows;
        self.skipped_hour_rows = self.order.skipped.rows;
        self.late_ends = self.order.late_ends.rows;
    }

    /// Describes the lives and what was changed, in sentences for people.
    pub fn sentences(&self) -> Vec<String> {
        let share = 100.0 * self.machines_that_failed as f64 / self.machines.max(1) as f64;
        let mut sentences = vec![format!(
            "{} machines, of which {} ({share:.0} %) have failed; {} lives ended in failure, {} otherwise, {} are running",
            self.machines, self.machines_that_failed, self.failed, self.replaced, self.running
        )];
        if !self.failures_by_mode.is_empty() {
            let modes: Vec<String> = self
                .failures_by_mode
                .iter()
                .map(|(mode, failures)| format!("{mode} {failures}"))
                .collect();
            sentences.push(format!("failures by mode: {}", modes.join(", ")));
        }
        let filled = 100.0 * self.filled_steps as f64 / self.steps.max(1) as f64;
        sentences.push(format!(
            "{} steps of {}, of which {} ({filled:.1} %) have a filled value; {} rows were averaged with another one of their step",
            self.steps, self.step, self.filled_steps, self.averaged_rows
        ));
        sentences
    }
}

/// Logs what was changed, one finding for each kind.
pub(super) fn log_counts(
    report: &PreparationReport,
    rows: &Rows,
    file: &str,
    schema: &Schema,
    log: &mut FindingLog,
) {
    let column = schema.time.as_ref().map(|time| time.column.as_str());
    let order = &report.order;
    let mut note = |count: RowCount, severity, expectation, message: &str| {
        let Some(first) = count.first else { return };
        let location = FindingLocation {
            column,
            ..rows.location(file, first)
        };
        let counted = match count.rows {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows, the first of them here,"),
        };
        log.add(
            severity,
            expectation,
            location,
            format!("{counted} {message}"),
        );
    };
    note(
        order.disordered,
        Severity::Info,
        Expectation::AscendingCycles,
        "came after a later row of the same unit; rows are sorted by time",
    );
    note(
        order.repeated,
        Severity::Info,
        Expectation::DuplicateRows,
        "repeated another row with the same unit, time and values; left out",
    );
    note(
        order.contradicted,
        Severity::Warning,
        Expectation::DuplicateRows,
        "had the unit and time of a later row with other values; the last row of the file is used",
    );
    note(
        order.ambiguous,
        Severity::Info,
        Expectation::Types,
        "fell in the hour that clocks repeat; read in the order of the file",
    );
    note(
        order.late_ends,
        Severity::Warning,
        Expectation::ContiguousCycles,
        "came last before the end of a life that is further away than `limit`: rows may be missing, or the time of the event wrong",
    );
    note(
        order.skipped,
        Severity::Warning,
        Expectation::Types,
        "fell in the hour that clocks skip, so `zone` may be wrong; read one hour later",
    );
    log_summary(report, file, log);
}

fn log_summary(report: &PreparationReport, file: &str, log: &mut FindingLog) {
    let location = FindingLocation::file(file);
    if report.incomplete_steps > 0 {
        let message = format!(
            "{} steps are left out, since a value is missing in them that cannot be filled from an earlier one",
            report.incomplete_steps
        );
        log.add(Severity::Warning, Expectation::Finite, location, message);
    }
    if report.gaps > 0 {
        let message = format!(
            "{} gaps are too long to fill; the rows after each are a history of their own",
            report.gaps
        );
        log.add(
            Severity::Info,
            Expectation::ContiguousCycles,
            location,
            message,
        );
    }
}
