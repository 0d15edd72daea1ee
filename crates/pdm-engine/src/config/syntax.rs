//! Says what breaks the grammar of TOML in the words of somebody who wrote the file, not of a parser.

use std::collections::BTreeSet;

use toml::de::Error;

use super::findings::SpecFinding;
use super::render::is_secretive;
use super::source::{SourceSpan, join};
use pdm_core::codes::Code;

/// Most mistakes that are looked at closely; no more are told.
const MOST: usize = 100;

/// Most mistakes that are read at all: a header that stands twice brings one for each of its keys, for which the header is
/// looked for each time.
const MOST_READ: usize = 10_000;

/// A line of the file, and where in it a mistake was seen.
struct Line<'t> {
    /// Where it begins.
    start: usize,
    text: &'t str,
    /// What stands at the mistake; empty where it is between two characters.
    found: &'t str,
    /// The rest of the line from the mistake on.
    rest: &'t str,
}

/// What is said about a mistake.
struct Said {
    code: Code,
    message: String,
    hint: Option<String>,
}

/// Returns the mistakes of a text that is not TOML; of each line the first, for what follows it is seldom understood as
/// it was meant.
pub(super) fn findings(text: &str, errors: &[Error]) -> Vec<SpecFinding> {
    if text.trim_start().starts_with('{') {
        let said = Said::new("this is JSON, and a pipeline file is TOML")
            .hint("`pdm-ml init` writes one to begin with");
        let start = text.len() - text.trim_start().len();
        return vec![said.finding("", start..start + 1)];
    }
    let open = errors
        .iter()
        .any(|error| says(error) == "unclosed array")
        .then(|| unclosed_list(text, errors))
        .flatten();
    let (mut lines, mut doubled) = (BTreeSet::new(), BTreeSet::new());
    let mut findings: Vec<_> = open.iter().map(|at| list_not_closed(*at)).collect();
    let begins: Vec<_> = text.match_indices('\n').map(|(at, _)| at).collect();
    for error in errors.iter().take(MOST_READ) {
        let span = error.span().unwrap_or(0..0);
        if findings.len() >= MOST {
            findings.push(Said::new(says(error)).finding("", span));
            continue;
        }
        let number = begins.partition_point(|newline| *newline < span.start);
        if lines.contains(&number) || open.is_some_and(|at| at <= span.start) {
            continue;
        }
        let line = Line::at(text, &span);
        // The keys below a header that stands twice stand twice, too.
        if says(error) == "duplicate key"
            && !line.is_header()
            && doubled.contains(&line.section(text))
        {
            continue;
        }
        lines.insert(number);
        doubled.extend(
            Some(line.start).filter(|_| says(error) == "duplicate key" && line.is_header()),
        );
        let key = line.secret_key(text);
        let mut said = tell(error, text, &line);
        said.hint = said
            .hint
            .filter(|_| key.is_empty() && !line.text.contains('@') && !is_secretive(line.text));
        findings.push(said.finding(&key, span));
    }
    findings
}

fn says(error: &Error) -> &str {
    error
        .message()
        .split(", expected")
        .next()
        .unwrap_or_default()
}

fn tell(error: &Error, text: &str, line: &Line<'_>) -> Said {
    match says(error) {
        "string values must be quoted" => line.unquoted(),
        "unexpected key or value" => line.behind_the_value(),
        "key with no value" => line.unassigned(),
        "unquoted keys cannot be empty" if line.rest.starts_with('=') => {
            Said::new("a key is missing before `=`")
        }
        "extra `=`" => Said::new("`=` stands twice"),
        "too few unicode value digits" | "missing escaped value" => {
            Said::new("a backslash begins an escape in double quotes")
                .hint("write the text in single quotes, where a backslash is one")
        }
        "invalid boolean" => {
            Said::new("true and false are written in lower case").hint("without quotes, too")
        }
        "unexpected leading zero" => {
            Said::new("a number does not begin with 0").hint("leave the 0 out")
        }
        "invalid mantissa" => {
            Said::new("a number begins with a digit").hint("write a 0 before the point")
        }
        "invalid fraction" => {
            Said::new("a number ends with a digit").hint("write a 0 behind the point")
        }
        "invalid basic string" => {
            Said::new("the text is not closed").hint("a text ends with `\"` on its line")
        }
        "invalid literal string" => {
            Said::new("the text is not closed").hint("a text ends with `'` on its line")
        }
        "invalid multi-line basic string" | "invalid multi-line literal string" => {
            Said::new("the text is not closed")
                .hint("a text of several lines ends with three quotes")
        }
        "invalid float" if is_nothing(line.found) => nothing(),
        "unquoted keys cannot be empty" if line.is_header() => Said::new("a header without a name"),
        "missing assignment between key-value pairs" => {
            Said::new("`=` is missing between key and value")
        }
        "missing comma between key-value pairs" => Said::new("a comma or a closing `}` is missing"),
        "invalid unquoted key" => Said::new("a key is of letters a to z, digits, `-` and `_`")
            .hint("put any other into quotes"),
        "unclosed table" if line.rest.contains(']') => {
            Said::new("a header is of letters a to z, digits, `-` and `_`")
                .hint("put any other into quotes")
        }
        "unclosed table" => Said::new("the header is not closed").hint("`]` is missing"),
        "unclosed array table" => Said::new("the header is not closed").hint("`]]` is missing"),
        "unclosed inline table" => Said::new("the braces are not closed").hint("`}` is missing"),
        "duplicate key" => line.twice(text),
        other if other.starts_with("cannot extend value") => line.extended(other),
        _ => Said::new(error.message().trim_end_matches(", expected nothing")),
    }
}

