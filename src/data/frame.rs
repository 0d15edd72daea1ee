//! The quick readers: polars parses what is well formed; anything else is left to the strict reader.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use polars::prelude::*;

use super::Expectation;
use super::findings::{FindingLog, Place};
use super::number;
use super::rows::{Rows, Run, runs};
use super::scan::Layout;
use super::table::{Columns, find};
use crate::domain::UnitId;

/// The most cells a Parquet file may claim to hold.
const MOST_CELLS: usize = 1 << 28;

/// Reads lines of `width` numbers divided by single blanks, unit and cycle first; `None` unless all is well.
pub(super) fn blank_separated(bytes: &[u8], width: usize) -> Option<Rows> {
    let first = bytes.split(|byte| *byte == b'\n').next()?;
    let first = first.strip_suffix(b"\r").unwrap_or(first);
    let trailing = first.iter().rev().take_while(|byte| **byte == b' ').count();
    if !bytes.ends_with(b"\n") || first.split(|byte| *byte == b' ').count() != width + trailing {
        return None;
    }
    let dtype = |column| if column < 2 { DataType::Int64 } else { DataType::Float64 };
    let frame = parse(bytes, b' ', (0..width + trailing).map(dtype), None)?;
    let columns = frame.columns();
    let (units, cycles) = (counts(&columns[0])?, counts(&columns[1])?);
    let channels = columns[2..width].iter().map(finite).collect::<Option<_>>()?;
    let blank = columns[width..].iter().all(|column| column.null_count() == column.len());
    (blank && frame.height() == line_ends(bytes)).then(|| Rows::consecutive(numbered(&units), cycles, channels, 1))
}

/// Reads the lines below a CSV header; `None` unless all is well.
pub(super) fn comma_separated(body: &[u8], layout: &Layout) -> Option<Rows> {
    let dtype = |column| match column {
        column if Some(column) == layout.cycle => DataType::Int64,
        column if layout.channels.contains(&column) => DataType::Float64,
        _ => DataType::String,
    };
    let mut wanted: Vec<_> = layout.channels.clone();
    wanted.extend(layout.cycle);
    wanted.push(layout.unit);
    wanted.sort_unstable();
    let frame = parse(body, b',', (0..layout.names.len()).map(dtype), Some(wanted))?;
    let column = |at: usize| frame.column(&format!("{at}")).ok();
    let units = column(layout.unit)?.str().ok()?.clone();
    let cycles = match layout.cycle {
        Some(at) => counts(column(at)?)?,
        None => vec![0; frame.height()],
    };
    let channels = layout.channels.iter().map(|at| finite(column(*at)?)).collect::<Option<_>>()?;
    let whole = frame.height() == line_ends(body) + usize::from(!body.is_empty() && !body.ends_with(b"\n"));
    let named = units.iter().all(|unit| unit.is_some_and(|unit| !unit.trim().is_empty()));
    (whole && named).then(|| Rows::consecutive(texts(&units), cycles, channels, 2))
}

/// Reads a Parquet file by name of column; what is wrong goes to the log, `None` where that is everything.
pub(super) fn parquet(bytes: &[u8], columns: &Columns<'_>, file: &str, log: &mut FindingLog) -> Option<Rows> {
    let place = Place::file(file);
    if !(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1")) {
        log.error(Expectation::Complete, place, "is not a Parquet file, or not a whole one");
        return None;
    }
    // Polars panics on some damaged files and on column types it was built without.
    let frame = catch_unwind(AssertUnwindSafe(|| projected(bytes, columns, place, log)));
    let frame = frame.unwrap_or_else(|_| Err(polars_err!(ComputeError: "damaged, or with columns of an unknown type")));
    match frame {
        Ok(frame) => converted(&frame?, columns, place, log),
        Err(error) => {
            log.error(Expectation::Complete, place, format!("cannot be read as Parquet: {error}"));
            None
        }
    }
}

fn projected(
    bytes: &[u8],
    columns: &Columns<'_>,
    place: Place<'_>,
    log: &mut FindingLog,
) -> PolarsResult<Option<DataFrame>> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let names: Vec<String> = reader.schema()?.iter_names().map(ToString::to_string).collect();
    let wanted: Vec<&str> = [columns.unit].into_iter().chain(columns.cycle).chain(columns.channels.clone()).collect();
    let found: Vec<_> = wanted.iter().map(|name| find(&names, name, place, log)).collect();
    if found.contains(&None) {
        return Ok(None);
    }
    let rows = reader.num_rows()?;
    polars_ensure!(rows <= MOST_CELLS / wanted.len(), ComputeError: "it claims to hold {rows} rows");
    let reader = reader.with_columns(Some(wanted.into_iter().map(str::to_owned).collect()));
    match rayon::current_num_threads() {
        // Polars has threads of its own, one per core.
        1 => reader.read_parallel(ParallelStrategy::None).finish().map(Some),
        _ => reader.finish().map(Some),
    }
}

