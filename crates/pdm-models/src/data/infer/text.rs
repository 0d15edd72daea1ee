//! Reads a text file with all its columns, without being told what they are for.

use super::cells::NumberForm;
use super::columns::{TextCells, TextWriting, WholeCells, WholeColumn, WholeTable};
use super::error::InferError;
use super::{instants, words};
use crate::data::encoding::{Encoding, Guess, decoded};
use crate::data::number::shown;
use crate::data::records::Records;
use crate::data::scan::{Dialect, split};

/// Separators, the most common first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// Lines of which the separator is decided.
const LINES: usize = 50;
/// Records of which the types of the columns are decided.
const SAMPLE: usize = 10_000;
/// Different texts that a column of numbers may have for "no value".
const MOST_MARKS: usize = 5;

/// Reads a table whose first line names the columns.
///
/// # Errors
/// The text is empty, has no header, or has other text above it.
pub(super) fn read(
    bytes: &[u8],
    encoding: Option<Encoding>,
    file: &str,
) -> Result<WholeTable, InferError> {
    let text = decoded(bytes, encoding);
    let layout = TextLayout::of(&text.bytes, file)?;
    let form = layout.number_form();
    let is_number = layout.number_columns(form);
    let (mut columns, misshapen) = layout.columns(form, &is_number);
    let spoilt: Vec<bool> = columns
        .iter()
        .map(|column| column.odd.names.len() > MOST_MARKS)
        .collect();
    let rows = columns.first().map_or(0, |column| column.rows);
    if spoilt.contains(&true) {
        // What looked like numbers in the sample is text further below.
        let kept: Vec<bool> = is_number
            .iter()
            .zip(&spoilt)
            .map(|(number, spoilt)| *number && !spoilt)
            .collect();
        (columns, _) = layout.columns(form, &kept);
    }
    let writing = TextWriting {
        separator: char::from(layout.separator),
        decimal: form.decimal,
        thousands: form.thousands,
        latin1: text.guess == Some(Guess::Latin1),
    };
    let names = layout.names.iter();
    Ok(WholeTable {
        file: file.to_owned(),
        rows,
        columns: names
            .zip(columns)
            .map(|(name, column)| column.finished(name))
            .collect(),
        writing: Some(writing),
        misshapen,
    })
}

/// A text divided into header and rows.
struct TextLayout<'a> {
    names: Vec<String>,
    body: &'a [u8],
    separator: u8,
}

/// A column while it is read.
struct GrowingColumn {
    rows: usize,
    numbers: Option<Vec<f64>>,
    texts: TextCells,
    /// Cells of a column of numbers that are none.
    odd: TextCells,
}

impl<'a> TextLayout<'a> {
    fn of(text: &'a [u8], file: &str) -> Result<Self, InferError> {
        let mut body = text;
        let mut separator = None;
        loop {
            let (line, rest) = line_of(body);
            let line = line.trim_ascii();
            if let Some([named]) = line.strip_prefix(b"sep=") {
                separator = Some(*named);
            } else if !line.is_empty() {
                break;
            }
            if rest.is_empty() {
                return Err(InferError::unreadable(
                    file,
                    "is empty: the first line should name the columns",
                ));
            }
            body = rest;
        }
        let separator = separator.unwrap_or_else(|| separator_of(body));
        let (header, rows) = line_of(body);
        let names = fields(header, separator);
        refuse_rows(&names, file)?;
        refuse_preamble(&names, rows, separator, file)?;
        Ok(Self {
            names,
            body: rows,
            separator,
        })
    }

    fn dialect(&self) -> Dialect {
        Dialect::Separated {
            separator: self.separator,
            decimal_comma: false,
        }
    }

