//! Fast readers: polars parses well-formed files; everything else is left to the strict reader.

use std::borrow::Cow;
use std::io::Cursor;
use std::sync::Arc;

use polars::prelude::*;

use super::rows::{RowRun, Rows, composed, runs};
use super::scan::{ColumnLayout, Dialect};
use super::time::{RowTime, TimeReader};
use pdm_core::domain::UnitId;

/// Reads lines of `width` numbers separated by single spaces, unit and cycle first; `None` unless the file is well formed.
pub(super) fn blank_separated(bytes: &[u8], width: usize) -> Option<Rows> {
    let first = bytes.split(|byte| *byte == b'\n').next()?;
    let first = first.strip_suffix(b"\r").unwrap_or(first);
    let trailing = first.iter().rev().take_while(|byte| **byte == b' ').count();
    if !bytes.ends_with(b"\n") || first.split(|byte| *byte == b' ').count() != width + trailing {
        return None;
    }
    let dtype = |column| {
        if column < 2 {
            DataType::Int64
        } else {
            DataType::Float64
        }
    };
    let frame = parse(
        bytes,
        Dialect::Blanks,
        (0..width + trailing).map(dtype),
        None,
    )?;
    let columns = frame.columns();
    let units = counts(&columns[0])?;
    let cycles = counts(&columns[1])?;
    let channels = columns[2..width]
        .iter()
        .map(finite)
        .collect::<Option<_>>()?;
    let blank = columns[width..]
        .iter()
        .all(|column| column.null_count() == column.len());
    (blank && frame.height() == line_ends(bytes))
        .then(|| Rows::consecutive(numbered(&units), cycles, channels, 1))
}

/// Reads the lines below a CSV header, the first of which is line `first_line`; `None` unless they are well formed.
pub(super) fn separated(body: &[u8], layout: &ColumnLayout<'_>, first_line: u64) -> Option<Rows> {
    if let Dialect::Separated {
        separator,
        decimal_comma,
    } = layout.dialect
    {
        // Polars reads `1.000` as 1 even with decimal commas.
        let has_doubtful_points = decimal_comma && body.contains(&b'.');
        if has_doubtful_points || !is_regular(body, separator, layout.names.len()) {
            return None;
        }
    }
    if layout.cells.thousands.is_some() || !layout.cells.missing.is_empty() {
        return None;
    }
    let dtype = |column| match column {
        column if Some(column) == layout.cycle && layout.time_reader.is_some() => DataType::String,
        column if Some(column) == layout.cycle => DataType::Int64,
        column if layout.channels.contains(&column) => DataType::Float64,
        _ => DataType::String,
    };
    let mut wanted: Vec<_> = layout.channels.clone();
    wanted.extend(layout.cycle);
    wanted.extend(layout.unit);
    wanted.sort_unstable();
    let frame = parse(
        body,
        layout.dialect,
        (0..layout.names.len()).map(dtype),
        Some(wanted),
    )?;
    let column = |at: usize| frame.column(&format!("{at}")).ok();
    let units = units_of_rows(layout, &frame)?;
    let mut cycles = vec![0; frame.height()];
    let mut times = Vec::new();
    match (layout.cycle, &layout.time_reader) {
        (Some(at), Some(time_reader)) => times = read_times(column(at)?, time_reader)?,
        (Some(at), None) => cycles = counts(column(at)?)?,
        (None, _) => {}
    }
    let channels = layout
        .channels
        .iter()
        .map(|at| match layout.cells.may_be_missing {
            true => finite_or_missing(column(*at)?),
            false => finite(column(*at)?),
        })
        .collect::<Option<_>>()?;
    let whole =
        frame.height() == line_ends(body) + usize::from(!body.is_empty() && !body.ends_with(b"\n"));
    if !whole {
        return None;
    }
    let mut rows = Rows::consecutive(units, cycles, channels, first_line);
    rows.times = times;
    Some(rows)
}

/// Returns the units of the rows, by their column or that of the whole file; `None` if a row has none.
fn units_of_rows(layout: &ColumnLayout<'_>, frame: &DataFrame) -> Option<Vec<RowRun>> {
    let Some(at) = layout.unit else {
        let unit = layout.unit_of_file.as_deref()?;
        return Some(vec![RowRun {
            unit: UnitId::new(&*composed(unit)),
            rows: 0..frame.height(),
        }]);
    };
    let units = frame.column(&format!("{at}")).ok()?.str().ok()?;
    let is_named = |unit: Option<&str>| unit.is_some_and(|unit| !unit.trim().is_empty());
    units.iter().all(is_named).then(|| texts(units))
}

/// Returns the times of a column of text; `None` unless all of them can be read.
fn read_times(column: &Column, time_reader: &TimeReader) -> Option<Vec<RowTime>> {
    let texts = column.str().ok()?;
    texts
        .iter()
        .map(|text| time_reader.read(text?.trim(), "").ok())
        .collect()
}