fn converted(frame: &DataFrame, columns: &Columns<'_>, place: Place<'_>, log: &mut FindingLog) -> Option<Rows> {
    let units = unit_names(frame.column(columns.unit).ok()?, place.column(columns.unit), log);
    let cycles = columns.cycle.map(|name| (name, numbers(frame, name, place, log)));
    let channels: Vec<_> = columns.channels.iter().map(|name| numbers(frame, name, place, log)).collect();
    let cycles = match cycles {
        Some((name, values)) => whole(&values?, place.column(name), log)?,
        None => vec![0; frame.height()],
    };
    let (units, channels): (_, Vec<Vec<f64>>) = (units?, channels.into_iter().collect::<Option<_>>()?);
    if channels.iter().any(|channel| channel.len() != units.len()) || cycles.len() != units.len() {
        log.error(Expectation::Complete, place, "has columns of different lengths");
        return None;
    }
    Some(Rows::consecutive(texts(&units), cycles, channels, 1))
}

fn unit_names(column: &Column, place: Place<'_>, log: &mut FindingLog) -> Option<StringChunked> {
    let named = column.dtype().is_string() || column.dtype().is_integer();
    if !named {
        let message = format!("holds {}, where names or whole numbers of units are expected", column.dtype());
        log.error(Expectation::Types, place, message);
        return None;
    }
    let names = column.cast(&DataType::String).ok()?.str().ok()?.clone();
    let empty = |name: Option<&str>| name.is_none_or(|name| name.trim().is_empty());
    let gaps: Vec<_> = (1..).zip(names.iter()).filter(|(_, name)| empty(*name)).map(|(row, _)| row).collect();
    for row in &gaps {
        log.error(
            Expectation::Finite,
            place.line(*row),
            format!("column {} is empty", place.column.unwrap_or_default()),
        );
    }
    gaps.is_empty().then_some(names)
}

/// Returns a numeric column, with `NaN` for the cells whose findings it notes.
fn numbers(frame: &DataFrame, name: &str, place: Place<'_>, log: &mut FindingLog) -> Option<Vec<f64>> {
    let (column, place) = (frame.column(name).ok()?, place.column(name));
    if !column.dtype().is_primitive_numeric() {
        let message = format!("column {name} holds {}, where numbers are expected", column.dtype());
        log.error(Expectation::Types, place, message);
        return None;
    }
    let column = column.cast(&DataType::Float64).ok()?;
    let mut values = Vec::with_capacity(column.len());
    for (row, value) in (1..).zip(column.f64().ok()?.iter()) {
        if !value.is_some_and(f64::is_finite) {
            let told = value.map_or("is empty".to_owned(), |value| format!("holds {value}, not a finite number"));
            log.error(Expectation::Finite, place.line(row), format!("column {name} {told}"));
        }
        values.push(value.filter(|value| value.is_finite()).unwrap_or(f64::NAN));
    }
    Some(values)
}

fn whole(values: &[f64], place: Place<'_>, log: &mut FindingLog) -> Option<Vec<u32>> {
    let mut whole = Vec::with_capacity(values.len());
    for (row, value) in (1..).zip(values) {
        match number::as_whole(*value) {
            Ok(cycle) => whole.push(cycle),
            Err(_) if value.is_nan() => {}
            Err(problem) => log.error(Expectation::Types, place.line(row), format!("`{value}` {problem}")),
        }
    }
    (whole.len() == values.len()).then_some(whole)
}

fn parse(
    bytes: &[u8],
    separator: u8,
    dtypes: impl Iterator<Item = DataType>,
    wanted: Option<Vec<usize>>,
) -> Option<DataFrame> {
    let schema: polars::prelude::Schema =
        dtypes.enumerate().map(|(at, dtype)| Field::new(format!("{at}").into(), dtype)).collect();
    let quote = (separator == b',').then_some(b'"');
    let options = CsvReadOptions::default()
        .with_has_header(false)
        .with_schema(Some(Arc::new(schema)))
        .with_projection(wanted.map(Arc::new))
        // Polars has threads of its own, one per core; no more of them are given work than of ours.
        .with_n_threads(Some(rayon::current_num_threads()))
        .map_parse_options(|options| options.with_separator(separator).with_quote_char(quote));
    options.into_reader_with_file_handle(Cursor::new(bytes)).finish().ok()
}

fn counts(column: &Column) -> Option<Vec<u32>> {
    let values = column.i64().ok()?;
    values.iter().map(|value| u32::try_from(value?).ok()).collect()
}

fn finite(column: &Column) -> Option<Vec<f64>> {
    let values = column.f64().ok()?;
    let mut all = Vec::with_capacity(values.len());
    for chunk in values.downcast_iter() {
        all.extend_from_slice(chunk.values().as_slice());
    }
    (values.null_count() == 0 && all.iter().all(|value| value.is_finite())).then_some(all)
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn numbered(units: &[u32]) -> Vec<Run> {
    runs(units.len(), |a, b| units[a] == units[b], |row| UnitId::from(units[row]))
}

fn texts(units: &StringChunked) -> Vec<Run> {
    let units: Vec<&str> = units.iter().map(|unit| unit.unwrap_or_default().trim()).collect();
    runs(units.len(), |a, b| units[a] == units[b], |row| UnitId::new(units[row]))
}
