//! Writes TOML with a comment on each value.

/// Columns at which comments begin, where the value leaves room.
const COMMENTS_AT: usize = 36;
/// Width of the lines of comments that stand on their own.
const WIDTH: usize = 120;

/// A TOML document while it is written.
#[derive(Default)]
pub(super) struct TomlText(String);

impl TomlText {
    /// Adds the header of a table, after an empty line.
    pub(super) fn table(&mut self, name: &str) {
        self.0.push_str(&format!("\n[{name}]\n"));
    }

    /// Adds the header of one table of a list.
    pub(super) fn item(&mut self, name: &str) {
        self.0.push_str(&format!("\n[[{name}]]\n"));
    }

    /// Adds a key with a value that is TOML already, and a comment.
    pub(super) fn value(&mut self, key: &str, value: &str, comment: &str) {
        let line = format!("{key} = {value}");
        self.commented(&line, comment);
    }

    /// Adds a key with a text.
    pub(super) fn text(&mut self, key: &str, text: &str, comment: &str) {
        self.value(key, &quoted(text), comment);
    }

    /// Adds a list of texts on one line.
    pub(super) fn list(&mut self, key: &str, texts: &[String], comment: &str) {
        self.value(key, &listed(texts), comment);
    }

    /// Adds a list of texts, each on its line with its comment.
    pub(super) fn long_list<'a>(
        &mut self,
        key: &str,
        items: impl Iterator<Item = (&'a str, &'a str)>,
    ) {
        let mut items = items.peekable();
        if items.peek().is_none() {
            self.value(key, "[]", "");
            return;
        }
        self.0.push_str(&format!("{key} = [\n"));
        for (text, comment) in items {
            self.commented(&format!("    {},", quoted(text)), comment);
        }
        self.0.push_str("]\n");
    }

    /// Adds a comment on lines of its own.
    pub(super) fn comment(&mut self, text: &str) {
        let mut line = String::from("#");
        for word in plain(text).split(' ') {
            if line.chars().count() + 1 + word.chars().count() > WIDTH && line.len() > 1 {
                self.0.push_str(&line);
                self.0.push('\n');
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.0.push_str(&line);
        self.0.push('\n');
    }

    fn commented(&mut self, line: &str, comment: &str) {
        if comment.is_empty() {
            self.0.push_str(line);
        } else {
            let padding = COMMENTS_AT.saturating_sub(line.chars().count() + 1);
            self.0.push_str(&format!(
                "{line}{} # {}",
                " ".repeat(padding),
                plain(comment)
            ));
        }
        self.0.push('\n');
    }

    pub(super) fn finished(self) -> String {
        self.0
    }
}

/// Returns a text in quotes, with escapes.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// Returns a list of texts on one line.
pub(super) fn listed(texts: &[String]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// Returns a number as TOML: a float, always with a point or an exponent.
pub(super) fn number(value: f64) -> String {
    format!("{value:?}")
}

/// Returns a text that cannot end a comment: names of columns may hold line breaks.
fn plain(text: &str) -> String {
    text.replace(|character: char| character.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_quotes_and_line_breaks_stay_toml() {
        let mut text = TomlText::default();
        text.table("dataset");
        text.text("unit", "a \"b\"\nc", "line\nbreak");
        text.long_list("sensors", [("x.y", "why"), ("ü", "")].into_iter());
        text.long_list("settings", std::iter::empty());
        let read: toml::Table = text.finished().parse().unwrap();
        assert_eq!(read["dataset"]["unit"].as_str(), Some("a \"b\"\nc"));
        assert_eq!(read["dataset"]["sensors"].as_array().unwrap().len(), 2);
    }
}
