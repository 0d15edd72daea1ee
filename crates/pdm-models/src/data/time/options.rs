//! Options of `[dataset.time]`.

use jiff::tz::TimeZone;
use pdm_core::codes::Code;
use pdm_core::domain::Problem;
use serde::{Deserialize, Serialize};

use super::GridLength;

/// The time column of a table, and the grid of equal steps that every history is put on.
///
/// From there on a cycle is a step of the grid: a remaining life of 30 with `step = "1h"` is 30 hours. Rows within one step are
/// averaged. Steps without a row, and cells without a value, are filled as `fill` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct TimeOptions {
    /// Column with the time of each row.
    pub column: String,
    /// What the column holds: timestamps, numbers such as operating hours, or whole numbers that count.
    pub kind: TimeKind,
    /// Format of timestamps in text, as strftime has it: `"%d.%m.%Y %H:%M"`; ISO 8601 if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What timestamps that are numbers count since 1970-01-01 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// IANA time zone of timestamps without one, such as `"Europe/Berlin"`; UTC if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Unit of a numeric time column as it is shown, such as `"h"` or `"km"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Length of a step: a duration such as `"1h"` for timestamps, else a number in the unit of the column. Steps begin at
    /// multiples of this length; those of timestamps are counted from 1970-01-01 00:00 UTC.
    pub step: GridLength,
    /// How a step without a value gets one. `forward` repeats the value before; `linear` interpolates, which uses the value
    /// after the gap; `none` fills nothing, so that every missing value is a gap.
    pub fill: Fill,
    /// Longest gap to fill; a gap of any length is filled if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<GridLength>,
    /// What happens at a gap that is not filled: `error`, or `split`, which makes the rows after it a history of their own.
    pub longer: LongerGap,
}

/// What a time column holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TimeKind {
    /// Points in time.
    #[default]
    Timestamp,
    /// Numbers that grow with use, such as operating hours or kilometres.
    Number,
    /// Whole numbers that count cycles, with gaps.
    Counter,
}

/// What a number counts since 1970-01-01 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Epoch {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

/// How a step without a value gets one.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Fill {
    /// It gets none: every missing value is a gap.
    None,
    /// By the last value before it.
    #[default]
    Forward,
    /// Between the values before and after it.
    Linear,
}

/// What happens at a gap that is not filled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LongerGap {
    /// The data are refused.
    #[default]
    Error,
    /// The rows after the gap are a history of their own.
    Split,
}

impl Default for TimeOptions {
    fn default() -> Self {
        Self {
            column: "time".to_owned(),
            kind: TimeKind::default(),
            format: None,
            epoch: None,
            zone: None,
            unit: None,
            step: GridLength::of_number(1.0).expect("1 is a positive number"),
            fill: Fill::default(),
            limit: None,
            longer: LongerGap::default(),
        }
    }
}

impl TimeOptions {
    /// Returns what is out of range or contradicts itself.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.wrong_lengths();
        if self.column.is_empty() {
            problems.push(Problem::new("column", "names a column without a name"));
        }
        if let Some(zone) = &self.zone
            && TimeZone::get(zone).is_err()
        {
            let message = format!("{zone:?} is not a time zone of the IANA database");
            problems.push(Problem::new("zone", message).hint("a name such as \"Europe/Berlin\""));
        }
        if self.format.is_some() && self.epoch.is_some() {
            let message = "must not be combined with `format`: numbers have no format";
            problems.push(Problem::new("epoch", message).with_code(Code::KeysExclude));
        }
        problems.extend(self.idle_keys());
        problems
    }

    fn wrong_lengths(&self) -> Vec<Problem> {
        let wants_duration = match self.kind {
            TimeKind::Timestamp => true,
            TimeKind::Number | TimeKind::Counter => false,
        };
        let lengths = [("step", Some(&self.step)), ("limit", self.limit.as_ref())];
        let mut problems = Vec::new();
        for (key, length) in lengths {
            let Some(length) = length else { continue };
            if length.is_duration() == wants_duration {
                continue;
            }
            let problem = if wants_duration {
                let message = format!("is {length}, and timestamps need a duration");
                Problem::new(key, message).hint("\"10min\", \"1h\" or \"1d\"")
            } else {
                let message =
                    format!("is \"{length}\", and a numeric time column needs a plain number");
                Problem::new(key, message).hint("a number in the unit of the column, such as 10")
            };
            problems.push(problem);
        }
        problems
    }

    /// Returns the keys that have no effect with this kind.
    fn idle_keys(&self) -> Vec<Problem> {
        let of_timestamps = [
            ("format", self.format.is_some()),
            ("epoch", self.epoch.is_some()),
            ("zone", self.zone.is_some()),
        ];
        let of_numbers = [("unit", self.unit.is_some())];
        let (idle, only_for) = match self.kind {
            TimeKind::Timestamp => (of_numbers.as_slice(), "\"number\""),
            TimeKind::Number | TimeKind::Counter => (of_timestamps.as_slice(), "\"timestamp\""),
        };
        let set = idle.iter().filter(|(_, is_set)| *is_set);
        set.map(|(key, _)| {
            Problem::new(*key, format!("has an effect only with `kind = {only_for}`"))
                .with_code(Code::KeyNeedsOther)
        })
        .collect()
    }

    /// Returns the length of a step with its unit, as messages show it: `1h`, `10 km`, `1`.
    pub fn shown_step(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{} {unit}", self.step),
            None => self.step.to_string(),
        }
    }
}
