//! Decides what each column is for: settings, sensors, or left out, with the reason.

use serde::Serialize;

use super::columns::{WholeCells, WholeColumn, WholeTable};
use super::keys::{TableKeys, UnitRows};
use super::plateaus::levels;
use super::words::{NameHint, hints, is_row_number};
use crate::data::profile::statistics::known_ascending;
use pdm_core::statistics::quantile;

/// The share of the range by which the drafted range of a column is wider on both sides.
const MARGIN: f64 = 0.25;
/// Distances between quartiles beyond which an extreme value looks like a placeholder.
const FAR: f64 = 50.0;
/// The largest correlation with time within units at which a column still counts as set from outside.
const TREND: f64 = 0.3;

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InferredRole {
    /// Names the unit.
    Unit,
    /// Orders the rows of a unit.
    Time,
    /// An operating condition.
    Setting,
    /// A measured value.
    Sensor,
    /// Gives the remaining life or the failure.
    Label,
    /// Not used.
    LeftOut,
}

/// A column, what it is for, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InferredColumn {
    /// Name of the column.
    pub name: String,
    /// What it is for.
    pub role: InferredRole,
    /// Why.
    pub why: String,
    /// Cells without a value.
    pub missing: usize,
    /// The range of plausible values that the draft declares; absent for columns that are not read.
    pub range: Option<[f64; 2]>,
}

/// Decides over all columns. `label` says why a column would give the end of a life away.
pub(super) fn decide(
    table: &WholeTable,
    keys: &TableKeys,
    label: impl Fn(usize) -> Option<String>,
) -> Vec<InferredColumn> {
    let mut columns = Vec::with_capacity(table.columns.len());
    for (at, column) in table.columns.iter().enumerate() {
        let (role, why) = if Some(at) == keys.unit {
            (InferredRole::Unit, keys.why.clone())
        } else if at == keys.time {
            (InferredRole::Time, "rises within each unit".to_owned())
        } else if let Some(why) = label(at) {
            (InferredRole::Label, why)
        } else {
            role_of(table, keys, column)
        };
        let missing = column.missing(table.rows);
        columns.push(InferredColumn {
            name: column.name.clone(),
            role,
            why,
            missing,
            range: None,
        });
    }
    prefer_named_settings(&mut columns);
    for (at, column) in columns.iter_mut().enumerate() {
        declare_range(column, table.columns[at].numbers());
    }
    columns
}

fn role_of(table: &WholeTable, keys: &TableKeys, column: &WholeColumn) -> (InferredRole, String) {
    let left_out = |why: String| (InferredRole::LeftOut, why);
    let values = match &column.cells {
        WholeCells::Empty => return left_out("empty".to_owned()),
        WholeCells::Times { .. } => {
            return left_out("points in time, not measured values".to_owned());
        }
        WholeCells::Texts(texts) => {
            return left_out(described_texts(texts.names.len(), column, &keys.units));
        }
        WholeCells::Numbers(values) => values,
    };
    if column.name.is_empty() {
        return left_out("has no name".to_owned());
    }
    if let Some(why) = useless(table, keys, column, values) {
        return left_out(why);
    }
    let named = hints(&column.name, NameHint::Setting) || hints(&column.name, NameHint::Condition);
    let trend = trend(&keys.units, values);
    match levels(values) {
        Some(levels) if trend < TREND && changes(&keys.units, values) => (
            InferredRole::Setting,
            format!(
                "changes between {} levels, whatever the age of the unit",
                levels.len()
            ),
        ),
        Some(_) | None if named && trend < TREND => (
            InferredRole::Setting,
            "is called like an operating condition and does not follow the age of the unit"
                .to_owned(),
        ),
        Some(_) | None => (InferredRole::Sensor, String::new()),
    }
}

fn described_texts(distinct: usize, column: &WholeColumn, units: &UnitRows) -> String {
    let Some(texts) = column.texts() else {
        return String::new();
    };
    let is_fact = units.rows.iter().all(|rows| {
        rows.iter()
            .all(|row| texts.codes[*row] == texts.codes[rows[0]])
    });
    let fact = if is_fact {
        ", the same in all rows of a unit"
    } else {
        ""
    };
    format!("text with {distinct} values{fact}; sensors are numbers")
}

