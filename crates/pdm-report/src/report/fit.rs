//! Fits tables and sentences into the width of a terminal.
//!
//! A renderer is called through [`within`] with a width, and all tables it builds are wrapped to it. The width is kept in a
//! thread-local for that call instead of being passed from renderer to renderer: some forty of them only pass text on, and a
//! new one could forget it. Outside of [`within`], in files, pipes and messages, nothing is cut or wrapped.

use std::cell::Cell;

use unicode_width::UnicodeWidthStr;

use super::Align;

/// Blanks between two columns.
pub(super) const GAP: usize = 2;
/// Longer words, such as digests or paths, may be broken before numbers are wrapped.
const LONG_WORD: usize = 32;
/// Minimum width of a column whose words are broken.
const NARROWEST_TEXT: usize = 12;
/// Minimum width assumed for a terminal.
const NARROWEST: usize = 20;

thread_local! {
    static WIDTH: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Renders text for a terminal of this width; with `None`, without a limit.
pub fn within(columns: Option<usize>, render: impl FnOnce() -> String) -> String {
    let before = WIDTH.replace(columns.map(|columns| columns.max(NARROWEST)));
    let text = render();
    let text = match WIDTH.get() {
        Some(columns) => text
            .lines()
            .map(|line| wrapped_line(line, columns))
            .collect::<Vec<_>>()
            .join("\n"),
        None => text,
    };
    WIDTH.set(before);
    text
}

/// Returns the width to render for, if there is one.
pub(super) fn width() -> Option<usize> {
    WIDTH.get()
}

/// How the columns of a table fit into a width.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WidthPlan {
    /// They fit unchanged.
    AsIs,
    /// The cells are wrapped to these widths.
    Wrapped(Vec<usize>),
    /// The columns do not fit side by side without breaking numbers.
    TooMany,
}

/// Decides the widths of columns: text is wrapped at blanks first, then long words are broken, then cells of numbers are
/// wrapped at blanks. A number is never broken.
pub(super) fn plan(columns: &[(Align, Vec<&str>)], available: usize) -> WidthPlan {
    let gaps = GAP * columns.len();
    let mut widths: Vec<_> = columns
        .iter()
        .map(|(_, cells)| widest(cells, longest_line))
        .collect();
    let fits = |widths: &[usize]| widths.iter().sum::<usize>() + gaps <= available;
    if fits(&widths) {
        return WidthPlan::AsIs;
    }
    let words: Vec<_> = columns
        .iter()
        .map(|(_, cells)| widest(cells, longest_word))
        .collect();
    let is_text = |at: usize| columns[at].0 == Align::Left;
    let rounds: [&dyn Fn(usize) -> Option<usize>; 4] = [
        &|at| is_text(at).then_some(words[at]),
        &|at| is_text(at).then_some(words[at].min(LONG_WORD)),
        &|at| (!is_text(at)).then_some(words[at]),
        &|at| is_text(at).then_some(words[at].min(NARROWEST_TEXT)),
    ];
    for least in rounds {
        shrink(&mut widths, least, available.saturating_sub(gaps));
        if fits(&widths) {
            return WidthPlan::Wrapped(widths);
        }
    }
    WidthPlan::TooMany
}

/// Narrows the widest column that may still shrink, until all fit or none may shrink.
fn shrink(widths: &mut [usize], least: &dyn Fn(usize) -> Option<usize>, available: usize) {
    while widths.iter().sum::<usize>() > available {
        let may_shrink = |at: &usize| least(*at).is_some_and(|least| widths[*at] > least);
        let widest = (0..widths.len())
            .filter(may_shrink)
            .max_by_key(|at| widths[*at]);
        let Some(widest) = widest else { return };
        widths[widest] -= 1;
    }
}

fn widest(cells: &[&str], of: fn(&str) -> usize) -> usize {
    cells.iter().map(|cell| of(cell)).max().unwrap_or_default()
}

pub(super) fn longest_line(text: &str) -> usize {
    text.lines()
        .map(UnicodeWidthStr::width)
        .max()
        .unwrap_or_default()
}