/// Returns whether each line has all fields, quoted as in RFC 4180 and without line breaks: polars ignores surplus fields and
/// treats stray quotes differently.
fn is_regular(body: &[u8], separator: u8, width: usize) -> bool {
    let lines = body
        .strip_suffix(b"\n")
        .unwrap_or(body)
        .split(|byte| *byte == b'\n');
    let mut lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    lines.all(|line| fields_of(line, separator) == Some(width))
}

/// Returns the number of fields of a line; `None` if a quote does not enclose a whole field.
fn fields_of(line: &[u8], separator: u8) -> Option<usize> {
    if !line.contains(&b'"') {
        return Some(1 + line.iter().filter(|byte| **byte == separator).count());
    }
    let mut fields = 1;
    let mut rest = line;
    loop {
        let after = match rest.strip_prefix(b"\"") {
            Some(quoted) => after_quoted(quoted)?,
            None => after_plain(rest, separator)?,
        };
        match after.split_first() {
            None => return Some(fields),
            Some((byte, next)) if *byte == separator => (fields, rest) = (fields + 1, next),
            Some(_) => return None,
        }
    }
}

/// Returns the text after the quote that closes a field.
fn after_quoted(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    loop {
        let quote = rest.iter().position(|byte| *byte == b'"')?;
        match rest[quote + 1..].strip_prefix(b"\"") {
            Some(doubled) => rest = doubled,
            None => return Some(&rest[quote + 1..]),
        }
    }
}

/// Returns the text after a field without quotes.
fn after_plain(text: &[u8], separator: u8) -> Option<&[u8]> {
    let end = text
        .iter()
        .position(|byte| *byte == separator)
        .unwrap_or(text.len());
    (!text[..end].contains(&b'"')).then(|| &text[end..])
}

fn parse(
    bytes: &[u8],
    dialect: Dialect,
    dtypes: impl Iterator<Item = DataType>,
    wanted: Option<Vec<usize>>,
) -> Option<DataFrame> {
    let schema: polars::prelude::Schema = dtypes
        .enumerate()
        .map(|(at, dtype)| Field::new(format!("{at}").into(), dtype))
        .collect();
    let (separator, decimal_comma, quote) = match dialect {
        Dialect::Blanks => (b' ', false, None),
        Dialect::Separated {
            separator,
            decimal_comma,
        } => (separator, decimal_comma, Some(b'"')),
    };
    let options = CsvReadOptions::default()
        .with_has_header(false)
        .with_schema(Some(Arc::new(schema)))
        .with_projection(wanted.map(Arc::new))
        // Polars has its own threads, one per core; it uses no more of them than this program uses.
        .with_n_threads(Some(rayon::current_num_threads()))
        .map_parse_options(|options| {
            options
                .with_separator(separator)
                .with_quote_char(quote)
                .with_decimal_comma(decimal_comma)
        });
    options
        .into_reader_with_file_handle(Cursor::new(bytes))
        .finish()
        .ok()
}

fn counts(column: &Column) -> Option<Vec<u32>> {
    let values = column.i64().ok()?;
    values
        .iter()
        .map(|value| u32::try_from(value?).ok())
        .collect()
}

fn finite(column: &Column) -> Option<Vec<f64>> {
    let values = column.f64().ok()?;
    let mut all = Vec::with_capacity(values.len());
    for chunk in values.downcast_iter() {
        all.extend_from_slice(chunk.values().as_slice());
    }
    (values.null_count() == 0 && all.iter().all(|value| value.is_finite())).then_some(all)
}

/// Like [`finite`], with `NaN` for empty cells.
fn finite_or_missing(column: &Column) -> Option<Vec<f64>> {
    let values = column.f64().ok()?;
    let is_finite = values.iter().flatten().all(f64::is_finite);
    is_finite.then(|| {
        values
            .iter()
            .map(|value| value.unwrap_or(f64::NAN))
            .collect()
    })
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn numbered(units: &[u32]) -> Vec<RowRun> {
    runs(
        units.len(),
        |a, b| units[a] == units[b],
        |row| UnitId::from(units[row]),
    )
}

pub(super) fn texts(units: &StringChunked) -> Vec<RowRun> {
    let units: Vec<Cow<'_, str>> = units
        .iter()
        .map(|unit| composed(unit.unwrap_or_default().trim()))
        .collect();
    runs(
        units.len(),
        |a, b| units[a] == units[b],
        |row| UnitId::new(&*units[row]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_with_all_fields_are_regular() {
        for body in ["a,1,2\nb,3,4", "a,1,2\r\n\"b, \"\"c\"\"\",,\"\"\r\n"] {
            assert!(is_regular(body.as_bytes(), b',', 3), "{body}");
        }
        let irregular = [
            "a,1,2\nb,3",
            "a,1,2,5\n",
            "a,1,2\n\n",
            "a, \"1\",2\n",
            "a,1,5\" pipe\n",
            "a,1,\"x\ny\"\n",
            "a,\"b\"c,2\n",
        ];
        for body in irregular {
            assert!(!is_regular(body.as_bytes(), b',', 3), "{body}");
        }
    }
}
