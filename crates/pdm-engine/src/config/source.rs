//! The texts that a pipeline comes from, and the places of keys and values in them.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::layers::Layer;

/// Name of the source of a `--set`.
pub(super) const COMMAND_LINE: &str = "command line";
/// Name of the source of an environment variable.
pub(super) const ENVIRONMENT: &str = "environment";
/// What comes before an override where it is shown.
pub(super) const SET: &str = "--set ";

/// Bytes from one of the texts of [`Sources`]; offsets count over all texts, one after the other.
pub(super) type SourceSpan = Range<usize>;

/// The texts that a pipeline comes from: the file, those it extends, a copy of those that the profile is in, the names of
/// variables, then each `--set`.
///
/// Their offsets follow each other, so one number gives both the text and the place in it.
#[derive(Debug, Clone)]
pub(super) struct Sources {
    texts: Vec<SourceText>,
}

/// One text.
#[derive(Debug, Clone)]
pub(super) struct SourceText {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) layer: Layer,
    base: usize,
    /// Where its lines begin.
    lines: Vec<usize>,
}

/// A span within one text, and where it starts for a reader.
#[derive(Debug, Clone)]
pub(super) struct SourceLocation<'s> {
    pub(super) source: &'s SourceText,
    /// Offsets within the text; the span ends at the first line break.
    pub(super) span: SourceSpan,
    /// Line, from 1.
    pub(super) line: usize,
    /// Column in characters, from 1.
    pub(super) column: usize,
}

impl Sources {
    pub(super) fn new(file_name: &str, text: &str) -> Self {
        Self {
            texts: vec![SourceText {
                name: file_name.to_owned(),
                text: text.to_owned(),
                layer: Layer::File,
                base: 0,
                lines: beginnings(text),
            }],
        }
    }

    /// Adds a text and returns the offset it starts at.
    pub(super) fn add(&mut self, name: &str, text: &str, layer: Layer) -> usize {
        // The offset after each text belongs to it: a problem at the end of a file points there.
        let base = self
            .texts
            .last()
            .map_or(0, |last| last.base + last.text.len() + 1);
        let lines = beginnings(text);
        self.texts.push(SourceText {
            name: name.to_owned(),
            text: text.to_owned(),
            layer,
            base,
            lines,
        });
        base
    }

    /// Adds a copy of the text that a span is in, as another layer, and returns the offset it starts at.
    pub(super) fn add_copy(&mut self, span: &SourceSpan, layer: Layer) -> usize {
        let SourceText { name, text, .. } = self.text(span).clone();
        self.add(&name, &text, layer)
    }

    /// Adds an override and returns the offset its own text starts at.
    pub(super) fn add_override(&mut self, text: &str) -> usize {
        self.add(COMMAND_LINE, &format!("{SET}{text}"), Layer::Set) + SET.len()
    }

    /// Returns the offset at which the text of a span starts.
    pub(super) fn base_of(&self, span: &SourceSpan) -> usize {
        self.text(span).base
    }

    fn text(&self, span: &SourceSpan) -> &SourceText {
        let after = self.texts.partition_point(|text| text.base <= span.start);
        &self.texts[after.saturating_sub(1)]
    }

    /// Returns the file's name.
    pub(super) fn file_name(&self) -> &str {
        &self.texts[0].name
    }

    /// Returns the place of a span.
    pub(super) fn place(&self, span: &SourceSpan) -> SourceLocation<'_> {
        self.text(span).place(span)
    }
}

impl SourceText {
    /// Returns an override as it was written.
    pub(super) fn override_text(&self) -> &str {
        self.text.strip_prefix(SET).unwrap_or(&self.text)
    }

    fn place(&self, span: &SourceSpan) -> SourceLocation<'_> {
        let start = self.boundary(span.start - self.base);
        let end = self.boundary(span.end.saturating_sub(self.base)).max(start);
        let line_end = self.text[start..end]
            .find(['\n', '\r'])
            .map_or(end, |length| start + length);
        let line = self.lines.partition_point(|begin| *begin <= start);
        let line_start = self.lines[line - 1];
        SourceLocation {
            source: self,
            span: start..line_end,
            line,
            column: self.text[line_start..start].chars().count() + 1,
        }
    }

    /// Returns a line, counted from 1, with the one before it, and the offset and number of the first of the two.
    pub(super) fn excerpt(&self, line: usize) -> (&str, usize, usize) {
        let first = line.saturating_sub(1).max(1);
        let from = self.lines[first - 1];
        let to = self.lines.get(line).copied().unwrap_or(self.text.len());
        (&self.text[from..to], from, first)
    }

    fn boundary(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        (0..=offset)
            .rev()
            .find(|at| self.text.is_char_boundary(*at))
            .unwrap_or(0)
    }
}

