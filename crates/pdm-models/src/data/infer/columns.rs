//! A table as a whole: every column with its cells, as numbers, times or texts.

use std::collections::HashMap;

use super::instants::TimeForm;

/// The code of an empty cell in a column of texts.
pub(in crate::data) const NO_TEXT: u32 = u32::MAX;

/// A table with all its columns.
#[derive(Debug, Clone)]
pub(in crate::data) struct WholeTable {
    /// The file, as messages name it.
    pub(in crate::data) file: String,
    pub(in crate::data) rows: usize,
    pub(in crate::data) columns: Vec<WholeColumn>,
    /// How the text file is written; `None` for Parquet.
    pub(in crate::data) writing: Option<TextWriting>,
    /// Rows left out because they have more or fewer fields than the header.
    pub(in crate::data) misshapen: usize,
}

/// How a text file is written, as far as `[dataset]` can say it.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct TextWriting {
    /// Field separator.
    pub separator: char,
    /// Decimal mark.
    pub decimal: char,
    /// Separator of thousands, if there is one.
    pub thousands: Option<char>,
    /// Whether the text is not UTF-8 or UTF-16 and was read as Windows-1252.
    pub latin1: bool,
}

/// One column.
#[derive(Debug, Clone)]
pub(in crate::data) struct WholeColumn {
    pub(in crate::data) name: String,
    pub(in crate::data) cells: WholeCells,
    /// Cells that mean "no value", other than empty ones, as they are written.
    pub(in crate::data) marks: Vec<String>,
}

/// The cells of a column.
#[derive(Debug, Clone)]
pub(in crate::data) enum WholeCells {
    /// No cell has a value.
    Empty,
    /// Numbers; `NaN` where there is no value.
    Numbers(Vec<f64>),
    /// Points in time, as seconds since 1970; `NaN` where there is no value.
    Times {
        /// Seconds, without leap seconds.
        seconds: Vec<f64>,
        /// How they are written; `None` for timestamps of Parquet.
        form: Option<TimeForm>,
    },
    /// Texts.
    Texts(TextCells),
}

/// Texts, each of them stored once.
#[derive(Debug, Clone, Default)]
pub(in crate::data) struct TextCells {
    /// For each row the position in `names`, or [`NO_TEXT`].
    pub(in crate::data) codes: Vec<u32>,
    /// The different texts, in order of their first row.
    pub(in crate::data) names: Vec<String>,
    known: HashMap<String, u32>,
}

impl TextCells {
    /// Adds a cell; an empty one has no value.
    pub(in crate::data) fn push(&mut self, text: &str) {
        if text.is_empty() {
            self.codes.push(NO_TEXT);
            return;
        }
        let code = match self.known.get(text) {
            Some(code) => *code,
            None => {
                let code = self.names.len() as u32;
                self.names.push(text.to_owned());
                self.known.insert(text.to_owned(), code);
                code
            }
        };
        self.codes.push(code);
    }

    /// Returns the text of a row; `None` for an empty cell.
    pub(in crate::data) fn get(&self, row: usize) -> Option<&str> {
        self.names.get(self.codes[row] as usize).map(String::as_str)
    }
}

impl WholeColumn {
    pub(in crate::data) fn new(name: &str, cells: WholeCells) -> Self {
        Self {
            name: name.to_owned(),
            cells,
            marks: Vec::new(),
        }
    }

    /// Returns the numbers, if it holds numbers.
    pub(in crate::data) fn numbers(&self) -> Option<&[f64]> {
        match &self.cells {
            WholeCells::Numbers(values) => Some(values),
            WholeCells::Empty | WholeCells::Times { .. } | WholeCells::Texts(_) => None,
        }
    }

    /// Returns numbers or seconds: what can order rows.
    pub(in crate::data) fn ordered(&self) -> Option<&[f64]> {
        match &self.cells {
            WholeCells::Numbers(values) => Some(values),
            WholeCells::Times { seconds, .. } => Some(seconds),
            WholeCells::Empty | WholeCells::Texts(_) => None,
        }
    }