/// Returns why a column of numbers says nothing about wear.
fn useless(
    table: &WholeTable,
    keys: &TableKeys,
    column: &WholeColumn,
    values: &[f64],
) -> Option<String> {
    let known = values.iter().copied().filter(|value| !value.is_nan());
    let first = known.clone().next()?;
    if known.clone().all(|value| value == first) {
        return Some(format!("constant: {first} in every row"));
    }
    let units = &keys.units;
    let within = |rows: &Vec<usize>| {
        rows.iter()
            .all(|row| values[*row] == values[rows[0]] || values[*row].is_nan())
    };
    if units.names.len() > 1 && units.rows.iter().all(within) {
        return Some("the same in all rows of a unit".to_owned());
    }
    if is_row_number(&column.name) && values.windows(2).all(|pair| pair[1] > pair[0]) {
        return Some("numbers the rows".to_owned());
    }
    let name = &table.columns[keys.time].name;
    let times = table.columns[keys.time].ordered()?;
    counts_along(units, times, values)
        .then(|| format!("rises in step with `{name}`, so it is a second count of time"))
}

/// Returns whether a column differs from the time by a constant factor and a constant shift in each unit.
fn counts_along(units: &UnitRows, times: &[f64], values: &[f64]) -> bool {
    let mut ratio = None;
    for rows in &units.rows {
        for pair in rows.windows(2) {
            let slope = (values[pair[1]] - values[pair[0]]) / (times[pair[1]] - times[pair[0]]);
            let first = *ratio.get_or_insert(slope);
            if slope.is_nan() || slope <= 0.0 || (slope / first - 1.0).abs() > 1e-6 {
                return false;
            }
        }
    }
    ratio.is_some()
}

/// Returns whether the level changes within units at least once on average.
fn changes(units: &UnitRows, values: &[f64]) -> bool {
    let changed = units
        .steps(values)
        .into_iter()
        .filter(|step| step.abs() > 0.0)
        .count();
    changed >= units.names.len()
}

/// Returns the mean over units of the absolute correlation of a column with the position of the row, from 0 to 1.
fn trend(units: &UnitRows, values: &[f64]) -> f64 {
    let mut sum = 0.0;
    let mut judged = 0.0;
    for rows in units.rows.iter().filter(|rows| rows.len() > 2) {
        let course: Vec<f64> = rows.iter().map(|row| values[*row]).collect();
        sum += correlation_with_position(&course).abs();
        judged += 1.0;
    }
    if judged > 0.0 { sum / judged } else { 0.0 }
}

fn correlation_with_position(course: &[f64]) -> f64 {
    let known: Vec<(f64, f64)> = (0..)
        .zip(course)
        .filter(|(_, y)| !y.is_nan())
        .map(|(x, y)| (f64::from(x), *y))
        .collect();
    let count = known.len() as f64;
    let mean_x = known.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = known.iter().map(|(_, y)| y).sum::<f64>() / count;
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in known {
        xy += (x - mean_x) * (y - mean_y);
        xx += (x - mean_x).powi(2);
        yy += (y - mean_y).powi(2);
    }
    if xx * yy > 0.0 {
        xy / (xx * yy).sqrt()
    } else {
        0.0
    }
}

/// If some settings are called like settings, other columns with few levels are measured: they follow the settings.
fn prefer_named_settings(columns: &mut [InferredColumn]) {
    let is_setting = |column: &InferredColumn| column.role == InferredRole::Setting;
    let is_named =
        |column: &InferredColumn| is_setting(column) && hints(&column.name, NameHint::Setting);
    if columns.iter().any(is_named) {
        for column in columns
            .iter_mut()
            .filter(|column| is_setting(column) && !is_named(column))
        {
            column.role = InferredRole::Sensor;
            column
                .why
                .push_str("; other columns are called like settings");
        }
    }
    // A model needs a sensor: without one, what has few levels is the measurement.
    if !columns
        .iter()
        .any(|column| column.role == InferredRole::Sensor)
    {
        for column in columns.iter_mut().filter(|column| is_setting(column)) {
            column.role = InferredRole::Sensor;
        }
    }
}

