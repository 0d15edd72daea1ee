//! Finds the column that names the units and the one that orders their rows.

use super::columns::{WholeCells, WholeColumn, WholeTable};
use super::error::InferError;
use super::words::{NameHint, hints, is_row_number};
use crate::data::number::shown;

/// Share of the steps of timestamps within units that may go back or repeat: plants deliver rows twice or late.
const DISORDER: f64 = 0.01;
/// Units whose values this many rows share are on average too short to be histories.
const FEWEST_ROWS: usize = 2;

/// The rows of each unit, in the order of the file.
#[derive(Debug, Clone)]
pub(in crate::data) struct UnitRows {
    /// Names, in the order of their first rows.
    pub(in crate::data) names: Vec<String>,
    /// The rows of each unit.
    pub(in crate::data) rows: Vec<Vec<usize>>,
    /// Whether the rows of every unit are consecutive.
    pub(in crate::data) is_contiguous: bool,
}

/// The two columns that make a table a set of histories.
#[derive(Debug, Clone)]
pub(super) struct TableKeys {
    /// The column that names the units; `None` if every file is one unit.
    pub(super) unit: Option<usize>,
    pub(super) time: usize,
    pub(super) units: UnitRows,
    /// Steps back and repeated times within units.
    pub(super) disorder: usize,
    /// Why these columns were chosen.
    pub(super) why: String,
}

/// How well a pair of columns fits.
struct RatedTime {
    time: usize,
    score: i32,
    disorder: usize,
    counts_from_one: bool,
}

impl UnitRows {
    /// Groups the rows by a column.
    ///
    /// # Errors
    /// Why the column cannot name units.
    pub(super) fn by(column: &WholeColumn, rows: usize) -> Result<Self, String> {
        let name = shown(&column.name);
        let missing = column.missing(rows);
        if missing > 0 {
            return Err(format!("{name}: is empty in {missing} of {rows} rows"));
        }
        let grouped = match &column.cells {
            WholeCells::Empty => return Err(format!("{name}: is empty")),
            WholeCells::Times { .. } => return Err(format!("{name}: holds points in time")),
            WholeCells::Texts(texts) => {
                Self::grouped(texts.codes.iter().map(|code| u64::from(*code)), |row| {
                    texts.get(row).unwrap_or_default().to_owned()
                })
            }
            WholeCells::Numbers(values) => {
                if values
                    .iter()
                    .any(|value| value.fract() != 0.0 || value.abs() >= 2_f64.powi(53))
                {
                    return Err(format!("{name}: holds numbers that are not whole"));
                }
                Self::grouped(values.iter().map(|value| value.to_bits()), |row| {
                    format!("{}", values[row])
                })
            }
        };
        let units = grouped.names.len();
        if units * FEWEST_ROWS > rows {
            return Err(format!(
                "{name}: has {units} values in {rows} rows, so hardly any value has a history"
            ));
        }
        Ok(grouped)
    }

    fn grouped(keys: impl Iterator<Item = u64>, name: impl Fn(usize) -> String) -> Self {
        let mut found = std::collections::HashMap::new();
        let mut units = Self {
            names: Vec::new(),
            rows: Vec::new(),
            is_contiguous: true,
        };
        let mut last = usize::MAX;
        for (row, key) in keys.enumerate() {
            let at = *found.entry(key).or_insert(units.rows.len());
            if at == units.rows.len() {
                units.names.push(name(row));
                units.rows.push(Vec::new());
            } else if at != last {
                units.is_contiguous = false;
            }
            units.rows[at].push(row);
            last = at;
        }
        units
    }

    /// Returns the differences between successive values within units, in the order of the rows.
    pub(super) fn steps(&self, values: &[f64]) -> Vec<f64> {
        let pairs = self.rows.iter().flat_map(|rows| rows.windows(2));
        pairs
            .map(|pair| values[pair[1]] - values[pair[0]])
            .collect()
    }
}