fn beginnings(text: &str) -> Vec<usize> {
    std::iter::once(0)
        .chain(text.match_indices('\n').map(|(newline, _)| newline + 1))
        .collect()
}

/// The spans of a key and its value. The value of a table is its header; an element of an array has its value as the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeySpans {
    pub(super) key: SourceSpan,
    pub(super) value: SourceSpan,
}

/// The spans of each key, by its path.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyIndex(BTreeMap<String, KeySpans>);

impl KeyIndex {
    pub(super) fn of(root: &DeTable<'_>) -> Self {
        let mut index = Self::default();
        index.add_table("", root);
        index
    }

    pub(super) fn get(&self, path: &str) -> Option<&KeySpans> {
        self.0.get(path)
    }

    /// Returns the span to point to for a path: its value, or the key of the nearest table around it that is written.
    pub(super) fn nearest(&self, path: &str) -> Option<SourceSpan> {
        if let Some(spans) = self.get(path) {
            return Some(spans.value.clone());
        }
        let mut path = path;
        while let Some((parent, _)) = path.rsplit_once('.') {
            path = parent;
            if let Some(spans) = self.get(path) {
                return Some(spans.key.clone());
            }
        }
        None
    }

    fn add_table(&mut self, parent: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = join(parent, key.get_ref());
            self.add(path, key.span(), value);
        }
    }

    fn add(&mut self, path: String, key: SourceSpan, value: &Spanned<DeValue<'_>>) {
        match value.get_ref() {
            DeValue::Table(table) => self.add_table(&path, table),
            DeValue::Array(items) => {
                for (i, item) in items.iter().enumerate() {
                    self.add(join(&path, &i.to_string()), item.span(), item);
                }
            }
            _ => {}
        }
        self.0.insert(
            path,
            KeySpans {
                key,
                value: value.span(),
            },
        );
    }
}

/// Returns the path of a key in the table at `parent`; a key that is not bare is quoted as in TOML.
pub(super) fn join(parent: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let key = if bare {
        key.to_owned()
    } else {
        format!("{key:?}")
    };
    if parent.is_empty() {
        key
    } else {
        format!("{parent}.{key}")
    }
}

/// Returns the list that the table at `path` is an element of: `gate` for `gate.0`.
pub(super) fn element_of(path: &str) -> Option<&str> {
    let (list, position) = path.rsplit_once('.')?;
    position.parse::<usize>().is_ok().then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version = 1\n[features]\n\"hälf\" = { \"a.b\" = [1, 2] }\n[[gate]]\nx = 1\n[[gate]]\nx = 2\n";

    fn shown(path: &str) -> (String, String) {
        let root = DeTable::parse(TEXT).unwrap();
        let spans = KeyIndex::of(root.get_ref()).get(path).unwrap().clone();
        (TEXT[spans.key].to_owned(), TEXT[spans.value].to_owned())
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn every_key_and_value_has_its_span() {
        assert_eq!(shown("version"), pair("version", "1"));
        assert_eq!(shown("features"), pair("features", "[features]"));
        assert_eq!(shown("features.\"hälf\".\"a.b\".1"), pair("2", "2"));
        assert_eq!(shown("gate.1"), pair("[[gate]]", "[[gate]]"));
        assert_eq!(shown("gate.1.x"), pair("x", "2"));
    }

    #[test]
    fn a_path_that_is_not_written_points_at_the_table_around_it() {
        let root = DeTable::parse(TEXT).unwrap();
        let index = KeyIndex::of(root.get_ref());
        assert_eq!(
            &TEXT[index.nearest("features.window.length").unwrap()],
            "features"
        );
        assert_eq!(&TEXT[index.nearest("gate.0.x").unwrap()], "1");
        assert_eq!(index.nearest("model.rounds"), None);
    }

    #[test]
    fn offsets_say_which_text_and_where_in_it() {
        let mut sources = Sources::new("pdm.toml", "ä = 1\nb = 2");
        let base = sources.add_override("train.epochs=5");
        let place = sources.place(&(11..12));
        assert_eq!(
            (place.line, place.column, &place.source.layer),
            (2, 5, &Layer::File)
        );
        let place = sources.place(&(base + 6..base + 12));
        assert_eq!(
            (&place.source.text[place.span.clone()], place.column),
            ("epochs", 13)
        );
        let end = sources.place(&(12..12));
        assert_eq!(
            (&end.source.layer, end.line, end.column),
            (&Layer::File, 2, 6)
        );
        let inside_a_character = sources.place(&(1..1));
        assert_eq!(inside_a_character.column, 1);
    }
}
