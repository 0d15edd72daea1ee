//! Sorts the files of a data set by what they are for, and joins those with histories.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::columns::WholeTable;
use super::error::InferError;
use super::events::{self, EventTable};
use super::keys::{self, TableKeys, UnitRows};
use super::text;
use crate::data::findings::FindingLog;
use crate::data::source::{read_binary, read_text};
use crate::data::table::TableFormat;
use crate::data::{DataError, address, parquet};

/// A file to read, and how the draft names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InferFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its path as `[dataset]` has it, relative to the project.
    pub named: String,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileUse {
    /// Histories to learn from.
    Train,
    /// Histories that stop before failure.
    Test,
    /// The true remaining lives of the test part.
    Rul,
    /// Failures and replacements.
    Events,
    /// Nothing.
    Unused,
}

/// A file and what it is for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InferredFile {
    /// Its path as the draft names it.
    pub path: String,
    /// What it is for.
    #[serde(rename = "use")]
    pub is_for: FileUse,
    /// Number of rows.
    pub rows: usize,
    /// Names of the columns.
    pub columns: Vec<String>,
}

/// The files by their use.
pub(super) struct SortedFiles {
    pub(super) files: Vec<InferredFile>,
    /// The rows of all training files.
    pub(super) histories: WholeTable,
    /// For each training file its unit, if it were one, and its rows.
    parts: UnitRows,
    /// Files that are neither.
    others: Vec<WholeTable>,
    /// Why files are not used.
    pub(super) unused: Vec<String>,
}

impl SortedFiles {
    /// Reads all files. Those with the columns of the table with most rows are histories.
    pub(super) fn read(inputs: &[InferFile]) -> Result<Self, InferError> {
        let tables: Vec<WholeTable> = inputs.iter().map(read_whole).collect::<Result<_, _>>()?;
        let rows_like = |table: &WholeTable| -> usize {
            tables
                .iter()
                .filter(|other| other.has_columns_of(table))
                .map(|other| other.rows)
                .sum()
        };
        let Some(largest) = tables.iter().max_by_key(|table| rows_like(table)).cloned() else {
            return Err(InferError::unreadable("", "no file was given"));
        };
        let has_rul = tables
            .iter()
            .any(|table| !table.has_columns_of(&largest) && is_rul(table));
        let mut sorted = Self {
            files: Vec::new(),
            histories: WholeTable {
                rows: 0,
                misshapen: 0,
                ..largest.clone()
            },
            parts: UnitRows {
                names: Vec::new(),
                rows: Vec::new(),
                is_contiguous: true,
            },
            others: Vec::new(),
            unused: Vec::new(),
        };
        let mut first = true;
        for table in tables {
            let is_for = use_of(&table, &largest, has_rul);
            sorted.files.push(InferredFile {
                path: table.file.clone(),
                is_for,
                rows: table.rows,
                columns: table
                    .columns
                    .iter()
                    .map(|column| column.name.clone())
                    .collect(),
            });
            match is_for {
                FileUse::Train => sorted.add_histories(table, std::mem::take(&mut first)),
                FileUse::Events | FileUse::Unused => sorted.others.push(table),
                FileUse::Test | FileUse::Rul => {}
            }
        }
        if sorted.histories.rows == 0 {
            return Err(InferError::unreadable(&largest.file, "has no rows"));
        }
        Ok(sorted)
    }

    fn add_histories(&mut self, table: WholeTable, is_first: bool) {
        let begin = self.histories.rows;
        self.parts.names.push(stem(&table.file));
        self.parts.rows.push((begin..begin + table.rows).collect());
        if is_first {
            self.histories = table;
        } else {
            self.histories.append(&table);
        }
    }

    /// Finds the columns of unit and time; if no column names the units, each file is one.
    pub(super) fn keys(&self) -> Result<TableKeys, InferError> {
        let found = keys::find(&self.histories);
        match found {
            Err(InferError::NoUnits { file, mut reasons }) => {
                keys::find_time(&self.histories, self.parts.clone()).map_err(|reason| {
                    reasons.insert(0, format!("each file as a unit: {reason}"));
                    InferError::NoUnits { file, reasons }
                })
            }
            found => found,
        }
    }

    /// Returns the events file that is most clearly about failures, and marks it.
    pub(super) fn take_events(&mut self, keys: &TableKeys) -> Option<EventTable> {
        let mut best: Option<EventTable> = None;
        for table in &self.others {
            let Some(found) = EventTable::of(table, &self.histories, keys) else {
                continue;
            };
            if best.as_ref().is_none_or(|best| found.score > best.score) {
                best = Some(found);
            }
        }
        let chosen = best.as_ref().map(|best| best.events.file.clone());
        for table in &self.others {
            if Some(&table.file) != chosen.as_ref() {
                self.unused.push(events::unused(table));
            }
        }
        for file in self
            .files
            .iter_mut()
            .filter(|file| Some(&file.path) == chosen.as_ref())
        {
            file.is_for = FileUse::Events;
        }
        best
    }
}