/// Finds the pair of columns that fits best by structure and names.
///
/// # Errors
/// No pair fits; each column is listed with the reason.
pub(super) fn find(table: &WholeTable) -> Result<TableKeys, InferError> {
    // Columns that could name units but have no time come first: they are the likeliest mistakes.
    let (mut near, mut far) = (Vec::new(), Vec::new());
    let mut best: Option<(i32, TableKeys)> = None;
    for (at, column) in table.columns.iter().enumerate() {
        let units = match UnitRows::by(column, table.rows) {
            Ok(units) => units,
            Err(reason) => {
                far.push(reason);
                continue;
            }
        };
        let time = refuse_single(column, &units).and_then(|()| best_time(table, at, &units));
        let time = match time {
            Ok(time) => time,
            Err(reason) => {
                near.push(reason);
                continue;
            }
        };
        let score = time.score + unit_score(column, &units);
        if best.as_ref().is_none_or(|(most, _)| score > *most) {
            let why = why(table, &units, &time);
            let keys = TableKeys {
                unit: Some(at),
                time: time.time,
                units,
                disorder: time.disorder,
                why,
            };
            best = Some((score, keys));
        }
    }
    match best {
        Some((_, keys)) => Ok(keys),
        None => Err(InferError::NoUnits {
            file: table.file.clone(),
            reasons: [near, far].concat(),
        }),
    }
}

/// Finds the column that orders the rows of files that are one unit each.
///
/// # Errors
/// No column rises in every file; the reason.
pub(super) fn find_time(table: &WholeTable, units: UnitRows) -> Result<TableKeys, String> {
    let time = best_time(table, usize::MAX, &units)?;
    let column = &table.columns[time.time];
    let name = shown(&column.name);
    let is_clear = column.is_time() || hints(&column.name, NameHint::Time);
    if units.names.len() == 1 && !is_clear {
        return Err(format!(
            "{name} rises, but neither its values nor its name say that it is a time"
        ));
    }
    let why = format!(
        "no column names the units, but {name} rises in {}",
        match units.names.len() {
            1 => "the whole file, which is one unit".to_owned(),
            files => format!("each of the {files} files"),
        }
    );
    Ok(TableKeys {
        unit: None,
        time: time.time,
        units,
        disorder: time.disorder,
        why,
    })
}

/// A single value names a unit only if the column is called like one.
fn refuse_single(column: &WholeColumn, units: &UnitRows) -> Result<(), String> {
    if units.names.len() > 1 || hints(&column.name, NameHint::Unit) {
        return Ok(());
    }
    Err(format!(
        "{}: has the same value in every row",
        shown(&column.name)
    ))
}

fn best_time(table: &WholeTable, unit: usize, units: &UnitRows) -> Result<RatedTime, String> {
    let mut best: Option<RatedTime> = None;
    let mut nearest: Option<(usize, String)> = None;
    for (at, column) in table.columns.iter().enumerate() {
        let Some(values) = column.ordered().filter(|_| at != unit) else {
            continue;
        };
        let disorder = units
            .steps(values)
            .iter()
            .filter(|step| step.is_nan() || **step <= 0.0)
            .count();
        let most = if column.is_time() {
            (table.rows as f64 * DISORDER) as usize
        } else {
            0
        };
        if disorder > most || values.iter().any(|value| value.is_nan()) {
            if nearest.as_ref().is_none_or(|(least, _)| disorder < *least) {
                nearest = Some((disorder, column.name.clone()));
            }
            continue;
        }
        let counts_from_one = counts_from_one(units, values);
        let score = time_score(column, values, counts_from_one) - i32::from(disorder > 0);
        if best.as_ref().is_none_or(|best| score > best.score) {
            best = Some(RatedTime {
                time: at,
                score,
                disorder,
                counts_from_one,
            });
        }
    }
    let name = table
        .columns
        .get(unit)
        .map_or_else(String::new, |column| format!("{}: ", shown(&column.name)));
    best.ok_or_else(|| match nearest {
        Some((0, nearest)) => format!("{name}{} rises within the units, but has empty cells", shown(&nearest)),
        Some((times, nearest)) => format!(
            "{name}no column rises within its {} values; {} comes closest, and falls or repeats {times} times",
            units.names.len(),
            shown(&nearest)
        ),
        None => format!("{name}there is no other column with numbers or times"),
    })
}

/// Returns whether the values are 1, 2, 3, … in every unit.
pub(super) fn counts_from_one(units: &UnitRows, values: &[f64]) -> bool {
    units.rows.iter().all(|rows| {
        (1..)
            .zip(rows)
            .all(|(cycle, row): (u32, _)| values[*row] == f64::from(cycle))
    })
}