fn longest_word(text: &str) -> usize {
    text.split_whitespace()
        .map(UnicodeWidthStr::width)
        .max()
        .unwrap_or_default()
}

/// Wraps a cell at blanks, and breaks words that are longer than the column.
pub(super) fn wrapped_cell(cell: &str, columns: usize) -> String {
    let lines = cell.lines().flat_map(|line| broken(line, columns, true));
    lines.collect::<Vec<_>>().join("\n")
}

/// Wraps a line at blanks with its indentation; words are not broken, so that paths can be copied.
fn wrapped_line(line: &str, columns: usize) -> String {
    if line.width() <= columns {
        return line.to_owned();
    }
    let words = line.trim_start();
    let indent = &line[..line.len() - words.len()];
    let lines = broken(words, columns.saturating_sub(indent.width()).max(1), false);
    lines
        .iter()
        .map(|line| format!("{indent}{line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn broken(line: &str, columns: usize, break_words: bool) -> Vec<String> {
    let mut lines = vec![String::new()];
    for (at, word) in line.split(' ').enumerate() {
        let current = lines.len() - 1;
        let used = lines[current].width();
        // Consecutive blanks, which align text outside of tables, are kept except at the end of a line.
        if at > 0 && used + 1 + word.width() <= columns {
            lines[current].push(' ');
            lines[current].push_str(word);
        } else if at > 0 && !word.is_empty() {
            lines.push(word.to_owned());
        } else {
            lines[current].push_str(word);
        }
        if break_words {
            break_last(&mut lines, columns);
        }
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Breaks the last line at the width.
fn break_last(lines: &mut Vec<String>, columns: usize) {
    while let Some(last) = lines.last_mut() {
        let ends = last.char_indices().map(|(at, char)| at + char.len_utf8());
        let full = ends
            .take_while(|end| last[..*end].width() <= columns)
            .last();
        match full {
            Some(end) if end < last.len() => {
                let rest = last.split_off(end);
                lines.push(rest);
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(
            plan(
                &[
                    (Align::Left, vec!["name", "a"]),
                    (Align::Right, vec!["v", "12.5"])
                ],
                12
            ),
            WidthPlan::AsIs
        );
    }

    #[test]
    fn sentences_are_wrapped_before_anything_else() {
        let columns = [
            (Align::Left, vec!["a sentence of some words"]),
            (Align::Right, vec!["[1.0, 2.0]"]),
        ];
        assert_eq!(plan(&columns, 30), WidthPlan::Wrapped(vec![16, 10]));
    }

    #[test]
    fn digests_are_broken_before_numbers_are_wrapped() {
        let digest = "0123456789".repeat(6);
        let columns = [
            (Align::Left, vec![digest.as_str()]),
            (Align::Right, vec!["12.0 [11.0, 13.0]"]),
        ];
        assert_eq!(plan(&columns, 60), WidthPlan::Wrapped(vec![39, 17]));
        assert_eq!(plan(&columns, 44), WidthPlan::Wrapped(vec![32, 8]));
    }

    #[test]
    fn a_number_is_never_broken() {
        let columns: Vec<_> = (0..6).map(|_| (Align::Right, vec!["123.456"])).collect();
        assert_eq!(plan(&columns, 40), WidthPlan::TooMany);
    }

    #[test]
    fn a_cell_is_wrapped_at_blanks_and_in_long_words() {
        assert_eq!(wrapped_cell("one two three", 7), "one two\nthree");
        assert_eq!(wrapped_cell("a 0123456789 b", 6), "a\n012345\n6789 b");
        // Wide letters take two columns.
        assert_eq!(wrapped_cell("日本語", 4), "日本\n語");
    }

    #[test]
    fn a_line_of_words_keeps_its_indent_and_its_paths() {
        let line = "  note: see /a/very/long/path/that/is/not/broken for more";
        let text = within(Some(20), || line.to_owned());
        assert_eq!(
            text,
            "  note: see\n  /a/very/long/path/that/is/not/broken\n  for more"
        );
        assert_eq!(within(None, || line.to_owned()), line);
    }
}
