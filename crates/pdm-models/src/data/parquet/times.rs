//! Reads the time column of a Parquet file.

use polars::prelude::*;

use super::super::Expectation;
use super::super::findings::{FindingLocation, FindingLog};
use super::super::time::{RowTime, TimeReader};
use super::{ColumnContent, ReadColumn, described, floats, physical};

const MICROS_OF_DAY: i64 = 86_400_000_000;

/// Returns how the values of a time column are read: timestamps and dates as the whole numbers that they are stored as.
pub(super) fn content_of(dtype: &ArrowDataType) -> ColumnContent {
    match dtype {
        ArrowDataType::Timestamp(..) | ArrowDataType::Date32 | ArrowDataType::Date64 => {
            ColumnContent::Whole
        }
        _ => super::content_of(dtype),
    }
}

/// Returns the time of each row; the rows without one are logged. `None` if the column cannot be read.
pub(super) fn read(
    column: &ReadColumn,
    name: &str,
    time_reader: &TimeReader,
    location: FindingLocation<'_>,
    log: &mut FindingLog,
) -> Option<Vec<Option<RowTime>>> {
    let location = location.column(name);
    let cells = match cells(column, name, time_reader) {
        Ok(Some(cells)) => cells,
        Ok(None) | Err(_) => {
            let message = format!(
                "column {name} holds {}, where times are expected",
                described(column)
            );
            log.error(Expectation::Types, location, message);
            return None;
        }
    };
    let mut times = Vec::with_capacity(cells.len());
    for (row, cell) in (1..).zip(cells) {
        match cell {
            Ok(time) => times.push(Some(time)),
            Err(message) => {
                log.error(Expectation::Types, location.line(row), message);
                times.push(None);
            }
        }
    }
    Some(times)
}

/// Returns the time of each cell, or why it has none; `None` for a type that holds no times.
fn cells(
    column: &ReadColumn,
    name: &str,
    time_reader: &TimeReader,
) -> PolarsResult<Option<Vec<Result<RowTime, String>>>> {
    if let Some(stored) = StoredTime::of(&column.dtype) {
        let values = physical::whole_numbers(&column.values, &ArrowDataType::Int64)?;
        let times = values.into_iter().map(|value| {
            let value = value.ok_or_else(|| empty(name))?;
            stored.time(value as i64, time_reader).ok_or_else(|| {
                format!("column {name} holds {value}, which is out of range for a time")
            })
        });
        return Ok(Some(times.collect()));
    }
    match column.content {
        ColumnContent::Text | ColumnContent::Bytes => {
            let texts = column.values.cast(&DataType::String)?;
            let times = texts.str()?.iter().map(|text| {
                let text = text.ok_or_else(|| empty(name))?;
                let label = format!("column {name}");
                time_reader
                    .read(text.trim(), &label)
                    .map_err(|bad| bad.message)
            });
            Ok(Some(times.collect()))
        }
        ColumnContent::Whole | ColumnContent::Number | ColumnContent::Half => {
            let times = floats(column)?.into_iter().map(|value| {
                let value = value.ok_or_else(|| empty(name))?;
                let time = time_reader.number(value);
                time.map_err(|problem| format!("`{value}` in column {name} {problem}"))
            });
            Ok(Some(times.collect()))
        }
        ColumnContent::Boolean | ColumnContent::Unusable { .. } => Ok(None),
    }
}

fn empty(name: &str) -> String {
    format!("column {name} is empty")
}

/// How Parquet stores a time.
#[derive(Debug, Clone, Copy)]
enum StoredTime {
    /// A point in time, in microseconds divided by `per_micro`, or multiplied by `micros`.
    Timestamp { micros: i64, per_micro: i64 },
    /// The same, of a column without a zone.
    Local { micros: i64, per_micro: i64 },
}

impl StoredTime {
    fn of(dtype: &ArrowDataType) -> Option<Self> {
        let (unit, has_zone) = match dtype {
            ArrowDataType::Timestamp(unit, zone) => (*unit, zone.is_some()),
            ArrowDataType::Date32 => {
                return Some(Self::Local {
                    micros: MICROS_OF_DAY,
                    per_micro: 1,
                });
            }
            ArrowDataType::Date64 => (ArrowTimeUnit::Millisecond, false),
            _ => return None,
        };
        let micros = match unit {
            ArrowTimeUnit::Second => 1_000_000,
            ArrowTimeUnit::Millisecond => 1_000,
            ArrowTimeUnit::Microsecond | ArrowTimeUnit::Nanosecond => 1,
        };
        let per_micro = match unit {
            ArrowTimeUnit::Nanosecond => 1_000,
            ArrowTimeUnit::Second | ArrowTimeUnit::Millisecond | ArrowTimeUnit::Microsecond => 1,
        };
        Some(match has_zone {
            true => Self::Timestamp { micros, per_micro },
            false => Self::Local { micros, per_micro },
        })
    }

    fn time(self, value: i64, time_reader: &TimeReader) -> Option<RowTime> {
        let (Self::Timestamp { micros, per_micro } | Self::Local { micros, per_micro }) = self;
        let micros = value.checked_mul(micros)?.div_euclid(per_micro);
        match self {
            Self::Timestamp { .. } => Some(RowTime::exactly(micros)),
            Self::Local { .. } => time_reader.local(micros),
        }
    }
}
