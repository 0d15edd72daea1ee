//! The rows of one file, column by column.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::Trajectory;
use super::findings::FindingLocation;
use super::time::RowTime;
use pdm_core::domain::{Cycle, UnitId};

/// The rows of one file, column by column, in file order, before validation.
///
/// Cells that could not be read are `NaN`; their findings are already logged.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    pub(super) runs: Vec<RowRun>,
    pub(super) cycles: Vec<u32>,
    /// Times, if the table has a time column; the cycles are 0 then.
    pub(super) times: Vec<RowTime>,
    /// Values as `[channel][row]`.
    pub(super) channels: Vec<Vec<f64>>,
    /// Number of rows of the file that could not be kept.
    pub(super) dropped: u64,
    /// Units of dropped lines, if the line names one.
    lost: BTreeMap<u64, UnitId>,
    lines: LineNumbers,
    /// The file of each row, if they are from several.
    files: Option<RowFiles>,
}

/// The files of rows from several files.
#[derive(Debug, Clone, Default)]
struct RowFiles {
    names: Vec<String>,
    /// Position in `names` for each row.
    of_row: Vec<u32>,
}

/// Consecutive rows of one unit.
#[derive(Debug, Clone)]
pub(super) struct RowRun {
    pub(super) unit: UnitId,
    pub(super) rows: Range<usize>,
}

#[derive(Debug, Clone)]
enum LineNumbers {
    /// Row 0 is on this line, and no line is left out.
    From(u64),
    Each(Vec<u64>),
}

impl Default for LineNumbers {
    fn default() -> Self {
        Self::From(1)
    }
}

impl Rows {
    /// Returns rows that are on consecutive lines, from `first_line`.
    pub(super) fn consecutive(
        runs: Vec<RowRun>,
        cycles: Vec<u32>,
        channels: Vec<Vec<f64>>,
        first_line: u64,
    ) -> Self {
        let lines = LineNumbers::From(first_line);
        Self {
            runs,
            cycles,
            times: Vec::new(),
            channels,
            dropped: 0,
            lost: BTreeMap::new(),
            lines,
            files: None,
        }
    }

