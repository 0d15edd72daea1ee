//! Reads the text format of C-MAPSS: space-separated numbers without a header, and one whole number per line for RUL.

use super::encoding::unguessed;
use super::findings::{FindingLocation, FindingLog};
use super::number;
use super::rows::Rows;
use super::scan::{ColumnLayout, has_long_line, scan, up_to_cut};
use super::{Expectation, Schema, frame};

/// Reads histories and logs what is wrong; `None` if nothing can be read.
pub(super) fn histories(
    bytes: &[u8],
    schema: &Schema,
    file: &str,
    log: &mut FindingLog,
) -> Option<Rows> {
    let text = unguessed(bytes);
    let bytes = text.bytes.as_ref();
    if !has_long_line(bytes)
        && let Some(rows) = frame::blank_separated(bytes, schema.width())
    {
        return Some(rows);
    }
    let layout = ColumnLayout::headless(schema);
    if bytes.trim_ascii().is_empty() {
        log.error(
            Expectation::Complete,
            FindingLocation::file(file),
            "is empty",
        );
        return None;
    }
    let whole = up_to_cut(bytes, &layout, file, log);
    let mut rows = scan(whole, 1, &layout, file, log);
    rows.dropped += u64::from(whole.len() < bytes.len());
    Some(rows)
}

/// One true remaining useful life.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RulRow {
    pub(super) line: u64,
    /// The unit it belongs to, if the file names it; otherwise the one at the same position in the test part.
    pub(super) unit: Option<pdm_core::domain::UnitId>,
    pub(super) value: f64,
}

/// Reads true remaining useful lives and logs what is wrong.
pub(super) fn rul(bytes: &[u8], file: &str, log: &mut FindingLog) -> Vec<RulRow> {
    let decoded = unguessed(bytes);
    let text = String::from_utf8_lossy(&decoded.bytes);
    let mut rows = Vec::new();
    for (line, text) in (1..).zip(text.trim_end().lines()) {
        let location = FindingLocation::file(file).line(line).column("rul");
        match rul_row(text.trim()) {
            Ok(value) => rows.push(RulRow {
                line,
                unit: None,
                value,
            }),
            Err(bad) => log.error(bad.expectation, location, bad.message),
        }
    }
    if text.trim().is_empty() {
        log.error(
            Expectation::Complete,
            FindingLocation::file(file),
            "is empty",
        );
    }
    rows
}

fn rul_row(text: &str) -> Result<f64, number::BadCell> {
    let expectation = Expectation::Columns;
    match text.split_ascii_whitespace().count() {
        0 => {
            return Err(number::BadCell {
                expectation,
                message: "a blank line instead of 1 column".into(),
            });
        }
        1 => {}
        more => {
            return Err(number::BadCell {
                expectation,
                message: format!("{more} columns instead of 1"),
            });
        }
    }
    let value = number::finite(text, "column 1 (rul)")?;
    if value.fract() != 0.0 {
        let message = format!(
            "{} in column 1 (rul) is not a whole number",
            number::shown(text)
        );
        return Err(number::BadCell {
            expectation: Expectation::Types,
            message,
        });
    }
    Ok(value)
}
