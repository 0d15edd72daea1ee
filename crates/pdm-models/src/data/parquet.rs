//! Reads Parquet files of any origin by the names of their columns.
//!
//! Only the wanted columns are decoded; the Arrow schema of the file shows which types cannot be read.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use polars::io::parquet::read::FileMetadata;
use polars::prelude::*;

mod physical;
mod times;
mod whole;

pub(super) use whole::whole_table;

use super::Expectation;
use super::findings::{FindingLocation, FindingLog};
use super::frame::texts;
use super::header::find;
use super::number;
use super::rows::Rows;
use super::table::{CellRules, TableColumns};
use super::time::RowTime;

/// Maximum number of digits of a decimal that polars reads.
const MOST_DIGITS: usize = 38;
/// Maximum number of cells that a Parquet file may claim to have.
const MOST_CELLS: usize = 1 << 28;

/// Reads rows and logs what is wrong; `None` if nothing can be read.
pub(super) fn read(
    bytes: &[u8],
    columns: &TableColumns<'_>,
    file: &str,
    log: &mut FindingLog,
) -> Option<Rows> {
    let location = FindingLocation::file(file);
    if !(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1")) {
        log.error(
            Expectation::Complete,
            location,
            "is not a Parquet file, or is incomplete",
        );
        return None;
    }
    // Polars panics on some damaged files.
    let columns_read = catch_unwind(AssertUnwindSafe(|| {
        projected(bytes, columns, location, log)
    }));
    let columns_read =
        columns_read.unwrap_or_else(|_| Err(polars_err!(ComputeError: "it is damaged")));
    match columns_read {
        Ok(read) => converted(&read?, columns, location, log),
        Err(error) => {
            log.error(
                Expectation::Complete,
                location,
                format!("cannot be read as Parquet: {error}"),
            );
            None
        }
    }
}

/// How the values of a column can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnContent {
    Whole,
    Number,
    /// 16-bit floats, as their bytes.
    Half,
    Boolean,
    Text,
    /// Bytes that may be text: some programs do not mark text as such.
    Bytes,
    /// Not usable, with a common name of the type and what to do about it.
    Unusable {
        named: &'static str,
        advice: &'static str,
    },
}

/// A column as read.
struct ReadColumn {
    content: ColumnContent,
    /// The type declared by the program that wrote the file.
    dtype: ArrowDataType,
    values: Column,
}

/// A column to read.
struct WantedColumn {
    content: ColumnContent,
    dtype: ArrowDataType,
    at: usize,
    metadata: Arc<FileMetadata>,
}

