//! Drafts a pipeline from data files: finds units, time, settings, sensors and the end of lives, each with the reason.
//!
//! [`infer`] reads whole files, decides by the structure of the data and uses names only to choose between columns that fit
//! equally well. [`Inference::toml`] writes what was found as a commented pipeline.

mod cells;
mod columns;
mod draft;
mod error;
mod events;
mod files;
mod instants;
mod keys;
mod life;
mod plateaus;
mod roles;
mod shares;
mod step;
mod text;
mod toml_text;
mod words;

use serde::Serialize;

pub(super) use columns::{TextCells, WholeCells, WholeColumn, WholeTable};
pub(super) use keys::UnitRows;
pub(super) use life::LifeRows;
pub(super) use plateaus::{levels, nearest};

pub use columns::TextWriting;
pub use error::InferError;
pub use files::{FileUse, InferFile, InferredFile};
pub use life::{InferredEnd, InferredEvents, InferredLife, ObservedLife};
pub use roles::{InferredColumn, InferredRole};
pub use shares::InferredSplit;
pub use step::{InferredTime, InferredTimeKind};

use files::SortedFiles;
use keys::TableKeys;
use life::LabelColumns;
use pdm_core::domain::UnitId;

/// What was found in data files, each value with its reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inference {
    /// The files and what they are for.
    pub files: Vec<InferredFile>,
    /// How text files are written; absent for Parquet.
    pub writing: Option<TextWriting>,
    /// The units.
    pub unit: InferredUnit,
    /// What orders the rows of a unit.
    pub time: InferredTime,
    /// Where lives end.
    pub life: InferredLife,
    /// Every column.
    pub columns: Vec<InferredColumn>,
    /// Cells that mean "no value", other than empty ones.
    pub missing: Vec<String>,
    /// How units are divided for judging.
    pub split: InferredSplit,
    /// Rows of all training files.
    pub rows: usize,
    /// What the user should look at.
    pub notes: Vec<String>,
}

/// How units are named.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InferredUnit {
    /// The column; absent if every file is one unit.
    pub column: Option<String>,
    /// The regular expression that takes the unit from a path; absent with a column.
    pub from: Option<String>,
    /// Number of units.
    pub units: usize,
    /// Whether the rows of every unit are consecutive.
    pub contiguous: bool,
    /// Median number of rows of a unit.
    pub median_rows: usize,
    /// Why.
    pub why: String,
}

/// What was found, with the data it was found in.
pub(super) struct InferredData {
    pub(super) facts: Inference,
    pub(super) table: WholeTable,
    pub(super) units: UnitRows,
    pub(super) time: usize,
}

/// Reads files of one data set and finds what a pipeline needs to know.
///
/// # Errors
/// A file cannot be read, or no columns can be units, time and sensors.
pub fn infer(files: &[InferFile]) -> Result<Inference, InferError> {
    Ok(infer_data(files)?.facts)
}

pub(super) fn infer_data(files: &[InferFile]) -> Result<InferredData, InferError> {
    let mut sorted = SortedFiles::read(files)?;
    let keys = sorted.keys()?;
    let table = &sorted.histories;
    let labels = LabelColumns::of(table, &keys);
    let columns = roles::decide(table, &keys, |at| labels.why[at].clone());
    refuse_without_sensors(table, &keys, &columns)?;
    let life = match sorted.take_events(&keys) {
        Some(events) => events.life(&sorted.histories, &keys),
        None => labels.life(&sorted.histories, &keys),
    };
    let table = sorted.histories;
    let time = step::describe(&table.columns[keys.time], &keys);
    let ids: Vec<UnitId> = keys.units.names.iter().map(UnitId::new).collect();
    let is_used = |role| matches!(role, InferredRole::Setting | InferredRole::Sensor);
    let used = columns
        .iter()
        .zip(&table.columns)
        .filter(|(column, _)| is_used(column.role));
    let mut missing: Vec<String> = used.flat_map(|(_, column)| column.marks.clone()).collect();
    missing.sort();
    missing.dedup();
    let has_test = sorted.files.iter().any(|file| file.is_for == FileUse::Test);
    let facts = Inference {
        split: InferredSplit::of(&ids, has_test),
        unit: described_unit(&table, &keys, &sorted.files),
        notes: notes(&table, &columns, &time, &keys, &sorted.unused),
        writing: table.writing.clone(),
        rows: table.rows,
        files: sorted.files,
        time,
        life,
        columns,
        missing,
    };
    Ok(InferredData {
        facts,
        time: keys.time,
        units: keys.units,
        table,
    })
}

fn refuse_without_sensors(
    table: &WholeTable,
    keys: &TableKeys,
    columns: &[InferredColumn],
) -> Result<(), InferError> {
    if columns
        .iter()
        .any(|column| column.role == InferredRole::Sensor)
    {
        return Ok(());
    }
    let name = |at: usize| table.columns[at].name.clone();
    Err(InferError::NoSensors {
        file: table.file.clone(),
        unit: keys.unit.map_or_else(|| "the file name".to_owned(), name),
        time: name(keys.time),
    })
}

