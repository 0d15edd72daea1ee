//! The quick readers: polars parses what is well formed; anything else is left to the strict reader.

use std::io::Cursor;
use std::sync::Arc;

use polars::prelude::*;

use super::rows::{Rows, Run, runs};
use super::scan::{Dialect, Layout};
use pdm_core::domain::UnitId;

/// Reads lines of `width` numbers divided by single blanks, unit and cycle first; `None` unless all is well.
pub(super) fn blank_separated(bytes: &[u8], width: usize) -> Option<Rows> {
    let first = bytes.split(|byte| *byte == b'\n').next()?;
    let first = first.strip_suffix(b"\r").unwrap_or(first);
    let trailing = first.iter().rev().take_while(|byte| **byte == b' ').count();
    if !bytes.ends_with(b"\n") || first.split(|byte| *byte == b' ').count() != width + trailing {
        return None;
    }
    let dtype = |column| if column < 2 { DataType::Int64 } else { DataType::Float64 };
    let frame = parse(bytes, Dialect::Blanks, (0..width + trailing).map(dtype), None)?;
    let columns = frame.columns();
    let (units, cycles) = (counts(&columns[0])?, counts(&columns[1])?);
    let channels = columns[2..width].iter().map(finite).collect::<Option<_>>()?;
    let blank = columns[width..].iter().all(|column| column.null_count() == column.len());
    (blank && frame.height() == line_ends(bytes)).then(|| Rows::consecutive(numbered(&units), cycles, channels, 1))
}

/// Reads the lines below a CSV header, the first of which is line `first_line`; `None` unless all is well.
pub(super) fn separated(body: &[u8], layout: &Layout, first_line: u64) -> Option<Rows> {
    let dtype = |column| match column {
        column if Some(column) == layout.cycle => DataType::Int64,
        column if layout.channels.contains(&column) => DataType::Float64,
        _ => DataType::String,
    };
    let mut wanted: Vec<_> = layout.channels.clone();
    wanted.extend(layout.cycle);
    wanted.push(layout.unit);
    wanted.sort_unstable();
    let frame = parse(body, layout.dialect, (0..layout.names.len()).map(dtype), Some(wanted))?;
    let column = |at: usize| frame.column(&format!("{at}")).ok();
    let units = column(layout.unit)?.str().ok()?.clone();
    let cycles = match layout.cycle {
        Some(at) => counts(column(at)?)?,
        None => vec![0; frame.height()],
    };
    let channels = layout.channels.iter().map(|at| finite(column(*at)?)).collect::<Option<_>>()?;
    let whole = frame.height() == line_ends(body) + usize::from(!body.is_empty() && !body.ends_with(b"\n"));
    let named = units.iter().all(|unit| unit.is_some_and(|unit| !unit.trim().is_empty()));
    (whole && named).then(|| Rows::consecutive(texts(&units), cycles, channels, first_line))
}

fn parse(
    bytes: &[u8],
    dialect: Dialect,
    dtypes: impl Iterator<Item = DataType>,
    wanted: Option<Vec<usize>>,
) -> Option<DataFrame> {
    let schema: polars::prelude::Schema =
        dtypes.enumerate().map(|(at, dtype)| Field::new(format!("{at}").into(), dtype)).collect();
    let (separator, decimal_comma, quote) = match dialect {
        Dialect::Blanks => (b' ', false, None),
        Dialect::Separated { separator, decimal_comma } => (separator, decimal_comma, Some(b'"')),
    };
    let options = CsvReadOptions::default()
        .with_has_header(false)
        .with_schema(Some(Arc::new(schema)))
        .with_projection(wanted.map(Arc::new))
        // Polars has threads of its own, one per core; no more of them are given work than of ours.
        .with_n_threads(Some(rayon::current_num_threads()))
        .map_parse_options(|options| {
            options.with_separator(separator).with_quote_char(quote).with_decimal_comma(decimal_comma)
        });
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

pub(super) fn texts(units: &StringChunked) -> Vec<Run> {
    let units: Vec<&str> = units.iter().map(|unit| unit.unwrap_or_default().trim()).collect();
    runs(units.len(), |a, b| units[a] == units[b], |row| UnitId::new(units[row]))
}