/// Reads the wanted columns: unit, cycle, channels.
fn projected(
    bytes: &[u8],
    columns: &TableColumns<'_>,
    location: FindingLocation<'_>,
    log: &mut FindingLog,
) -> PolarsResult<Option<Vec<ReadColumn>>> {
    let mut reader = ParquetReader::new(Cursor::new(bytes));
    let metadata = reader.get_metadata()?.clone();
    let names: Vec<String> = metadata
        .schema_descr
        .fields()
        .iter()
        .map(|field| field.name().to_owned())
        .collect();
    let wanted: Vec<&str> = columns.names().collect();
    let found: Vec<_> = wanted
        .iter()
        .map(|name| find(&names, name, location, log))
        .collect();
    let Some(found) = found.into_iter().collect::<Option<Vec<usize>>>() else {
        return Ok(None);
    };
    let rows = metadata.num_rows;
    polars_ensure!(rows <= MOST_CELLS / wanted.len(), ComputeError: "it claims to hold {rows} rows");

    // Polars refuses a file in which two columns have the same name, even if they are not read.
    let is_repeated = names.iter().collect::<BTreeSet<_>>().len() < names.len();
    let metadata = if is_repeated {
        let kept: Vec<PlSmallStr> = found.iter().map(|at| names[*at].as_str().into()).collect();
        Arc::new(metadata.pruned(&kept, &[])?)
    } else {
        metadata
    };

    // Polars may not know the types that another program declares in its metadata; the types of Parquet itself suffice.
    let mut plain = (*metadata).clone();
    plain.key_value_metadata = None;
    let plain = Arc::new(plain);
    let bare = physical::bare(&metadata);
    let plain_schema = polars::io::parquet::read::infer_schema(&plain)?;
    let schema = reader
        .schema()
        .map_or_else(|_| plain_schema.clone(), |schema| (*schema).clone());

    let mut read = Vec::with_capacity(found.len());
    for (name, at) in wanted.iter().zip(&found) {
        let is_time = columns.time_reader.is_some() && Some(*name) == columns.cycle;
        // Arrow's schema has the type that a program had in memory, Parquet's the one that is stored: pyarrow stores seconds as
        // milliseconds.
        let schema = if is_time { &plain_schema } else { &schema };
        let dtype = schema
            .get(names[*at].as_str())
            .map(|field| values_of(&field.dtype).clone());
        let Some(dtype) = dtype else {
            polars_bail!(ComputeError: "its schema lacks column `{name}`")
        };
        let content = if physical::is_of_96_bits(&metadata, &names[*at]) {
            ColumnContent::Unusable {
                named: "timestamps of 96 bits",
                advice: "write them with 64 bits, in Spark by spark.sql.parquet.outputTimestampType = TIMESTAMP_MICROS",
            }
        } else if is_time {
            times::content_of(&dtype)
        } else {
            content_of(&dtype)
        };
        if let ColumnContent::Unusable { named, advice } = content {
            let message = format!("column {name} holds {named}: {advice}");
            log.error(Expectation::Types, location.column(name), message);
            continue;
        }
        let metadata = match content {
            ColumnContent::Whole | ColumnContent::Number | ColumnContent::Half => &bare,
            // Categories are stored as a separate list, which would need more features of polars.
            ColumnContent::Boolean
            | ColumnContent::Text
            | ColumnContent::Bytes
            | ColumnContent::Unusable { .. } => &plain,
        };
        read.push(WantedColumn {
            content,
            dtype,
            at: *at,
            metadata: Arc::clone(metadata),
        });
    }
    if read.len() < found.len() {
        return Ok(None);
    }
    decoded(bytes, &names, read).map(Some)
}

/// Decodes columns, those with the same metadata together.
fn decoded(
    bytes: &[u8],
    names: &[String],
    wanted: Vec<WantedColumn>,
) -> PolarsResult<Vec<ReadColumn>> {
    let mut frames: Vec<(Arc<FileMetadata>, DataFrame)> = Vec::new();
    for WantedColumn { metadata, .. } in &wanted {
        if frames.iter().any(|(known, _)| Arc::ptr_eq(known, metadata)) {
            continue;
        }
        let of_frame = wanted
            .iter()
            .filter(|other| Arc::ptr_eq(&other.metadata, metadata));
        let columns: Vec<String> = of_frame.map(|column| names[column.at].clone()).collect();
        let mut reader = ParquetReader::new(Cursor::new(bytes)).with_columns(Some(columns));
        reader.set_metadata(Arc::clone(metadata));
        let frame = match rayon::current_num_threads() {
            // Polars has its own threads, one per core.
            1 => reader.read_parallel(ParallelStrategy::None).finish()?,
            _ => reader.finish()?,
        };
        frames.push((Arc::clone(metadata), frame));
    }
    let mut columns = Vec::with_capacity(wanted.len());
    for WantedColumn {
        content,
        dtype,
        at,
        metadata,
    } in wanted
    {
        let frame = frames
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, &metadata))
            .map(|(_, frame)| frame);
        let Some(frame) = frame else { continue };
        columns.push(ReadColumn {
            content,
            dtype,
            values: frame.column(&names[at])?.clone(),
        });
    }
    Ok(columns)
}

/// Returns the type of the values, which dictionaries and extensions wrap.
fn values_of(dtype: &ArrowDataType) -> &ArrowDataType {
    match dtype {
        ArrowDataType::Dictionary(_, values, _) => values_of(values),
        ArrowDataType::Extension(extension) => values_of(&extension.inner),
        _ => dtype,
    }
}