    fn records(&self) -> Records<'a> {
        Records::new(self.body, 2, self.dialect(), self.names.len())
    }

    /// Returns the cells of the first records, by row.
    fn sample(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for record in self.records().take(SAMPLE) {
            let Ok(text) = std::str::from_utf8(record.bytes) else {
                continue;
            };
            let cells = split(text, self.dialect());
            if cells.len() == self.names.len() {
                rows.push(cells.into_iter().map(String::from).collect());
            }
        }
        rows
    }

    fn number_form(&self) -> NumberForm {
        let sample = self.sample();
        let filled = sample
            .iter()
            .flatten()
            .map(String::as_str)
            .filter(|cell| !cell.is_empty());
        NumberForm::of(filled)
    }

    /// Returns which columns hold numbers: most cells with a value are, and the others repeat a few marks.
    fn number_columns(&self, form: NumberForm) -> Vec<bool> {
        let sample = self.sample();
        (0..self.names.len())
            .map(|at| is_number_column(&sample, at, form))
            .collect()
    }

    /// Reads all rows, and counts those with another number of fields.
    fn columns(&self, form: NumberForm, is_number: &[bool]) -> (Vec<GrowingColumn>, usize) {
        let mut columns: Vec<_> = is_number
            .iter()
            .map(|number| GrowingColumn::new(*number))
            .collect();
        let mut misshapen = 0;
        for record in self.records() {
            let bytes = record.bytes.strip_suffix(b"\r").unwrap_or(record.bytes);
            let is_blank = |byte: &u8| *byte == self.separator || matches!(byte, b' ' | b'\t');
            if bytes.iter().all(is_blank) {
                continue;
            }
            let text = String::from_utf8_lossy(bytes);
            let cells = split(&text, self.dialect());
            if cells.len() != columns.len() {
                misshapen += 1;
                continue;
            }
            for (column, cell) in columns.iter_mut().zip(&cells) {
                column.push(cell, form);
            }
        }
        (columns, misshapen)
    }
}

impl GrowingColumn {
    fn new(is_number: bool) -> Self {
        Self {
            rows: 0,
            numbers: is_number.then(Vec::new),
            texts: TextCells::default(),
            odd: TextCells::default(),
        }
    }

    fn push(&mut self, cell: &str, form: NumberForm) {
        self.rows += 1;
        let Some(numbers) = &mut self.numbers else {
            self.texts.push(cell);
            return;
        };
        let value = form.number(cell);
        // More than this many marks are enough to know that it is a column of texts.
        if value.is_none() && !cell.is_empty() && self.odd.names.len() <= MOST_MARKS {
            self.odd.push(cell);
        }
        numbers.push(value.unwrap_or(f64::NAN));
    }

    fn finished(self, name: &str) -> WholeColumn {
        if let Some(numbers) = self.numbers {
            let cells = WholeCells::Numbers(numbers);
            return WholeColumn {
                marks: self.odd.names,
                ..WholeColumn::new(name, cells)
            };
        }
        let (marks, values): (Vec<_>, Vec<_>) = self
            .texts
            .names
            .iter()
            .cloned()
            .partition(|text| words::is_missing(text));
        if values.is_empty() {
            return WholeColumn {
                marks,
                ..WholeColumn::new(name, WholeCells::Empty)
            };
        }
        let Some((form, seconds)) = instants::read_all(&values) else {
            return WholeColumn::new(name, WholeCells::Texts(self.texts));
        };
        let mut by_code = Vec::with_capacity(self.texts.names.len());
        let mut read = seconds.into_iter();
        for text in &self.texts.names {
            let second = if words::is_missing(text) {
                None
            } else {
                read.next()
            };
            by_code.push(second.unwrap_or(f64::NAN));
        }
        let of_row = |code: &u32| by_code.get(*code as usize).copied().unwrap_or(f64::NAN);
        let seconds = self.texts.codes.iter().map(of_row).collect();
        WholeColumn {
            marks,
            ..WholeColumn::new(
                name,
                WholeCells::Times {
                    seconds,
                    form: Some(form),
                },
            )
        }
    }
}

fn is_number_column(sample: &[Vec<String>], at: usize, form: NumberForm) -> bool {
    let mut numbers = 0;
    let mut marks: Vec<&str> = Vec::new();
    let mut others = 0;
    for row in sample {
        let cell = row[at].as_str();
        if cell.is_empty() {
            continue;
        }
        if form.number(cell).is_some() {
            numbers += 1;
            continue;
        }
        others += usize::from(!words::is_missing(cell));
        if !marks.contains(&cell) {
            marks.push(cell);
        }
        if marks.len() > MOST_MARKS {
            return false;
        }
    }
    numbers > others
}

