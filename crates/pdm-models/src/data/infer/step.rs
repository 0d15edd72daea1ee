//! Finds what the time column counts, and its step.

use serde::Serialize;

use super::columns::{WholeCells, WholeColumn};
use super::keys::{TableKeys, counts_from_one};
use super::words::{NameHint, hints, measured_in};

/// A step longer than this many usual ones is a gap.
const GAP: f64 = 1.5;
/// Gaps of up to so many steps are filled in the draft.
const FILLED: f64 = 6.0;

/// What orders the rows of a unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InferredTime {
    /// The column.
    pub column: String,
    /// What it holds.
    pub kind: InferredTimeKind,
    /// The format of times in text; absent for ISO 8601 and for other kinds.
    pub format: Option<String>,
    /// What one of an epoch is: `s`, `ms`, `us` or `ns`; absent for other kinds.
    pub epoch: Option<&'static str>,
    /// What one means, such as `h`; absent if the name does not say it.
    pub unit: Option<&'static str>,
    /// The median step, as `[dataset.time] step` takes it; absent for cycles 1, 2, 3, ….
    pub step: Option<String>,
    /// The longest gap that the draft fills; absent without gaps.
    pub limit: Option<String>,
    /// Number of steps longer than one and a half of the median.
    pub gaps: usize,
    /// The longest step, as `step` is written.
    pub longest: Option<String>,
    /// Number of times that go back or repeat.
    pub disorder: usize,
    /// Why.
    pub why: String,
}

/// What a time column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InferredTimeKind {
    /// 1, 2, 3, … in every unit, in consecutive rows.
    Cycle,
    /// Points in time.
    Timestamp,
    /// Whole numbers that mostly rise by one.
    Counter,
    /// Other rising numbers, such as operating hours.
    Number,
}

impl InferredTimeKind {
    /// Returns the word for `[dataset.time] kind`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cycle => "cycle",
            Self::Timestamp => "timestamp",
            Self::Counter => "counter",
            Self::Number => "number",
        }
    }
}

/// Describes the time column of a table.
pub(super) fn describe(column: &WholeColumn, keys: &TableKeys) -> InferredTime {
    let values = column.ordered().unwrap_or_default();
    let epoch = epoch_of(column, values);
    let kind = kind_of(column, keys, values, epoch);
    let mut time = InferredTime {
        column: column.name.clone(),
        kind,
        format: None,
        epoch: None,
        unit: None,
        step: None,
        limit: None,
        gaps: 0,
        longest: None,
        disorder: keys.disorder,
        why: String::new(),
    };
    let per_second = epoch.map_or(1.0, |epoch| epoch.per_second);
    match kind {
        InferredTimeKind::Cycle => {
            time.why = "1, 2, 3, … in consecutive rows of every unit".to_owned();
            return time;
        }
        InferredTimeKind::Timestamp => {
            time.epoch = epoch.map(|epoch| epoch.name);
            time.format = format_of(column);
        }
        InferredTimeKind::Counter | InferredTimeKind::Number => {
            time.unit = measured_in(&column.name)
        }
    }
    measure(&mut time, keys, values, per_second);
    time
}

/// Fills in step and gaps.
fn measure(time: &mut InferredTime, keys: &TableKeys, values: &[f64], per_second: f64) {
    let mut steps: Vec<f64> = keys
        .units
        .steps(values)
        .into_iter()
        .filter(|step| *step > 0.0)
        .collect();
    steps.sort_by(f64::total_cmp);
    let median = steps
        .get(steps.len().saturating_sub(1) / 2)
        .copied()
        .unwrap_or(1.0);
    let longest = steps.last().copied().unwrap_or(median);
    let is_usual = |step: &&f64| (**step / median - 1.0).abs() < 0.1;
    let usual = steps.iter().filter(is_usual).count();
    let shown = |amount: f64| match time.kind {
        InferredTimeKind::Timestamp => span(amount / per_second),
        InferredTimeKind::Cycle | InferredTimeKind::Counter | InferredTimeKind::Number => {
            format!("{}", rounded(amount))
        }
    };
    let (step, most) = (shown(median), shown(longest));
    let limit = shown(median * FILLED);
    time.gaps = steps.iter().filter(|step| **step > GAP * median).count();
    let share = 100.0 * usual as f64 / steps.len().max(1) as f64;
    time.why = format!(
        "the median of {} steps is {step}; {share:.0} % are within a tenth of it",
        steps.len()
    );
    if time.gaps > 0 {
        time.why
            .push_str(&format!("; {} are gaps, the longest {most}", time.gaps));
        time.limit = Some(limit);
    }
    (time.step, time.longest) = (Some(step), Some(most));
}

fn format_of(column: &WholeColumn) -> Option<String> {
    match &column.cells {
        WholeCells::Times {
            form: Some(form), ..
        } => form.format.clone(),
        WholeCells::Times { form: None, .. }
        | WholeCells::Empty
        | WholeCells::Numbers(_)
        | WholeCells::Texts(_) => None,
    }
}