/// Returns the content of a column of this type.
fn content_of(dtype: &ArrowDataType) -> ColumnContent {
    let unusable = |named, advice| ColumnContent::Unusable { named, advice };
    let count =
        "write a column of whole numbers instead, such as hours since the first row of the unit";
    match dtype {
        ArrowDataType::Boolean => ColumnContent::Boolean,
        ArrowDataType::Int8
        | ArrowDataType::Int16
        | ArrowDataType::Int32
        | ArrowDataType::Int64
        | ArrowDataType::UInt8
        | ArrowDataType::UInt16
        | ArrowDataType::UInt32
        | ArrowDataType::UInt64 => ColumnContent::Whole,
        ArrowDataType::Float16 => ColumnContent::Half,
        ArrowDataType::Decimal(digits, _) | ArrowDataType::Decimal256(digits, _)
            if *digits > MOST_DIGITS =>
        {
            unusable(
                "decimals of more than 38 digits",
                "write them as 64-bit floats",
            )
        }
        ArrowDataType::Float32
        | ArrowDataType::Float64
        | ArrowDataType::Decimal(..)
        | ArrowDataType::Decimal32(..)
        | ArrowDataType::Decimal64(..)
        | ArrowDataType::Decimal256(..) => ColumnContent::Number,
        ArrowDataType::Utf8 | ArrowDataType::LargeUtf8 | ArrowDataType::Utf8View => {
            ColumnContent::Text
        }
        ArrowDataType::Binary | ArrowDataType::LargeBinary | ArrowDataType::BinaryView => {
            ColumnContent::Bytes
        }
        ArrowDataType::Timestamp(..) | ArrowDataType::Date64 => unusable("timestamps", count),
        ArrowDataType::Date32 => unusable("dates", count),
        ArrowDataType::Time32(_) | ArrowDataType::Time64(_) => unusable("times of day", count),
        ArrowDataType::Duration(_) | ArrowDataType::Interval(_) => {
            unusable("durations", "write them as numbers, such as seconds")
        }
        ArrowDataType::Null => unusable("no value at all", "fill it, or leave the column out"),
        ArrowDataType::List(_) | ArrowDataType::LargeList(_) | ArrowDataType::FixedSizeList(..) => {
            unusable("lists", "write one column for each number")
        }
        ArrowDataType::Struct(_) | ArrowDataType::Map(..) | ArrowDataType::Union(_) => {
            unusable("nested values", "write one column for each number")
        }
        ArrowDataType::FixedSizeBinary(_) => unusable(
            "bytes of a fixed length, such as UUIDs",
            "write them as text",
        ),
        ArrowDataType::Int128 | ArrowDataType::UInt128 => unusable(
            "whole numbers of 128 bits",
            "write them as whole numbers of 64 bits",
        ),
        _ => unusable(
            "values of an unsupported type",
            "write them as 64-bit numbers or as text",
        ),
    }
}

fn converted(
    read: &[ReadColumn],
    columns: &TableColumns<'_>,
    location: FindingLocation<'_>,
    log: &mut FindingLog,
) -> Option<Rows> {
    let mut read = read.iter();
    let units = match (columns.unit, &columns.unit_of_file) {
        (Some(unit), _) => unit_names(read.next()?, location.column(unit), log),
        (None, Some(unit)) => {
            let rows = read.clone().next().map_or(0, |column| column.values.len());
            Some(StringChunked::full("unit".into(), unit, rows))
        }
        (None, None) => None,
    };
    let mut times = None;
    let mut cycles = None;
    match (columns.cycle, &columns.time_reader) {
        (Some(name), Some(time_reader)) => {
            times = Some(times::read(read.next()?, name, time_reader, location, log));
        }
        (Some(name), None) => cycles = Some(self::cycles(read.next()?, name, location, log)),
        (None, _) => {}
    }
    let channels: Vec<_> = columns
        .channels
        .iter()
        .zip(read)
        .map(|(name, column)| numbers(column, name, columns.cells, location, log))
        .collect();
    let units = units?;
    let channels: Vec<Vec<f64>> = channels.into_iter().collect::<Option<_>>()?;
    let cycles = match cycles {
        Some(cycles) => cycles?,
        None => vec![Some(0); units.len()],
    };
    if channels.iter().any(|channel| channel.len() != units.len()) || cycles.len() != units.len() {
        log.error(
            Expectation::Complete,
            location,
            "has columns of different lengths",
        );
        return None;
    }
    if let Some(times) = times {
        return Some(timed(&units, &times?, &channels));
    }
    let known: Option<Vec<u32>> = cycles.iter().copied().collect();
    match known {
        Some(cycles) if !units.iter().any(is_gap) => {
            Some(Rows::consecutive(texts(&units), cycles, channels, 1))
        }
        _ => Some(readable(&units, &cycles, &channels)),
    }
}

