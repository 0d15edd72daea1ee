//! Makes untrusted text safe for a terminal: characters that control it or change the text direction are escaped.

use std::borrow::Cow;
use std::fmt::Write;

/// Characters that change the direction of the text around them.
const TURNING: [char; 12] = [
    '\u{61c}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];

/// Returns a text that is safe for a terminal: control characters, such as the `\x1b` that begins a terminal command, and
/// characters that change the text direction are escaped. Tabs and line breaks are kept.
pub fn visible(text: &str) -> Cow<'_, str> {
    shown(text, false)
}

/// Like [`visible`], for a text coloured by this program: colours are kept.
pub fn visible_coloured(text: &str) -> Cow<'_, str> {
    shown(text, true)
}

fn shown(text: &str, keeps_colours: bool) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(is_hidden) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        let kept = if keeps_colours { colour(rest) } else { 0 };
        let kept = if rest.starts_with("\r\n") { 2 } else { kept };
        if kept > 0 {
            shown.push_str(&rest[..kept]);
            rest = &rest[kept..];
            continue;
        }
        let Some(c) = rest.chars().next() else { break };
        // Writing to a string cannot fail.
        let _written = match u32::from(c) {
            code @ 0..=0xff => write!(shown, "\\x{code:02x}"),
            code => write!(shown, "\\u{{{code:x}}}"),
        };
        rest = &rest[c.len_utf8()..];
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

fn is_hidden(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t' || TURNING.contains(&c)
}

/// Returns the length of the colour command at the beginning of a text; 0 without one.
fn colour(text: &str) -> usize {
    let Some(command) = text.strip_prefix("\x1b[") else {
        return 0;
    };
    let numbers = command
        .find(|c: char| !c.is_ascii_digit() && c != ';')
        .unwrap_or(command.len());
    if command[numbers..].starts_with('m') {
        2 + numbers + 1
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_a_terminal_are_written_out() {
        assert_eq!(
            visible("x\x1b[2J\x1b]0;pwn\x07\nFAKE\r"),
            "x\\x1b[2J\\x1b]0;pwn\\x07\nFAKE\\x0d"
        );
        assert_eq!(
            visible("a\u{9b}31mb\u{202e}c\u{7f}"),
            "a\\x9b31mb\\u{202e}c\\x7f"
        );
        assert_eq!(visible("a\x1b[31mb"), "a\\x1b[31mb");
        assert_eq!(
            visible_coloured("a\x1b[1;31mb\x1b[0m\x1b[8A\x1b["),
            "a\x1b[1;31mb\x1b[0m\\x1b[8A\\x1b["
        );
    }

    #[test]
    fn other_text_stays_and_is_not_copied() {
        for text in ["", "Öl, 97 %\tµm\n", "日本語", "line\n"] {
            assert!(
                matches!(visible(text), Cow::Borrowed(same) if same == text),
                "{text}"
            );
        }
        assert_eq!(visible("a\r\nb"), "a\r\nb");
    }
}