fn use_of(table: &WholeTable, largest: &WholeTable, has_rul: bool) -> FileUse {
    let is_history = table.has_columns_of(largest);
    if !is_history && is_rul(table) {
        FileUse::Rul
    } else if is_history && has_rul && stem(&table.file).to_lowercase().contains("test") {
        FileUse::Test
    } else if is_history {
        FileUse::Train
    } else {
        FileUse::Unused
    }
}

/// Returns whether a table has true remaining lives, as `[dataset] rul` reads them.
fn is_rul(table: &WholeTable) -> bool {
    table.columns.len() <= 3
        && table
            .columns
            .iter()
            .any(|column| column.name.eq_ignore_ascii_case("rul"))
}

fn read_whole(input: &InferFile) -> Result<WholeTable, InferError> {
    let InferFile { path, named } = input;
    address::refuse(path)?;
    let format = TableFormat::of(path).ok_or_else(|| DataError::UnknownFormat {
        path: path.clone(),
        expected: crate::data::table::EXTENSIONS,
    })?;
    let mut log = FindingLog::default();
    let source = match format {
        TableFormat::Csv => read_text(path, None, named, &mut log)?,
        TableFormat::Parquet => read_binary(path, named, &mut log)?,
    };
    let Some(bytes) = source.contents else {
        return Err(InferError::found(named, &log.into_findings()));
    };
    match format {
        TableFormat::Csv => text::read(&bytes, None, named),
        TableFormat::Parquet => parquet::whole_table(&bytes, named)
            .map_err(|problem| InferError::unreadable(named, problem)),
    }
}

/// Returns the file's name without its extensions.
pub(super) fn stem(file: &str) -> String {
    let name = Path::new(file)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.split_once('.')
        .map_or(name.clone(), |(stem, _)| stem.to_owned())
}

/// Returns the extensions of a file, such as `.csv.gz`.
fn extensions(file: &str) -> &str {
    let name = file.rsplit_once('/').map_or(file, |(_, name)| name);
    name.find('.').map_or("", |at| &name[at..])
}

fn training(files: &[InferredFile]) -> Vec<&str> {
    files
        .iter()
        .filter(|file| file.is_for == FileUse::Train)
        .map(|file| file.path.as_str())
        .collect()
}

/// Returns the regular expression that takes the unit from the path of a file.
pub(super) fn unit_pattern(files: &[InferredFile]) -> String {
    let ending = training(files)
        .first()
        .map_or("", |file| extensions(file))
        .replace('.', "\\.");
    format!("(?<unit>[^/]+){ending}$")
}

/// Returns the path of the training file, or a pattern that matches all of them.
pub(super) fn training_pattern(files: &[InferredFile]) -> String {
    let paths = training(files);
    let [first, others @ ..] = paths.as_slice() else {
        return String::new();
    };
    if others.is_empty() {
        return (*first).to_owned();
    }
    let same = |other: &&str| {
        first
            .chars()
            .zip(other.chars())
            .take_while(|(a, b)| a == b)
            .count()
    };
    let length = others.iter().map(same).min().unwrap_or(0);
    let prefix: String = first.chars().take(length).collect();
    let prefix = prefix.trim_end_matches(|character: char| character.is_ascii_digit());
    let ending = extensions(first);
    let has_folders = paths.iter().any(|path| path[prefix.len()..].contains('/'));
    if has_folders {
        let folder = prefix
            .rsplit_once('/')
            .map_or(String::new(), |(folder, _)| format!("{folder}/"));
        return format!("{folder}**/*{ending}");
    }
    format!("{prefix}*{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Vec<InferredFile> {
        let file = |path: &&str| InferredFile {
            path: (*path).to_owned(),
            is_for: FileUse::Train,
            rows: 1,
            columns: Vec::new(),
        };
        paths.iter().map(file).collect()
    }

    #[test]
    fn several_files_become_a_pattern() {
        assert_eq!(training_pattern(&files(&["data/a.csv"])), "data/a.csv");
        assert_eq!(
            training_pattern(&files(&["data/day-01.csv.gz", "data/day-02.csv.gz"])),
            "data/day-*.csv.gz"
        );
        assert_eq!(
            training_pattern(&files(&["data/a/x.csv", "data/b/x.csv"])),
            "data/**/*.csv"
        );
        assert_eq!(
            unit_pattern(&files(&["data/P-1.csv"])),
            "(?<unit>[^/]+)\\.csv$"
        );
    }
}