/// Returns the rows with a unit and a time; the findings of the others are already logged.
fn timed(units: &StringChunked, times: &[Option<RowTime>], channels: &[Vec<f64>]) -> Rows {
    let mut rows = Rows::collecting(channels.len());
    for (at, (unit, time)) in units.iter().zip(times).enumerate() {
        let line = at as u64 + 1;
        let unit = unit.map(str::trim).filter(|unit| !unit.is_empty());
        let values: Vec<f64> = channels.iter().map(|channel| channel[at]).collect();
        match (unit, time) {
            (Some(unit), Some(time)) => rows.push_at(line, unit, *time, &values),
            (Some(unit), None) => {
                rows.lose(line, unit);
                rows.dropped += 1;
            }
            (None, _) => rows.dropped += 1,
        }
    }
    rows
}

/// Returns the rows with a unit and a cycle; the findings of the others are already logged.
fn readable(units: &StringChunked, cycles: &[Option<u32>], channels: &[Vec<f64>]) -> Rows {
    let mut rows = Rows::collecting(channels.len());
    for (at, unit) in units.iter().enumerate() {
        let line = at as u64 + 1;
        let unit = unit.map(str::trim).filter(|unit| !unit.is_empty());
        let values: Vec<f64> = channels.iter().map(|channel| channel[at]).collect();
        match (unit, cycles[at]) {
            (Some(unit), Some(cycle)) => rows.push(line, unit, cycle, &values),
            (Some(unit), None) => {
                rows.lose(line, unit);
                rows.dropped += 1;
            }
            (None, _) => rows.dropped += 1,
        }
    }
    rows
}

fn unit_names(
    column: &ReadColumn,
    location: FindingLocation<'_>,
    log: &mut FindingLog,
) -> Option<StringChunked> {
    let name = location.column.unwrap_or_default();
    let names = match column.content {
        ColumnContent::Text | ColumnContent::Bytes => column.values.cast(&DataType::String).ok(),
        ColumnContent::Whole | ColumnContent::Number | ColumnContent::Half => whole_names(column),
        ColumnContent::Boolean | ColumnContent::Unusable { .. } => None,
    };
    let Some(names) = names else {
        let held = described(column);
        let message =
            format!("column {name} holds {held}, where unit names or whole numbers are expected");
        log.error(Expectation::Types, location, message);
        return None;
    };
    let names = names.str().ok()?.clone();
    for (row, name_of_unit) in (1..).zip(names.iter()) {
        if is_gap(name_of_unit) {
            log.error(
                Expectation::Finite,
                location.line(row),
                format!("column {name} is empty"),
            );
        }
    }
    Some(names)
}

fn is_gap(unit: Option<&str>) -> bool {
    unit.is_none_or(|name| name.trim().is_empty())
}

/// Converts numbers to names if all of them are whole: pandas turns whole numbers with gaps into floats.
fn whole_names(column: &ReadColumn) -> Option<Column> {
    let whole: Vec<Option<i128>> = if column.content == ColumnContent::Whole {
        physical::whole_numbers(&column.values, &column.dtype).ok()?
    } else {
        let numbers = floats(column).ok()?;
        let is_whole = |value: &f64| value.fract() == 0.0 && value.abs() < 2_f64.powi(53);
        if !numbers.iter().flatten().all(is_whole) {
            return None;
        }
        numbers
            .into_iter()
            .map(|value| Some(value? as i128))
            .collect()
    };
    let names: StringChunked = whole
        .into_iter()
        .map(|number| Some(number?.to_string()))
        .collect();
    Some(names.into_column())
}

