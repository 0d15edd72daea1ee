//! Secrets in JSON text.

use std::borrow::Cow;

use super::redact;

/// Returns a JSON text with every secret in its strings replaced by `***`; the result is valid JSON.
pub fn redact_json(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(opening) = text[at..].find('"') {
        let from = at + opening;
        let to = end_of_string(text, from + 1);
        at = to;
        let Ok(value) = serde_json::from_str::<String>(&text[from..to]) else {
            continue;
        };
        if let Cow::Owned(hidden) = redact(&value) {
            shown.push_str(&text[done..from]);
            shown.push_str(&serde_json::Value::from(hidden).to_string());
            done = to;
        }
    }
    if done == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[done..]);
    Cow::Owned(shown)
}

/// Returns the offset after the quote that ends the string whose contents begin at `from`.
fn end_of_string(text: &str, from: usize) -> usize {
    let mut escaped = false;
    for (at, byte) in text.as_bytes()[from..].iter().enumerate() {
        match byte {
            b'"' if !escaped => return from + at + 1,
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json() {
        let value = serde_json::json!({
            "hint": "is `https://u:p$w@h/?X-Amz-Signature=ab` \"right\"?", "line": "password = \"a\\\"b c\"", "n": 1.5
        });
        let text = serde_json::to_string_pretty(&value).unwrap();
        let shown = redact_json(&text);
        let read: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert!(!shown.contains("p$w") && !shown.contains("b c"), "{shown}");
        assert_eq!(read["n"], 1.5);
        let clean = "{\"a\": \"b\", \"c\": [1, \"\\\\\"]}";
        assert!(matches!(redact_json(clean), Cow::Borrowed(same) if same == clean));
    }
}
