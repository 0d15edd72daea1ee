//! Text tables.

use tabled::builder::Builder;
use tabled::settings::formatting::AlignmentStrategy;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

use super::fit::{self, GAP, WidthPlan, longest_line, wrapped_cell};
use pdm_core::domain::visible;

/// Alignment of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// For names and sentences.
    Left,
    /// For numbers.
    Right,
}

/// Returns a plain table: a header, a rule, and rows; columns are separated by two blanks. With a width set by [`fit::within`],
/// cells are wrapped; if the columns still do not fit, each row becomes a paragraph. Cells may hold untrusted text:
/// control characters are escaped.
pub fn table<R, C>(header: &[(&str, Align)], rows: R) -> String
where
    R: IntoIterator<Item = C>,
    C: IntoIterator<Item = String>,
{
    let cell = |cell: String| visible(&cell).into_owned();
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| row.into_iter().map(cell).collect())
        .collect();
    let Some(available) = fit::width() else {
        return side_by_side(header, &rows);
    };
    match fit::plan(&columns(header, &rows), available) {
        WidthPlan::AsIs => side_by_side(header, &rows),
        WidthPlan::Wrapped(widths) => {
            let names: Vec<_> = header
                .iter()
                .zip(&widths)
                .map(|((name, _), width)| wrapped_cell(name, *width))
                .collect();
            let header: Vec<_> = names
                .iter()
                .zip(header)
                .map(|(name, (_, align))| (name.as_str(), *align))
                .collect();
            let wrap = |row: &Vec<String>| {
                row.iter()
                    .zip(&widths)
                    .map(|(cell, width)| wrapped_cell(cell, *width))
                    .collect()
            };
            let rows: Vec<Vec<String>> = rows.iter().map(wrap).collect();
            side_by_side(&header, &rows)
        }
        WidthPlan::TooMany => paragraphs(header, &rows, available),
    }
}

fn columns<'a>(header: &[(&'a str, Align)], rows: &'a [Vec<String>]) -> Vec<(Align, Vec<&'a str>)> {
    let column = |(at, (name, align)): (usize, &(&'a str, Align))| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(at))
            .map(String::as_str);
        (*align, std::iter::once(*name).chain(cells).collect())
    };
    header.iter().enumerate().map(column).collect()
}

fn side_by_side(header: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let mut builder = Builder::new();
    builder.push_record(header.iter().map(|(name, _)| (*name).to_owned()));
    for row in rows {
        builder.push_record(row);
    }
    let mut table = builder.build();
    table
        .with(Style::empty().horizontals([(1, tabled::settings::style::HorizontalLine::new('─'))]));
    table.with(Padding::new(0, GAP, 0, 0));
    table.with(AlignmentStrategy::PerLine);
    for (at, (_, align)) in header.iter().enumerate() {
        let side = if *align == Align::Right {
            Alignment::right()
        } else {
            Alignment::left()
        };
        table.modify(Columns::one(at), side);
    }
    let lines = table.to_string();
    lines
        .lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Returns each row as lines of a name and a value, under a rule.
fn paragraphs(header: &[(&str, Align)], rows: &[Vec<String>], available: usize) -> String {
    let longest = header
        .iter()
        .map(|(name, _)| longest_line(name))
        .max()
        .unwrap_or_default();
    let names = longest.min(available / 2 - GAP);
    let values = available - names - GAP;
    let mut lines = Vec::new();
    for row in rows {
        lines.push("─".repeat(available));
        for ((name, _), cell) in header.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let name = wrapped_cell(name, names);
            let value = wrapped_cell(cell, values);
            let mut left = name.lines();
            let mut right = value.lines();
            loop {
                let pair = (left.next(), right.next());
                if pair == (None, None) {
                    break;
                }
                let line = format!(
                    "{:<names$}  {}",
                    pair.0.unwrap_or_default(),
                    pair.1.unwrap_or_default()
                );
                lines.push(line.trim_end().to_owned());
            }
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::within;

    #[test]
    fn numbers_are_aligned_right_and_lines_have_no_trailing_blanks() {
        let rows = [["rmse", "12.5"], ["late rate", "0.41"]].map(|row| row.map(str::to_owned));
        let text = table(&[("score", Align::Left), ("value", Align::Right)], rows);
        assert_eq!(
            text,
            "score      value\n──────────────────\nrmse        12.5\nlate rate   0.41"
        );
    }

    #[test]
    fn a_cell_commands_no_terminal() {
        let rows = [["1".to_owned(), "x\x1b[2J\x07\r".to_owned()]];
        let text = table(&[("entry", Align::Right), ("note", Align::Left)], rows);
        assert!(text.ends_with("    1  x\\x1b[2J\\x07\\x0d"), "{text}");
    }

    #[test]
    fn a_long_cell_is_wrapped_in_its_column() {
        let rows = [["rmse", "12.5", "above the limit of 10 that the gate sets"]]
            .map(|row| row.map(str::to_owned));
        let header = [
            ("gate", Align::Left),
            ("value", Align::Right),
            ("why", Align::Left),
        ];
        let text = within(Some(34), || table(&header, rows));
        insta::assert_snapshot!(text, @"
        gate  value  why
        ─────────────────────────────────
        rmse   12.5  above the limit of
                     10 that the gate
                     sets
        ");
    }

    #[test]
    fn intervals_are_wrapped_at_blanks_and_aligned_right() {
        let rows = [["FD001", "12.50 [11.25, 13.75]"]].map(|row| row.map(str::to_owned));
        let text = within(Some(20), || {
            table(&[("group", Align::Left), ("rmse", Align::Right)], rows)
        });
        insta::assert_snapshot!(text, @"
        group     rmse
        ────────────────
        FD001    12.50
               [11.25,
                13.75]
        ");
    }

    #[test]
    fn columns_that_do_not_fit_side_by_side_become_paragraphs() {
        let header: Vec<_> = ["run", "a", "b", "c"]
            .into_iter()
            .map(|name| (name, Align::Right))
            .collect();
        let rows = [["x", "123.456", "123.456", "123.456"], ["y", "1", "2", ""]]
            .map(|row| row.map(str::to_owned));
        let text = within(Some(24), || table(&header, rows));
        insta::assert_snapshot!(text, @"
        ────────────────────────
        run  x
        a    123.456
        b    123.456
        c    123.456
        ────────────────────────
        run  y
        a    1
        b    2
        ");
    }
}