/// Returns the numbers of a column; empty cells are `None`.
fn floats(column: &ReadColumn) -> PolarsResult<Vec<Option<f64>>> {
    let ReadColumn {
        content,
        dtype,
        values,
    } = column;
    match content {
        ColumnContent::Half => physical::halves(values),
        ColumnContent::Whole => {
            let whole = physical::whole_numbers(values, dtype)?;
            Ok(whole
                .into_iter()
                .map(|number| Some(number? as f64))
                .collect())
        }
        ColumnContent::Number => match dtype {
            ArrowDataType::Decimal(_, scale)
            | ArrowDataType::Decimal32(_, scale)
            | ArrowDataType::Decimal64(_, scale)
            | ArrowDataType::Decimal256(_, scale) => physical::decimals(values, *scale),
            _ => Ok(values.cast(&DataType::Float64)?.f64()?.iter().collect()),
        },
        ColumnContent::Boolean
        | ColumnContent::Text
        | ColumnContent::Bytes
        | ColumnContent::Unusable { .. } => {
            Ok(values.cast(&DataType::Float64)?.f64()?.iter().collect())
        }
    }
}

/// Describes the content of a column for messages.
fn described(column: &ReadColumn) -> String {
    match column.content {
        ColumnContent::Whole => "whole numbers".to_owned(),
        ColumnContent::Number => "numbers that are not whole".to_owned(),
        ColumnContent::Half => "floats of 16 bits".to_owned(),
        ColumnContent::Boolean => "true and false".to_owned(),
        ColumnContent::Text => "text".to_owned(),
        ColumnContent::Bytes => "bytes that are not text".to_owned(),
        ColumnContent::Unusable { named, .. } => named.to_owned(),
    }
}

/// Returns a numeric column, with `NaN` for invalid cells, which it logs; true and false are 1 and 0.
fn numbers(
    column: &ReadColumn,
    name: &str,
    cells: CellRules<'_>,
    location: FindingLocation<'_>,
    log: &mut FindingLog,
) -> Option<Vec<f64>> {
    let location = location.column(name);
    if matches!(column.content, ColumnContent::Text | ColumnContent::Bytes) {
        let message = format!(
            "column {name} holds {}, where numbers are expected",
            described(column)
        );
        log.error(Expectation::Types, location, message);
        return None;
    }
    let Ok(numbers) = floats(column) else {
        let message = format!(
            "column {name} holds {}, which cannot be read as numbers",
            column.values.dtype()
        );
        log.error(Expectation::Types, location, message);
        return None;
    };
    let mut values = Vec::with_capacity(numbers.len());
    for (row, value) in (1..).zip(numbers) {
        let is_missing = value.is_none_or(f64::is_nan) && cells.may_be_missing;
        if !is_missing && !value.is_some_and(f64::is_finite) {
            let problem = value.map_or("is empty".to_owned(), |value| {
                format!("holds {value}, not a finite number")
            });
            log.error(
                Expectation::Finite,
                location.line(row),
                format!("column {name} {problem}"),
            );
        }
        values.push(value.filter(|value| value.is_finite()).unwrap_or(f64::NAN));
    }
    Some(values)
}

fn cycles(
    column: &ReadColumn,
    name: &str,
    location: FindingLocation<'_>,
    log: &mut FindingLog,
) -> Option<Vec<Option<u32>>> {
    if column.content == ColumnContent::Boolean {
        let message =
            format!("column {name} holds true and false, where whole numbers are expected");
        log.error(Expectation::Types, location.column(name), message);
        return None;
    }
    Some(whole(
        &numbers(column, name, CellRules::default(), location, log)?,
        location.column(name),
        log,
    ))
}

/// Converts values to whole numbers; the others are logged and become `None`.
fn whole(values: &[f64], location: FindingLocation<'_>, log: &mut FindingLog) -> Vec<Option<u32>> {
    let mut whole = Vec::with_capacity(values.len());
    for (row, value) in (1..).zip(values) {
        let count = number::as_whole(*value);
        if let Err(problem) = count
            && !value.is_nan()
        {
            log.error(
                Expectation::Types,
                location.line(row),
                format!("`{value}` {problem}"),
            );
        }
        whole.push(count.ok());
    }
    whole
}