impl Said {
    fn new(message: impl Into<String>) -> Self {
        Self {
            code: Code::TomlSyntax,
            message: message.into(),
            hint: None,
        }
    }

    fn twice(message: String, hint: String) -> Self {
        Self {
            code: Code::DuplicateKey,
            message,
            hint: Some(hint),
        }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    fn finding(self, key: &str, span: SourceSpan) -> SpecFinding {
        SpecFinding::new(self.code, key, self.message)
            .hint(self.hint)
            .at(Some(span))
    }
}

impl<'t> Line<'t> {
    fn at(text: &'t str, span: &SourceSpan) -> Self {
        let boundary = |offset: usize| {
            (0..=offset.min(text.len()))
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0)
        };
        let (start, end) = (boundary(span.start), boundary(span.end));
        let from = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let to = text[start..]
            .find('\n')
            .map_or(text.len(), |newline| start + newline);
        let line = |from: usize, to: usize| text[from..to.max(from)].trim_end_matches('\r');
        Self {
            start: from,
            text: line(from, to),
            found: line(start, end.min(to)),
            rest: line(start, to),
        }
    }

    /// Returns the key of the line, where it begins with one.
    fn key(&self) -> Option<&'t str> {
        self.text
            .split_once('=')
            .map(|(key, _)| key.trim())
            .filter(|key| !key.is_empty())
    }

    /// Returns what the line seems to name, whatever follows it.
    fn name(&self) -> Option<&'t str> {
        self.text
            .split(['=', ':', ' '])
            .map(|word| word.trim().trim_matches('"'))
            .find(|word| !word.is_empty())
    }

    /// Returns the key of the line, where its value may be a secret: by its name, or for it says where somebody is told.
    fn secret_key(&self, text: &str) -> String {
        let header = text[self.section(text)..]
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or_default();
        let name = self.name().unwrap_or_default();
        match name.ends_with("_env") {
            true => name.to_owned(),
            false if header.starts_with("[[notify]]") && !self.is_header() => join("notify", name),
            false => String::new(),
        }
    }

    fn is_header(&self) -> bool {
        self.text.trim_start().starts_with('[')
    }

    /// Returns where the header above the line begins.
    fn section(&self, text: &str) -> usize {
        text[..self.start]
            .rfind("\n[")
            .map_or(0, |newline| newline + 1)
    }

    fn unquoted(&self) -> Said {
        let value = self.found.trim();
        let is_numbers = || {
            value
                .split_whitespace()
                .all(|word| word.parse::<f64>().is_ok())
        };
        match value.chars().next() {
            None => Said::new("a value is missing").hint("a key without a value is left out"),
            Some('“' | '”' | '„' | '‘' | '’' | '«' | '»') => {
                let words = value.trim_matches(|c| "“”„‘’«»".contains(c));
                Said::new("typographic quotes are none in TOML").hint(format!("write \"{words}\""))
            }
            _ if self.found.chars().any(is_odd_blank) => {
                Said::new("a blank stands here that is no ordinary space")
                    .hint("delete it and type a space")
            }
            _ if value.starts_with("//") || value.contains(" //") => {
                Said::new("a comment begins with `#`")
            }
            _ if is_nothing(value) => nothing(),
            _ if is_numbers() => Said::new("a comma is missing between two values"),
            _ => Said::new("a text stands in quotes").hint(format!("write \"{value}\"")),
        }
    }

    fn behind_the_value(&self) -> Said {
        let value = self
            .text
            .split_once('=')
            .map_or("", |(_, value)| value)
            .trim();
        let is_decimal =
            |value: &str| value.contains(',') && value.replacen(',', ".", 1).parse::<f64>().is_ok();
        if is_decimal(value) && !value.ends_with(',') {
            return Said::new("a number is written with a point")
                .hint(format!("write {}", value.replacen(',', ".", 1)));
        }
        match self.rest.chars().next() {
            Some(',') => Said::new("a comma stands behind the value")
                .hint("leave it out: every key has its own line"),
            Some('=') => {
                Said::new("a second key stands on the line").hint("every key has its own line")
            }
            _ => Said::new("something stands behind the value")
                .hint("every key has its own line; a comment begins with `#`"),
        }
    }

    fn unassigned(&self) -> Said {
        let text = self.text.trim();
        match text.split_once(':') {
            _ if text.starts_with("//") => Said::new("a comment begins with `#`"),
            Some((section, "")) => Said::new("a section stands in brackets")
                .hint(format!("write [{}]", section.trim())),
            Some((key, value)) => {
                let hint = format!("write {} = {}", key.trim().trim_matches('"'), value.trim());
                Said::new("a key is followed by `=`, not by `:`").hint(hint)
            }
            None => Said::new("a key without `=` and a value"),
        }
    }

    fn twice(&self, text: &str) -> Said {
        if !self.is_header() {
            let hint = match self.first(text) {
                Some(line) => format!("line {line} has it already; delete one of the two"),
                None => "delete one of the two".to_owned(),
            };
            return Said::twice(format!("`{}` stands twice", self.found), hint);
        }
        let header = self.text.trim();
        let hint = match self.first(text) {
            _ if !header.starts_with("[[") && text.contains(&format!("[{header}]")) => {
                format!("write [{header}]")
            }
            Some(line) => format!("it begins in line {line}: put its keys there"),
            None => "it has been written already: put its keys there".to_owned(),
        };
        Said::twice(format!("{header} stands twice"), hint)
    }

    /// Returns the number of the first line above that has the same key in the same section, or the same header.
    fn first(&self, text: &str) -> Option<usize> {
        let lines: Vec<_> = text[..self.start].lines().collect();
        let mut numbered = lines
            .iter()
            .enumerate()
            .map(|(i, line)| (i + 1, line.trim()));
        if self.is_header() {
            return numbered
                .find(|(_, line)| *line == self.text.trim())
                .map(|(number, _)| number);
        }
        let mut section = numbered
            .rev()
            .take_while(|(_, line)| !line.starts_with('['));
        section
            .find(|(_, line)| line.split('=').next().map(str::trim) == self.key())
            .map(|(number, _)| number)
    }

    fn extended(&self, says: &str) -> Said {
        let braces = says.contains("inline table");
        let hint = if braces {
            "put the key into the braces"
        } else {
            "delete one of the two"
        };
        Said::twice(
            format!("`{}` has a value already", self.found),
            hint.to_owned(),
        )
    }
}