    /// Returns the texts, if it holds texts.
    pub(in crate::data) fn texts(&self) -> Option<&TextCells> {
        match &self.cells {
            WholeCells::Texts(texts) => Some(texts),
            WholeCells::Empty | WholeCells::Numbers(_) | WholeCells::Times { .. } => None,
        }
    }

    pub(in crate::data) fn is_time(&self) -> bool {
        matches!(self.cells, WholeCells::Times { .. })
    }

    /// Returns the number of cells without a value.
    pub(in crate::data) fn missing(&self, rows: usize) -> usize {
        match &self.cells {
            WholeCells::Empty => rows,
            WholeCells::Numbers(values)
            | WholeCells::Times {
                seconds: values, ..
            } => values.iter().filter(|value| value.is_nan()).count(),
            WholeCells::Texts(texts) => texts.codes.iter().filter(|code| **code == NO_TEXT).count(),
        }
    }

    /// Returns the type in one word.
    pub(in crate::data) fn type_name(&self) -> &'static str {
        match &self.cells {
            WholeCells::Empty => "empty",
            WholeCells::Numbers(_) => "number",
            WholeCells::Times { .. } => "time",
            WholeCells::Texts(_) => "text",
        }
    }

    /// Returns the cell of a row as text; `None` without a value.
    fn shown(&self, row: usize) -> Option<String> {
        match &self.cells {
            WholeCells::Empty => None,
            WholeCells::Numbers(values)
            | WholeCells::Times {
                seconds: values, ..
            } => Some(values[row])
                .filter(|value| !value.is_nan())
                .map(|value| value.to_string()),
            WholeCells::Texts(texts) => texts.get(row).map(str::to_owned),
        }
    }
}

impl WholeTable {
    /// Returns the position of a column.
    pub(in crate::data) fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Returns whether another table has the same columns, in any order.
    pub(in crate::data) fn has_columns_of(&self, other: &Self) -> bool {
        self.columns.len() == other.columns.len()
            && self
                .columns
                .iter()
                .all(|column| other.position(&column.name).is_some())
    }

    /// Adds the rows of a table with the same columns below these. Columns of different types become texts.
    pub(in crate::data) fn append(&mut self, other: &Self) {
        for column in &mut self.columns {
            let Some(below) = other.position(&column.name).map(|at| &other.columns[at]) else {
                continue;
            };
            column.cells = joined(column, self.rows, below, other.rows);
            column.marks.extend(below.marks.iter().cloned());
            column.marks.sort();
            column.marks.dedup();
        }
        self.rows += other.rows;
        self.misshapen += other.misshapen;
    }
}

fn joined(
    above: &WholeColumn,
    rows_above: usize,
    below: &WholeColumn,
    rows_below: usize,
) -> WholeCells {
    match (&above.cells, &below.cells) {
        (WholeCells::Empty, WholeCells::Empty) => WholeCells::Empty,
        (WholeCells::Numbers(a), WholeCells::Numbers(b)) => {
            WholeCells::Numbers([a.as_slice(), b].concat())
        }
        (WholeCells::Numbers(a), WholeCells::Empty) => {
            WholeCells::Numbers([a.as_slice(), &vec![f64::NAN; rows_below]].concat())
        }
        (WholeCells::Empty, WholeCells::Numbers(b)) => {
            WholeCells::Numbers([vec![f64::NAN; rows_above].as_slice(), b].concat())
        }
        (
            WholeCells::Times { seconds: a, form },
            WholeCells::Times {
                seconds: b,
                form: other,
            },
        ) if form == other => WholeCells::Times {
            seconds: [a.as_slice(), b].concat(),
            form: form.clone(),
        },
        _ => {
            let mut texts = TextCells::default();
            for row in 0..rows_above {
                texts.push(&above.shown(row).unwrap_or_default());
            }
            for row in 0..rows_below {
                texts.push(&below.shown(row).unwrap_or_default());
            }
            WholeCells::Texts(texts)
        }
    }
}