    /// Returns an empty collection to which rows can be pushed.
    pub(super) fn collecting(channels: usize) -> Self {
        Self {
            channels: vec![Vec::new(); channels],
            lines: LineNumbers::Each(Vec::new()),
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, line: u64, unit: &str, cycle: u32, values: &[f64]) {
        let unit = &*composed(unit);
        let row = self.cycles.len();
        match self.runs.last_mut() {
            Some(run) if run.unit.as_str() == unit => run.rows.end = row + 1,
            _ => self.runs.push(RowRun {
                unit: UnitId::new(unit),
                rows: row..row + 1,
            }),
        }
        self.cycles.push(cycle);
        for (column, value) in self.channels.iter_mut().zip(values) {
            column.push(*value);
        }
        if let LineNumbers::Each(lines) = &mut self.lines {
            lines.push(line);
        }
    }

    /// Like [`Self::push`], with a time in place of a cycle.
    pub(super) fn push_at(&mut self, line: u64, unit: &str, time: RowTime, values: &[f64]) {
        self.push(line, unit, 0, values);
        self.times.push(time);
    }

    /// Joins the rows of several files, with those of each unit together, in the order of the files.
    pub(super) fn joined(files: Vec<(String, Self)>, channels: usize) -> Self {
        let mut of_unit: BTreeMap<UnitId, Vec<(usize, Range<usize>)>> = BTreeMap::new();
        for (at, (_, rows)) in files.iter().enumerate() {
            for run in &rows.runs {
                let runs = of_unit.entry(run.unit.clone()).or_default();
                runs.push((at, run.rows.clone()));
            }
        }
        let mut joined = Self::collecting(channels);
        let mut of_row = Vec::new();
        for (unit, runs) in of_unit {
            let start = joined.len();
            for (at, range) in runs {
                let rows = &files[at].1;
                joined.append_range(rows, range.clone());
                of_row.resize(of_row.len() + range.len(), at as u32);
            }
            let rows = start..joined.len();
            joined.runs.push(RowRun { unit, rows });
        }
        joined.dropped = files.iter().map(|(_, rows)| rows.dropped).sum();
        let names = files.into_iter().map(|(name, _)| name).collect();
        joined.files = Some(RowFiles { names, of_row });
        joined
    }

    fn append_range(&mut self, rows: &Self, range: Range<usize>) {
        self.cycles.extend_from_slice(&rows.cycles[range.clone()]);
        if !rows.times.is_empty() {
            self.times.extend_from_slice(&rows.times[range.clone()]);
        }
        for (column, other) in self.channels.iter_mut().zip(&rows.channels) {
            column.extend_from_slice(&other[range.clone()]);
        }
        if let LineNumbers::Each(lines) = &mut self.lines {
            lines.extend(range.map(|row| rows.line(row)));
        }
    }

    /// Returns the file of a row; `None` if all rows are from one file.
    pub(super) fn file_of(&self, row: usize) -> Option<&str> {
        let files = self.files.as_ref()?;
        let file = *files.of_row.get(row)?;
        files.names.get(file as usize).map(String::as_str)
    }

    /// Returns the location of a row; `file` is the file of all rows, if they are from one.
    pub(super) fn location<'a>(&'a self, file: &'a str, row: usize) -> FindingLocation<'a> {
        FindingLocation::file(self.file_of(row).unwrap_or(file)).line(self.line(row))
    }

    /// Takes the files of rows from which these were made; `sources` has the row of the original for each row.
    pub(super) fn take_files(&mut self, original: &Self, sources: &[usize]) {
        let Some(files) = &original.files else {
            return;
        };
        self.files = Some(RowFiles {
            names: files.names.clone(),
            of_row: sources.iter().map(|row| files.of_row[*row]).collect(),
        });
    }

    /// Keeps the last history of each machine and names it after the machine.
    pub(super) fn keep_last_history(&mut self, machine_of: impl Fn(&UnitId) -> UnitId) {
        let mut kept: Vec<RowRun> = Vec::new();
        for run in std::mem::take(&mut self.runs) {
            let machine = machine_of(&run.unit);
            if let Some(last) = kept.last_mut().filter(|last| last.unit == machine) {
                last.rows = run.rows;
            } else {
                kept.push(RowRun {
                    unit: machine,
                    rows: run.rows,
                });
            }
        }
        self.runs = kept;
    }

    /// Appends the rows of a unit, each with its line.
    pub(super) fn append_history(
        &mut self,
        unit: &UnitId,
        cycles: &[u32],
        lines: &[u64],
        values: Vec<Vec<f64>>,
    ) {
        let start = self.cycles.len();
        self.cycles.extend_from_slice(cycles);
        self.runs.push(RowRun {
            unit: unit.clone(),
            rows: start..self.cycles.len(),
        });
        for (column, of_unit) in self.channels.iter_mut().zip(values) {
            column.extend(of_unit);
        }
        if let LineNumbers::Each(known) = &mut self.lines {
            known.extend_from_slice(lines);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.cycles.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cycles.is_empty()
    }

    /// Returns the line of a row; the row's number from 1 in Parquet.
    pub(super) fn line(&self, row: usize) -> u64 {
        match &self.lines {
            LineNumbers::From(first) => first + row as u64,
            LineNumbers::Each(lines) => lines[row],
        }
    }

    /// Records the unit of a line that could not be kept.
    pub(super) fn lose(&mut self, line: u64, unit: &str) {
        self.lost.insert(line, UnitId::new(composed(unit)));
    }

    /// Renames units to whole numbers if all of them are whole numbers with a decimal zero (`1.0`), as pandas writes a column
    /// with gaps; returns the original name of the first.
    pub(super) fn name_by_whole_numbers(&mut self) -> Option<UnitId> {
        let whole = |unit: &UnitId| whole_part(unit.as_str()).map(UnitId::new);
        let first = self.runs.first()?.unit.clone();
        let names: Vec<UnitId> = self
            .runs
            .iter()
            .map(|run| whole(&run.unit))
            .collect::<Option<_>>()?;
        let lost: BTreeMap<u64, UnitId> = self
            .lost
            .iter()
            .map(|(line, unit)| Some((*line, whole(unit)?)))
            .collect::<Option<_>>()?;
        for (run, name) in self.runs.iter_mut().zip(names) {
            run.unit = name;
        }
        self.lost = lost;
        Some(first)
    }

    /// Returns the units that a line may belong to: its own, if known, else those before and after it.
    pub(super) fn units_at(&self, line: u64) -> Vec<UnitId> {
        if let Some(unit) = self.lost.get(&line) {
            return vec![unit.clone()];
        }
        let after = self.first_row_from(line);
        if after < self.len() && self.line(after) == line {
            return self.unit_of(after).into_iter().collect();
        }
        let mut units = Vec::new();
        if after > 0 {
            units.extend(self.unit_of(after - 1));
        }
        units.extend(self.unit_of(after));
        units.dedup();
        units
    }

    /// Returns the first row on this line or a later one.
    fn first_row_from(&self, line: u64) -> usize {
        match &self.lines {
            LineNumbers::From(first) => (line.saturating_sub(*first) as usize).min(self.len()),
            LineNumbers::Each(lines) => lines.partition_point(|known| *known < line),
        }
    }

    fn unit_of(&self, row: usize) -> Option<UnitId> {
        let after = self.runs.partition_point(|run| run.rows.end <= row);
        self.runs.get(after).map(|run| run.unit.clone())
    }

    /// Returns the number of different units.
    pub(super) fn units(&self) -> usize {
        self.runs
            .iter()
            .map(|run| &run.unit)
            .collect::<std::collections::BTreeSet<_>>()
            .len()
    }

    /// Returns the histories in ascending order of unit.
    pub(super) fn into_trajectories(self) -> Vec<Trajectory> {
        let mut runs: BTreeMap<UnitId, Range<usize>> = BTreeMap::new();
        runs.extend(self.runs.into_iter().map(|run| (run.unit, run.rows)));
        let cut = |(unit, rows): (UnitId, Range<usize>)| Trajectory {
            rest: 0,
            unit,
            cycles: self.cycles[rows.clone()]
                .iter()
                .copied()
                .map(Cycle)
                .collect(),
            channels: self
                .channels
                .iter()
                .map(|column| column[rows.clone()].to_vec())
                .collect(),
        };
        runs.into_iter().map(cut).collect()
    }
}

/// Returns `12` for `12.0`; `None` for other texts, including numbers with more decimal zeros, which may be names.
fn whole_part(name: &str) -> Option<&str> {
    let whole = name
        .strip_suffix(".0")
        .or_else(|| name.strip_suffix(",0"))?;
    let is_number = !whole.is_empty() && whole.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && (whole == "0" || !whole.starts_with('0'))).then_some(whole)
}

/// Normalises the name of a unit to NFC, so that the same name is the same unit.
pub(super) fn composed(name: &str) -> Cow<'_, str> {
    if name.is_ascii() || is_nfc(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(name.nfc().collect())
    }
}