/// Returns whether a value is what other languages write for none.
fn is_nothing(value: &str) -> bool {
    ["null", "None", "nil", "~"].contains(&value)
}

fn nothing() -> Said {
    Said::new("TOML has no word for nothing").hint("leave the key out")
}

fn is_odd_blank(c: char) -> bool {
    c.is_whitespace() && !matches!(c, ' ' | '\t' | '\r' | '\n')
        || matches!(c, '\u{200b}' | '\u{feff}')
}

fn list_not_closed(at: usize) -> SpecFinding {
    Said::new("the list is not closed")
        .hint("`]` is missing")
        .finding("", at..at + 1)
}

/// Returns where the list begins that is never closed: the last one opened before things went wrong.
fn unclosed_list(text: &str, errors: &[Error]) -> Option<usize> {
    let wrong = errors
        .iter()
        .filter_map(Error::span)
        .map(|span| span.start)
        .min()?;
    let lines = text.split_inclusive('\n').scan(0, |next, line| {
        *next += line.len();
        Some((*next - line.len(), line))
    });
    let open = |line: &str| {
        let (key, value) = line.split_once('=')?;
        let opened = value.matches('[').count() > value.matches(']').count();
        opened.then(|| key.len() + 1 + value.find('[').unwrap_or_default())
    };
    lines
        .take_while(|(start, _)| *start <= wrong)
        .filter_map(|(start, line)| Some(start + open(line)?))
        .last()
}

#[cfg(test)]
mod tests {
    use toml::de::DeTable;

    use super::*;

    #[test]
    fn mistakes_without_number_are_told_in_little_time() {
        // Each is one mistake on the same line, on a line of its own, or of a header that stands twice.
        let escapes = format!("x = \"{}\"", "\\q".repeat(160_000));
        let lines = "x = y\n".repeat(40_000);
        let keys: String = (0..20_000).map(|key| format!("k{key} = 1\n")).collect();
        let twice = format!("[a]\n{keys}[a]\n{keys}");
        for (text, most) in [(escapes, 1), (lines, MOST_READ), (twice, MOST_READ)] {
            let (_, errors) = DeTable::parse_recoverable(&text);
            let found = findings(&text, &errors).len();
            assert!((1..=most).contains(&found), "{found}");
        }
    }
}
