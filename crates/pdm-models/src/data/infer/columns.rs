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

impl WholeCells {
    /// Appends cells of the same type, and returns whether they are: a data set may have thousands of files, so that copying all
    /// earlier cells for each would take long.
    fn extend_with(&mut self, below: &Self) -> bool {
        match (self, below) {
            (Self::Numbers(values), Self::Numbers(more)) => values.extend_from_slice(more),
            (
                Self::Times { seconds, form },
                Self::Times {
                    seconds: more,
                    form: form_below,
                },
            ) if form == form_below => seconds.extend_from_slice(more),
            (Self::Texts(texts), Self::Texts(more)) => {
                for row in 0..more.codes.len() {
                    texts.push(more.get(row).unwrap_or_default());
                }
            }
            (
                Self::Empty | Self::Numbers(_) | Self::Times { .. } | Self::Texts(_),
                Self::Empty | Self::Numbers(_) | Self::Times { .. } | Self::Texts(_),
            ) => return false,
        }
        true
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

    /// Returns how its times are written, if they are texts.
    fn form(&self) -> Option<&TimeForm> {
        match &self.cells {
            WholeCells::Times { form, .. } => form.as_ref(),
            WholeCells::Empty | WholeCells::Numbers(_) | WholeCells::Texts(_) => None,
        }
    }

    /// Returns numbers, if it holds no other values.
    fn as_numbers(&self, rows: usize) -> Option<Vec<f64>> {
        match &self.cells {
            WholeCells::Empty => Some(vec![f64::NAN; rows]),
            WholeCells::Numbers(values) => Some(values.clone()),
            WholeCells::Times { .. } | WholeCells::Texts(_) => None,
        }
    }

    /// Returns seconds, if it holds no other values than times.
    fn as_seconds(&self, rows: usize) -> Option<Vec<f64>> {
        match &self.cells {
            WholeCells::Empty => Some(vec![f64::NAN; rows]),
            WholeCells::Times { seconds, .. } => Some(seconds.clone()),
            WholeCells::Numbers(_) | WholeCells::Texts(_) => None,
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
            if !column.cells.extend_with(&below.cells) {
                column.cells = joined(column, self.rows, below, other.rows);
            }
            column.marks.extend(below.marks.iter().cloned());
            column.marks.sort();
            column.marks.dedup();
        }
        self.rows += other.rows;
        self.misshapen += other.misshapen;
    }
}

/// Joins the cells of a column of two tables. A side without values fits any type.
fn joined(
    above: &WholeColumn,
    rows_above: usize,
    below: &WholeColumn,
    rows_below: usize,
) -> WholeCells {
    if above.type_name() == "empty" && below.type_name() == "empty" {
        return WholeCells::Empty;
    }
    let numbers = above
        .as_numbers(rows_above)
        .zip(below.as_numbers(rows_below));
    if let Some((above, below)) = numbers {
        return WholeCells::Numbers([above, below].concat());
    }
    let seconds = above
        .as_seconds(rows_above)
        .zip(below.as_seconds(rows_below));
    let form = above.form().or(below.form());
    let is_alike = |column: &WholeColumn| !column.is_time() || column.form() == form;
    if let Some((first, second)) = seconds
        && is_alike(above)
        && is_alike(below)
    {
        return WholeCells::Times {
            seconds: [first, second].concat(),
            form: form.cloned(),
        };
    }
    let mut texts = TextCells::default();
    for row in 0..rows_above {
        texts.push(&above.shown(row).unwrap_or_default());
    }
    for row in 0..rows_below {
        texts.push(&below.shown(row).unwrap_or_default());
    }
    WholeCells::Texts(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(cells: WholeCells) -> WholeTable {
        WholeTable {
            file: "a.csv".to_owned(),
            rows: 1,
            columns: vec![WholeColumn::new("x", cells)],
            writing: None,
            misshapen: 0,
        }
    }

    fn texts(text: &str) -> WholeCells {
        let mut cells = TextCells::default();
        cells.push(text);
        WholeCells::Texts(cells)
    }

    #[test]
    fn a_side_without_values_fits_any_type_and_others_become_texts() {
        let times = WholeCells::Times {
            seconds: vec![60.0],
            form: None,
        };
        let cases = [
            (WholeCells::Empty, WholeCells::Empty, "empty", 2),
            (
                WholeCells::Numbers(vec![1.0]),
                WholeCells::Empty,
                "number",
                1,
            ),
            (WholeCells::Empty, times.clone(), "time", 1),
            (WholeCells::Numbers(vec![1.0]), texts("a"), "text", 0),
            (times, WholeCells::Numbers(vec![1.0]), "text", 0),
        ];
        for (above, below, name, missing) in cases {
            let mut joined = table(above);
            joined.append(&table(below));
            let column = &joined.columns[0];
            assert_eq!(
                (column.type_name(), column.missing(2), joined.rows),
                (name, missing, 2)
            );
        }
    }
}