fn kind_of(
    column: &WholeColumn,
    keys: &TableKeys,
    values: &[f64],
    epoch: Option<EpochUnit>,
) -> InferredTimeKind {
    if column.is_time() || epoch.is_some() {
        return InferredTimeKind::Timestamp;
    }
    if keys.units.is_contiguous && counts_from_one(&keys.units, values) {
        return InferredTimeKind::Cycle;
    }
    let steps = keys.units.steps(values);
    let by_one = steps.iter().filter(|step| **step == 1.0).count();
    let is_whole = values.iter().all(|value| value.fract() == 0.0);
    if is_whole && 2 * by_one >= steps.len() {
        InferredTimeKind::Counter
    } else {
        InferredTimeKind::Number
    }
}

/// What one means in numbers since 1970.
#[derive(Debug, Clone, Copy)]
struct EpochUnit {
    name: &'static str,
    per_second: f64,
}

/// Returns the unit of numbers that are points in time from 1990 to 2100, if the name says so.
fn epoch_of(column: &WholeColumn, values: &[f64]) -> Option<EpochUnit> {
    const UNITS: [EpochUnit; 4] = [
        EpochUnit {
            name: "s",
            per_second: 1.0,
        },
        EpochUnit {
            name: "ms",
            per_second: 1e3,
        },
        EpochUnit {
            name: "us",
            per_second: 1e6,
        },
        EpochUnit {
            name: "ns",
            per_second: 1e9,
        },
    ];
    const SINCE: f64 = 631_152_000.0;
    const UNTIL: f64 = 4_102_444_800.0;
    if column.is_time() || !hints(&column.name, NameHint::Time) {
        return None;
    }
    let fits = |unit: &EpochUnit| {
        values
            .iter()
            .all(|value| (SINCE..UNTIL).contains(&(value / unit.per_second)))
    };
    UNITS.into_iter().find(fits)
}

/// Returns seconds as a span such as `1h`, in the largest unit in which it is whole.
fn span(seconds: f64) -> String {
    const UNITS: [(&str, f64); 5] = [
        ("d", 86_400.0),
        ("h", 3600.0),
        ("m", 60.0),
        ("s", 1.0),
        ("ms", 0.001),
    ];
    let whole = |amount: f64| amount >= 0.999_999 && (amount - amount.round()).abs() < 1e-6;
    let found = UNITS
        .into_iter()
        .find(|(_, length)| whole(seconds / length));
    match found {
        Some((name, length)) => format!("{:.0}{name}", seconds / length),
        None => format!("{}us", (seconds * 1e6).round().max(1.0)),
    }
}

/// Removes the rounding error of a difference.
fn rounded(value: f64) -> f64 {
    format!("{value:.9e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::infer::{keys, text};

    fn time(text: &str) -> InferredTime {
        let table = text::read(text.as_bytes(), None, "a.csv").unwrap();
        let keys = keys::find(&table).unwrap();
        describe(&table.columns[keys.time], &keys)
    }

    fn table(header: &str, times: &[&str]) -> String {
        let mut text = format!("{header}\n");
        for unit in ["a", "b"] {
            for (row, time) in times.iter().enumerate() {
                text.push_str(&format!("{unit},{time},{}\n", row % 2));
            }
        }
        text
    }

    #[test]
    fn each_kind_of_time_has_its_step() {
        let hours = [
            "01.02.2026 00:00",
            "01.02.2026 01:00",
            "01.02.2026 02:00",
            "01.02.2026 12:00",
        ];
        let found = time(&table("unit,time,s", &hours));
        assert_eq!(found.kind, InferredTimeKind::Timestamp);
        assert_eq!(found.format.as_deref(), Some("%d.%m.%Y %H:%M"));
        assert_eq!(
            (found.step.as_deref(), found.gaps, found.limit.as_deref()),
            (Some("1h"), 2, Some("6h"))
        );
        let epochs = time(&table(
            "unit,ts,s",
            &["1700000000000", "1700000600000", "1700001200000"],
        ));
        assert_eq!(
            (epochs.kind, epochs.epoch, epochs.step.as_deref()),
            (InferredTimeKind::Timestamp, Some("ms"), Some("10m"))
        );
        let numbers = time(&table(
            "unit,operating hours,s",
            &["0", "10", "20.5", "30.5"],
        ));
        assert_eq!(
            (numbers.kind, numbers.unit, numbers.step.as_deref()),
            (InferredTimeKind::Number, Some("h"), Some("10"))
        );
        let counter = time(&table("unit,cycle,s", &["0", "1", "2", "3"]));
        assert_eq!(
            (counter.kind, counter.step.as_deref()),
            (InferredTimeKind::Counter, Some("1"))
        );
        let cycles = time(&table("unit,cycle,s", &["1", "2", "3"]));
        assert_eq!((cycles.kind, cycles.step), (InferredTimeKind::Cycle, None));
    }

    #[test]
    fn spans_are_written_in_the_largest_whole_unit() {
        for (seconds, text) in [
            (86_400.0, "1d"),
            (5400.0, "90m"),
            (0.25, "250ms"),
            (1.5, "1500ms"),
            (2e-6, "2us"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