fn declare_range(column: &mut InferredColumn, values: Option<&[f64]>) {
    let Some(values) =
        values.filter(|_| matches!(column.role, InferredRole::Setting | InferredRole::Sensor))
    else {
        return;
    };
    let sorted = known_ascending(values);
    let (Some(first), Some(last)) = (sorted.first().copied(), sorted.last().copied()) else {
        return;
    };
    let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share));
    let far = FAR * (high - low).max(middle.abs() * 1e-3);
    let mut within = sorted
        .iter()
        .copied()
        .filter(|value| (value - middle).abs() <= far || high == low);
    let lowest = within.next().unwrap_or(first);
    let highest = within.next_back().unwrap_or(lowest);
    let extremes: Vec<String> = [(first, lowest), (last, highest)]
        .into_iter()
        .filter(|(extreme, kept)| extreme != kept)
        .map(|(extreme, _)| extreme.to_string())
        .collect();
    if !extremes.is_empty() {
        let words = format!(
            "{} is far from all other values and may stand for a missing one",
            extremes.join(" or ")
        );
        column.why = if column.why.is_empty() {
            words
        } else {
            format!("{}; {words}", column.why)
        };
    }
    column.range = Some(widened(lowest, highest));
}

/// Returns a wider range with two digits of the width; one that does not change sign.
fn widened(lowest: f64, highest: f64) -> [f64; 2] {
    let width = (highest - lowest)
        .max(highest.abs() * 1e-6)
        .max(f64::MIN_POSITIVE);
    let digit = 10_f64.powi(width.log10().floor() as i32 - 1);
    let tidy = |value: f64| format!("{value:.12e}").parse::<f64>().unwrap_or(value);
    let mut low = tidy(((lowest - MARGIN * width) / digit).floor() * digit);
    let mut high = tidy(((highest + MARGIN * width) / digit).ceil() * digit);
    if lowest >= 0.0 {
        low = low.max(0.0);
    }
    if highest <= 0.0 {
        high = high.min(0.0);
    }
    [low.min(lowest), high.max(highest)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::infer::{keys, text};

    /// The columns of three units of 40 rows, as `name: role`.
    fn roles(header: &str, row: impl Fn(u32, u32) -> String) -> Vec<InferredColumn> {
        let mut csv = format!("unit,cycle,{header}\n");
        for unit in 1..=3 {
            for cycle in 1..=40 {
                csv.push_str(&format!("{unit},{cycle},{}\n", row(unit, cycle)));
            }
        }
        let table = text::read(csv.as_bytes(), None, "a.csv").unwrap();
        let keys = keys::find(&table).unwrap();
        decide(&table, &keys, |_| None)
    }

    #[test]
    fn columns_are_divided_by_their_course() {
        let columns = roles("load,temp,fixed,site,hours,kind", |unit, cycle| {
            let load = [10.0, 50.0, 90.0][((cycle * 7 + unit) % 3) as usize];
            format!(
                "{load},{},5,{unit},{},A{unit}",
                f64::from(cycle * cycle) / 100.0 + load,
                cycle * 10
            )
        });
        let found: Vec<_> = columns
            .iter()
            .skip(2)
            .map(|column| (column.name.as_str(), column.role))
            .collect();
        let expected = [
            ("load", InferredRole::Setting),
            ("temp", InferredRole::Sensor),
            ("fixed", InferredRole::LeftOut),
            ("site", InferredRole::LeftOut),
            ("hours", InferredRole::LeftOut),
            ("kind", InferredRole::LeftOut),
        ];
        assert_eq!(found, expected, "{columns:#?}");
        assert_eq!(columns[4].why, "constant: 5 in every row");
        assert_eq!(columns[5].why, "the same in all rows of a unit");
        assert!(
            columns[6].why.contains("second count of time"),
            "{}",
            columns[6].why
        );
    }

    #[test]
    fn a_range_covers_the_values_and_leaves_placeholders_out() {
        let columns = roles("temp", |unit, cycle| match (unit, cycle) {
            (2, 7) => "-9999".to_owned(),
            _ => format!("{}", 20.0 + f64::from(cycle) / 10.0),
        });
        let temp = &columns[2];
        assert_eq!(temp.range, Some([19.1, 25.0]), "{temp:?}");
        assert!(
            temp.why.contains("-9999 is far from all other values"),
            "{}",
            temp.why
        );
        assert_eq!(widened(0.0, 8.0), [0.0, 10.0]);
    }
}
