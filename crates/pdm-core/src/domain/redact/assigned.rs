//! Secrets after their names: `password = "…"`, `--token …`, `X-Api-Key: …`, `Bearer …`.

use std::sync::LazyLock;

use regex::Regex;

use super::name::names_a_secret;
use super::{ByteSpan, QUOTES, is_plain_word, until};

/// A name, the quote that may end it, and `=` or `:`.
static NAMED: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"([A-Za-z][A-Za-z0-9_.\-]*)(\\?["'`]?)[ \t]*(?:=>|=|:)[ \t]*"#));
/// A flag of a command line and its value.
static FLAG: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"--([A-Za-z][A-Za-z0-9_\-]*)[ \t]+([^\s"'`<>\\\[\-][^\s"'`<>\\]*)"#));
/// An authentication scheme of a header and its credentials.
static SCHEME: LazyLock<Regex> =
    LazyLock::new(|| regex(r#"(?i)\b(?:bearer|basic|digest|negotiate)[ \t]+([^\s"'`<>\\,;]{6,})"#));

/// Headers whose value extends to the end of the line.
const WHOLE_LINE: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
];

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns above are well-formed")
}

/// Finds values that are assigned to names of secrets.
pub(super) fn values(text: &str, found: &mut Vec<ByteSpan>) {
    for named in NAMED.captures_iter(text) {
        let whole = named.get_match();
        let name = &named[1];
        if names_a_secret(name) {
            found.extend(value(text, name, &named[2], whole.as_str(), whole.end()));
        }
    }
}

/// Returns the value that begins at `from`, unless it only refers to a secret, or is a word of a sentence.
fn value(text: &str, name: &str, quoted_name: &str, mark: &str, from: usize) -> Option<ByteSpan> {
    let rest = &text[from..];
    if is_whole_line(name) {
        return Some(header(text, from));
    }
    let opening = ["\\\"", "\"", "'", "`"]
        .into_iter()
        .find(|quote| rest.starts_with(quote));
    if let Some(quote) = opening {
        let begin = from + quote.len();
        let line = until(text, begin, |c| c == '\n');
        return Some((begin, closing(text, quote, begin, line)));
    }
    if rest.starts_with(['{', '[', '$', '<', '*', '%']) {
        return None;
    }
    let end = until(text, from, |c| {
        c.is_whitespace() || ",;&)}]".contains(c) || QUOTES.contains(&c)
    });
    let value = &text[from..end];
    // After `=`, a quoted name or a header name there is a value; after a plain word and a colon it may be a sentence.
    let is_a_value = mark.contains('=') || !quoted_name.is_empty() || name.contains('-');
    (is_a_value || !is_plain_word(value)).then_some((from, end))
}

/// Returns the offset of the unescaped closing quote, else the end of the line.
fn closing(text: &str, quote: &str, begin: usize, line: usize) -> usize {
    let mut from = begin;
    while let Some(length) = text[from..line].find(quote) {
        let at = from + length;
        let escapes = text[begin..at]
            .bytes()
            .rev()
            .take_while(|byte| *byte == b'\\')
            .count();
        if quote != "\"" || escapes % 2 == 0 {
            return at;
        }
        from = at + quote.len();
    }
    line
}

fn is_whole_line(name: &str) -> bool {
    WHOLE_LINE
        .iter()
        .any(|header| header.eq_ignore_ascii_case(name))
}

/// Returns the value of a header without its authentication scheme.
fn header(text: &str, from: usize) -> ByteSpan {
    let from = from + usize::from(text[from..].starts_with(['"', '\'', '`']));
    let end = until(text, from, |c| {
        c == '\n' || c == '\r' || QUOTES.contains(&c)
    });
    let scheme = ["bearer ", "basic ", "digest ", "negotiate "]
        .into_iter()
        .find(|scheme| {
            text[from..end]
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
    (from + scheme.map_or(0, str::len), end)
}

/// Finds the values of flags whose names are those of secrets.
pub(super) fn flags(text: &str, found: &mut Vec<ByteSpan>) {
    for flag in FLAG.captures_iter(text) {
        if let Some(value) = flag.get(2)
            && names_a_secret(&flag[1])
        {
            found.push((value.start(), value.end()));
        }
    }
}

/// Finds the credentials after `Bearer` or `Basic`.
pub(super) fn schemes(text: &str, found: &mut Vec<ByteSpan>) {
    for scheme in SCHEME.captures_iter(text) {
        let Some(value) = scheme.get(1) else { continue };
        if !is_plain_word(value.as_str()) {
            found.push((value.start(), value.end()));
        }
    }
}
