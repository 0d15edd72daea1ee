//! The text of a TOML file with the spans of its values, to set and remove values in it.

use toml::de::{DeTable, DeValue};

use serde_json::Value;

use crate::config::source::{KeyIndex, SourceSpan, join};

fn path_of(steps: &[String]) -> String {
    steps
        .iter()
        .fold(String::new(), |path, step| join(&path, step))
}

/// A file's text, its values, and their spans.
pub(super) struct TomlDocument<'t> {
    text: &'t str,
    root: DeTable<'t>,
    index: KeyIndex,
}

impl<'t> TomlDocument<'t> {
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let root = DeTable::parse(text).ok()?.into_inner();
        Some(Self {
            text,
            index: KeyIndex::of(&root),
            root,
        })
    }

    /// Returns the text with a value set, in place of an older one or as a new key.
    pub(super) fn with(&self, steps: &[String], value: &str) -> Option<String> {
        let Some(spans) = self.index.get(&path_of(steps)) else {
            return self.inserted(steps, value);
        };
        let span = spans.value.clone();
        if self.at(steps)?.is_table() && !self.text[span.clone()].starts_with('{') {
            return None;
        }
        Some(self.replaced(span, value))
    }

    fn at(&self, steps: &[String]) -> Option<&DeValue<'t>> {
        let (first, rest) = steps.split_first()?;
        rest.iter().try_fold(
            self.root.get(first.as_str())?.get_ref(),
            |value, step| match value {
                DeValue::Table(table) => Some(table.get(step.as_str())?.get_ref()),
                DeValue::Array(items) => Some(items.get(step.parse::<usize>().ok()?)?.get_ref()),
                _ => None,
            },
        )
    }

    fn replaced(&self, span: SourceSpan, by: &str) -> String {
        format!("{}{by}{}", &self.text[..span.start], &self.text[span.end..])
    }

    /// Adds a key to the nearest table around it that is written.
    fn inserted(&self, steps: &[String], value: &str) -> Option<String> {
        let known = (1..steps.len())
            .rev()
            .find(|count| self.at(&steps[..*count]).is_some());
        let Some(known) = known else {
            return Some(self.with_section(steps, value));
        };
        let (table, rest) = steps.split_at(known);
        if !self.at(table)?.is_table() {
            return None;
        }
        let entry = format!("{} = {value}", path_of(rest));
        let spans = self.index.get(&path_of(table))?;
        match self.text[spans.value.clone()].chars().next()? {
            '{' => Some(self.replaced(
                spans.value.clone(),
                &with_entry(&self.text[spans.value.clone()], &entry),
            )),
            '[' => Some(self.below(self.end_of_section(table, &spans.value), &entry)),
            // The table is written by a dotted key, so the new key is a dotted one, too.
            _ => {
                let line = self.start_of_line(spans.key.start);
                let dotted = format!("{}.{entry}\n", &self.text[line..spans.key.end]);
                Some(self.replaced(line..line, &dotted))
            }
        }
    }

    fn with_section(&self, steps: &[String], value: &str) -> String {
        let (first, rest) = steps.split_at(steps.len().min(2) - 1);
        match first {
            [] => self.replaced(0..0, &format!("{} = {value}\n", path_of(rest))),
            section => format!(
                "{}\n\n[{}]\n{} = {value}\n",
                self.text.trim_end(),
                path_of(section),
                path_of(rest)
            ),
        }
    }

    /// Returns where the last key below a header ends, or the header where it has no keys.
    fn end_of_section(&self, table: &[String], header: &SourceSpan) -> usize {
        let own = self
            .own_keys(table)
            .into_iter()
            .filter_map(|(_, spans)| spans);
        own.map(|(_, value)| value.end).max().unwrap_or(header.end)
    }

    /// Returns the keys of a table, each with the spans of it and its value; no spans for those with a header of their own.
    fn own_keys(&self, table: &[String]) -> Vec<(String, Option<(SourceSpan, SourceSpan)>)> {
        let keys = self
            .at(table)
            .and_then(DeValue::as_table)
            .into_iter()
            .flatten();
        let own = |(key, value): (
            &toml::Spanned<toml::de::DeString<'_>>,
            &toml::Spanned<DeValue<'_>>,
        )| {
            let inline = !value.get_ref().is_table() || self.text[value.span()].starts_with('{');
            let header = value
                .get_ref()
                .as_array()
                .is_some_and(|_| self.text[value.span()].starts_with("[["));
            (
                key.get_ref().to_string(),
                (inline && !header).then(|| (key.span(), value.span())),
            )
        };
        keys.map(own).collect()
    }

    fn below(&self, end: usize, entry: &str) -> String {
        let line_end = self.end_of_line(end);
        let newline = if self.text[..line_end].ends_with('\n') {
            ""
        } else {
            "\n"
        };
        self.replaced(line_end..line_end, &format!("{newline}{entry}\n"))
    }

    /// Returns whether a key holds this text.
    pub(super) fn has(&self, key: &str, text: &Value) -> bool {
        let steps: Vec<_> = key.split('.').map(ToOwned::to_owned).collect();
        self.at(&steps).and_then(DeValue::as_str) == text.as_str()
    }

    /// Returns the text, without the keys of a section that belong to another kind than this one, which is TOML.
    pub(super) fn of_kind(&self, section: &str, kind: &str) -> Option<String> {
        let own = self
            .at(&[section.to_owned(), "kind".to_owned()])
            .and_then(DeValue::as_str);
        let same =
            DeValue::parse(kind).is_ok_and(|kind| own.is_none() || own == kind.get_ref().as_str());
        if same {
            return Some(self.text.to_owned());
        }
        self.emptied(section, "kind")
    }

    /// Removes the keys of a section, except for one.
    pub(super) fn emptied(&self, section: &str, but: &str) -> Option<String> {
        let steps = [section.to_owned()];
        let Some(spans) = self.index.get(section) else {
            return Some(self.text.to_owned());
        };
        if self.text[spans.value.clone()].starts_with('{') {
            return Some(self.replaced(spans.value.clone(), "{}"));
        }
        let mut others: Vec<_> = Vec::new();
        for (key, spans) in self.own_keys(&steps) {
            if key == but {
                continue;
            }
            let (key, value) = spans?;
            others.push(self.start_of_line(key.start)..self.end_of_line(value.end));
        }
        others.sort_by_key(|lines| std::cmp::Reverse(lines.start));
        let mut text = self.text.to_owned();
        for lines in others {
            text.replace_range(lines, "");
        }
        Some(text)
    }

    fn start_of_line(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn end_of_line(&self, at: usize) -> usize {
        self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |newline| at + newline + 1)
    }
}

/// Returns an inline table with one more entry.
fn with_entry(table: &str, entry: &str) -> String {
    let entries = table
        .trim_start_matches('{')
        .trim_end_matches('}')
        .trim()
        .trim_end_matches(',');
    if entries.is_empty() {
        format!("{{ {entry} }}")
    } else {
        format!("{{ {entries}, {entry} }}")
    }
}