/// Divides consecutive rows by unit; `unit` returns the unit of a row, `same` compares two rows.
pub(super) fn runs(
    rows: usize,
    same: impl Fn(usize, usize) -> bool,
    unit: impl Fn(usize) -> UnitId,
) -> Vec<RowRun> {
    let mut runs: Vec<RowRun> = Vec::new();
    for row in 0..rows {
        match runs.last_mut() {
            Some(run) if same(row - 1, row) => run.rows.end = row + 1,
            _ => runs.push(RowRun {
                unit: unit(row),
                rows: row..row + 1,
            }),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_unit_in_any_form_of_unicode() {
        let mut rows = Rows::collecting(0);
        rows.push(1, "T\u{f6}1", 1, &[]);
        rows.push(2, "To\u{308}1", 2, &[]);
        assert_eq!(rows.units(), 1);
    }

    #[test]
    fn units_are_whole_numbers_only_where_all_of_them_are() {
        let named = |units: &[&str]| {
            let mut rows = Rows::collecting(0);
            (1..)
                .zip(units)
                .for_each(|(line, unit)| rows.push(line, unit, 1, &[]));
            rows.name_by_whole_numbers();
            rows.runs
                .iter()
                .map(|run| run.unit.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(named(&["1.0", "12.0"]), ["1", "12"]);
        for names in [
            ["1.0", "2"],
            ["1.0", "2.5"],
            ["1.0", "1.00"],
            ["1.0", "01.0"],
            ["1.0", "v2.0"],
        ] {
            assert_eq!(named(&names), names);
        }
    }

    #[test]
    fn pushed_rows_become_trajectories_in_order_of_unit() {
        let mut rows = Rows::collecting(1);
        for (line, unit, cycle) in [(1, "10", 1), (2, "10", 2), (4, "2", 1)] {
            rows.push(line, unit, cycle, &[f64::from(cycle)]);
        }
        assert_eq!((rows.len(), rows.units(), rows.line(2)), (3, 2, 4));
        let trajectories = rows.into_trajectories();
        assert_eq!(
            trajectories
                .iter()
                .map(|t| t.unit.as_str())
                .collect::<Vec<_>>(),
            ["2", "10"]
        );
        assert_eq!(trajectories[1].channels, [[1.0, 2.0]]);
    }
}