/// Returns the separator with which most of the first lines have as many fields as the header, then the one with most fields.
fn separator_of(text: &[u8]) -> u8 {
    let mut best = SEPARATORS[0];
    let mut best_rank = (0, 0);
    for separator in SEPARATORS {
        let mut lines = text
            .split(|byte| *byte == b'\n')
            .take(LINES)
            .filter(|line| !line.trim_ascii().is_empty());
        let width = lines
            .next()
            .map_or(0, |header| fields(header, separator).len());
        let same = lines
            .filter(|line| fields(line, separator).len() == width)
            .count();
        let rank = if width < 2 { (0, 0) } else { (same + 1, width) };
        if rank > best_rank {
            (best, best_rank) = (separator, rank);
        }
    }
    best
}

fn fields(line: &[u8], separator: u8) -> Vec<String> {
    let text = String::from_utf8_lossy(line);
    let dialect = Dialect::Separated {
        separator,
        decimal_comma: false,
    };
    split(text.trim_end_matches(['\r', '\n']), dialect)
        .into_iter()
        .map(String::from)
        .collect()
}

fn line_of(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

/// Refuses a file that begins with a row.
fn refuse_rows(names: &[String], file: &str) -> Result<(), InferError> {
    let is_number = |name: &String| name.replacen(',', ".", 1).parse::<f64>().is_ok();
    if !names.iter().all(is_number) {
        return Ok(());
    }
    let first: Vec<_> = names.iter().take(3).map(|name| shown(name)).collect();
    let message = format!(
        "begins with numbers ({}, …); the first line should name the columns",
        first.join(", ")
    );
    Err(InferError::unreadable(file, message))
}

/// Refuses a file with other text above its header.
fn refuse_preamble(
    names: &[String],
    rows: &[u8],
    separator: u8,
    file: &str,
) -> Result<(), InferError> {
    let lines = rows.split(|byte| *byte == b'\n').take(LINES);
    let widths: Vec<usize> = lines.map(|line| fields(line, separator).len()).collect();
    let is_whole = widths.iter().filter(|width| **width == names.len()).count() * 2
        >= widths.len().saturating_sub(1);
    if is_whole || names.len() > 1 {
        return Ok(());
    }
    let message = "has no header in its first line: the lines below have more columns; remove the lines above the header";
    Err(InferError::unreadable(file, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> WholeTable {
        read(text.as_bytes(), None, "a.csv").unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn a_german_table_is_read_with_its_times_and_marks() {
        let read = table(
            "Pumpe;Zeit;Druck;Notiz\r\nP1;01.02.2026 10:00;1,5;ok\r\nP1;01.02.2026 11:00;Bad;ok\r\nP1;01.02.2026 12:00;;x\r\n",
        );
        let writing = read.writing.clone().unwrap();
        assert_eq!(
            (writing.separator, writing.decimal, writing.thousands),
            (';', ',', None)
        );
        let types: Vec<_> = read.columns.iter().map(WholeColumn::type_name).collect();
        assert_eq!(types, ["text", "time", "number", "text"]);
        assert_eq!(read.columns[2].marks, ["Bad"]);
        assert_eq!((read.columns[2].missing(read.rows), read.rows), (2, 3));
    }

    #[test]
    fn numbers_that_turn_into_texts_are_texts() {
        let mut text = "a,b\n".to_owned();
        text.push_str(&"1,2\n".repeat(SAMPLE));
        for letter in ["p", "q", "r", "s", "t", "u", "v"] {
            text.push_str(&format!("{letter},3\n"));
        }
        let read = table(&text);
        assert_eq!(
            (read.columns[0].type_name(), read.columns[1].type_name()),
            ("text", "number")
        );
        assert_eq!(read.rows, SAMPLE + 7);
    }

    #[test]
    fn rows_with_other_fields_are_counted_and_left_out() {
        let read = table("a,b\n1,2\n3\n\n4,5\n");
        assert_eq!((read.rows, read.misshapen), (2, 1));
    }

    #[test]
    fn a_file_without_a_header_is_refused() {
        for (text, words) in [
            ("1,2\n3,4\n", "begins with numbers (`1`, `2`, …)"),
            ("", "is empty"),
            ("Export of plant 7\na,b\n1,2\n3,4\n", "no header"),
        ] {
            let error = read(text.as_bytes(), None, "a.csv")
                .unwrap_err()
                .to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