fn described_unit(table: &WholeTable, keys: &TableKeys, files: &[InferredFile]) -> InferredUnit {
    let mut lengths: Vec<usize> = keys.units.rows.iter().map(Vec::len).collect();
    lengths.sort_unstable();
    InferredUnit {
        column: keys.unit.map(|at| table.columns[at].name.clone()),
        from: keys.unit.is_none().then(|| files::unit_pattern(files)),
        units: keys.units.names.len(),
        contiguous: keys.units.is_contiguous,
        median_rows: lengths
            .get(lengths.len().saturating_sub(1) / 2)
            .copied()
            .unwrap_or(0),
        why: keys.why.clone(),
    }
}

fn notes(
    table: &WholeTable,
    columns: &[InferredColumn],
    time: &InferredTime,
    keys: &TableKeys,
    unused: &[String],
) -> Vec<String> {
    let mut notes: Vec<String> = unused.to_vec();
    if are_snapshots(table, keys) {
        notes.push(format!(
            "`{}` is the same in all files: they may be snapshots of a few units, of which each should become one row",
            time.column
        ));
    }
    if table.misshapen > 0 {
        notes.push(format!(
            "{} rows have more or fewer fields than the header and were not used",
            table.misshapen
        ));
    }
    let with_gaps: Vec<&str> = columns
        .iter()
        .filter(|column| column.missing > 0 && column.range.is_some())
        .map(|column| column.name.as_str())
        .collect();
    if !with_gaps.is_empty() {
        notes.push(format!(
            "columns with empty cells: {}",
            with_gaps.join(", ")
        ));
    }
    if time.disorder > 0 {
        notes.push(format!(
            "{} times go back or repeat within their unit",
            time.disorder
        ));
    }
    let form = table
        .columns
        .iter()
        .find(|column| column.name == time.column);
    if let Some(WholeCells::Times {
        form: Some(form), ..
    }) = form.map(|column| &column.cells)
        && form.is_ambiguous
    {
        notes.push(format!(
            "day and month of `{}` could be exchanged; the order of the rows decided",
            time.column
        ));
    }
    notes
}

/// Returns whether many files that would be units have the same times, as records of a vibration sensor have.
fn are_snapshots(table: &WholeTable, keys: &TableKeys) -> bool {
    const FEWEST: usize = 5;
    let (None, Some(times)) = (keys.unit, table.columns[keys.time].ordered()) else {
        return false;
    };
    let [first, others @ ..] = keys.units.rows.as_slice() else {
        return false;
    };
    let is_same = |rows: &Vec<usize>| {
        rows.len() == first.len() && rows.iter().zip(first).all(|(a, b)| times[*a] == times[*b])
    };
    others.len() + 1 >= FEWEST && others.iter().all(is_same)
}

impl InferredData {
    /// Returns seconds, or the unit of other times.
    pub(super) fn smallest_measure(&self) -> TimeMeasure {
        let per_second = match self.facts.time.epoch {
            Some("ms") => 1e3,
            Some("us") => 1e6,
            Some("ns") => 1e9,
            Some(_) | None => 1.0,
        };
        let name = match self.facts.time.kind {
            InferredTimeKind::Cycle => "cycles",
            InferredTimeKind::Timestamp => "seconds",
            InferredTimeKind::Counter | InferredTimeKind::Number => {
                self.facts.time.unit.unwrap_or("steps of the time column")
            }
        };
        TimeMeasure {
            name,
            length: per_second,
        }
    }

    /// Returns the largest measure of times in which the median life is at least ten.
    pub(super) fn measure(&self) -> TimeMeasure {
        const SPANS: [(&str, f64); 3] = [("days", 86_400.0), ("hours", 3600.0), ("minutes", 60.0)];
        let smallest = self.smallest_measure();
        if self.facts.time.kind != InferredTimeKind::Timestamp {
            return smallest;
        }
        let mut lengths: Vec<f64> = self
            .facts
            .life
            .lives
            .iter()
            .map(|life| life.length)
            .collect();
        lengths.sort_by(f64::total_cmp);
        let median = lengths.get(lengths.len() / 2).copied().unwrap_or(0.0);
        let larger = SPANS.map(|(name, seconds)| TimeMeasure {
            name,
            length: seconds * smallest.length,
        });
        let fits = |measure: &TimeMeasure| median / measure.length >= 10.0;
        larger.into_iter().find(fits).unwrap_or(smallest)
    }
}

/// What times are counted in.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeMeasure {
    /// Its name, in the plural.
    pub(super) name: &'static str,
    /// How many of the numbers of the time column it is.
    pub(super) length: f64,
}