fn unit_score(column: &WholeColumn, units: &UnitRows) -> i32 {
    let named = hints(&column.name, NameHint::Unit);
    let misnamed =
        !named && (hints(&column.name, NameHint::Time) || hints(&column.name, NameHint::Setting));
    let is_text = matches!(column.cells, WholeCells::Texts(_));
    4 * i32::from(named) - 4 * i32::from(misnamed)
        + 2 * i32::from(units.is_contiguous)
        + i32::from(is_text)
        - 2 * i32::from(units.names.len() == 1)
}

fn time_score(column: &WholeColumn, values: &[f64], counts_from_one: bool) -> i32 {
    let named = hints(&column.name, NameHint::Time);
    let misnamed = !named && hints(&column.name, NameHint::Unit);
    // A row number rises through the whole file, and so within any unit.
    let numbers_rows = !column.is_time() && values.windows(2).all(|pair| pair[1] > pair[0]);
    let is_row_number = is_row_number(&column.name);
    3 * i32::from(named) - 4 * i32::from(misnamed)
        + 3 * i32::from(counts_from_one)
        + 3 * i32::from(column.is_time())
        - 2 * i32::from(numbers_rows && !named)
        - 3 * i32::from(is_row_number)
}

fn why(table: &WholeTable, units: &UnitRows, time: &RatedTime) -> String {
    let order = if units.is_contiguous {
        "in consecutive rows"
    } else {
        "interleaved"
    };
    let course = if time.counts_from_one {
        "counts 1, 2, 3, … in each"
    } else {
        "rises in each"
    };
    let noun = if units.names.len() == 1 {
        "value"
    } else {
        "values"
    };
    format!(
        "{} {noun} {order}; {} {course}",
        units.names.len(),
        shown(&table.columns[time.time].name)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::infer::text::read;

    fn keys(text: &str) -> Result<(String, String), InferError> {
        let table = read(text.as_bytes(), None, "a.csv")?;
        let keys = find(&table)?;
        let name = |at: usize| table.columns[at].name.clone();
        Ok((keys.unit.map(name).unwrap_or_default(), name(keys.time)))
    }

    fn rows(header: &str, row: impl Fn(u32, u32) -> String) -> String {
        let mut text = format!("{header}\n");
        for unit in 1..=4 {
            for cycle in 1..=(5 + unit) {
                text.push_str(&row(unit, cycle));
                text.push('\n');
            }
        }
        text
    }

    #[test]
    fn units_and_cycles_are_found_by_name_and_structure() {
        let plain = rows("unit,cycle,s", |unit, cycle| {
            format!("{unit},{cycle},{}", f64::from(cycle) / 7.0)
        });
        assert_eq!(keys(&plain).unwrap(), ("unit".into(), "cycle".into()));
        let foreign = rows("x,y,z", |unit, cycle| {
            format!("K{unit},{cycle},{}", cycle % 3)
        });
        assert_eq!(keys(&foreign).unwrap(), ("x".into(), "y".into()));
        let numbered = rows(",cycle,serial no,s", |unit, cycle| {
            format!("{},{cycle},{unit},{}", unit * 100 + cycle, cycle % 2)
        });
        assert_eq!(
            keys(&numbered).unwrap(),
            ("serial no".into(), "cycle".into())
        );
    }

    #[test]
    fn interleaved_units_are_found_by_their_times() {
        let mut text = "time,machine,load\n".to_owned();
        for hour in 0..12 {
            for machine in 1..=3 {
                text.push_str(&format!("2026-01-01 {hour:02}:00,{machine},{}\n", hour % 2));
            }
        }
        assert_eq!(keys(&text).unwrap(), ("machine".into(), "time".into()));
    }

    #[test]
    fn without_units_each_column_is_listed_with_the_reason() {
        let error = keys("load,temp\n1.5,3\n2.5,2\n1.5,4\n2.5,1\n").unwrap_err();
        assert_eq!(error.code(), pdm_core::codes::Code::NoUnitColumn);
        let text = error.to_string();
        assert!(
            text.contains("`load`: holds numbers that are not whole"),
            "{text}"
        );
        assert!(text.contains("`temp`: has 4 values in 4 rows"), "{text}");
    }
}
