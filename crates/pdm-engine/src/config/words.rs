//! Translates the messages of serde, which are about Rust types, into the terms of TOML.

use super::suggest;
use pdm_core::codes::Code;
use pdm_core::domain::WRITE_A_NAME;

/// A message of serde about a value, in the terms of TOML.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TomlMessage {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Translates a message about the value of `path`; `found` describes the value, where it is known.
pub(super) fn translate(serde_says: &str, path: &str, found: Option<&str>) -> TomlMessage {
    wrong_type(serde_says, path, found)
        .or_else(|| written_secret(serde_says, path))
        .or_else(|| unknown_variant(serde_says, path))
        .or_else(|| missing_field(serde_says, path))
        .or_else(|| not_a_name(serde_says, path, found))
        .unwrap_or_else(|| TomlMessage {
            code: Code::BadValue,
            message: format!("`{path}`: {serde_says}"),
            hint: None,
        })
}

/// Translates the message for a text in place of the name of a secret's variable; the text may be the secret.
fn written_secret(serde_says: &str, path: &str) -> Option<TomlMessage> {
    (serde_says == WRITE_A_NAME).then(|| TomlMessage {
        code: Code::NotAVariableName,
        message: format!("`{path}` is a text, but it must name a variable that holds the secret"),
        hint: Some("write { env = \"NAME\" } with the name of the environment variable".to_owned()),
    })
}

/// Returns the name in "missing field `name`".
pub(super) fn missing_name(serde_says: &str) -> Option<&str> {
    serde_says
        .strip_prefix("missing field `")?
        .strip_suffix('`')
}

fn wrong_type(serde_says: &str, path: &str, value: Option<&str>) -> Option<TomlMessage> {
    let kinds = [
        ("invalid type: ", Code::WrongType),
        ("invalid value: ", Code::BadValue),
        ("invalid length ", Code::BadValue),
    ];
    let (says, code) = kinds
        .into_iter()
        .find_map(|(prefix, code)| Some((serde_says.strip_prefix(prefix)?, code)))?;
    // The found value may contain the separator itself, the expectation cannot.
    let (found, expected) = says.rsplit_once(", expected ")?;
    // To the deserializer a time is a table with one key.
    let time = value.filter(|value| value.starts_with("the time "));
    let found_words = match time {
        Some(time) => time.to_owned(),
        None => finding(found),
    };
    let message = format!(
        "expected {} for `{path}`, found {found_words}",
        expectation(expected)
    );
    if let Some(time) = time
        && expectation(expected) == "a string"
    {
        let hint = format!(
            "write \"{}\" with quotes",
            time.trim_start_matches("the time ")
        );
        return Some(TomlMessage {
            code: Code::WrongType,
            message,
            hint: Some(hint),
        });
    }
    let hint = match remedy(found, expected) {
        Some(hint) => Some(hint),
        None if expectation(expected) == "a table" => below(path),
        None => None,
    };
    Some(TomlMessage {
        code,
        message,
        hint,
    })
}

/// Returns a hint how to write the keys of a table, unless it is an element of a list.
fn below(path: &str) -> Option<String> {
    let is_element = path
        .split('.')
        .any(|step| step.bytes().all(|byte| byte.is_ascii_digit()));
    (!is_element).then(|| format!("write [{path}] and the keys below it"))
}

fn unknown_variant(serde_says: &str, path: &str) -> Option<TomlMessage> {
    let says = serde_says.strip_prefix("unknown variant `")?;
    let (written, expected) = says
        .rsplit_once("`, expected ")
        .or_else(|| says.rsplit_once("`, there are "))?;
    let names: Vec<_> = expected.split('`').skip(1).step_by(2).collect();
    let message = format!("unknown value \"{written}\" for `{path}`");
    Some(TomlMessage {
        code: Code::UnknownWord,
        message,
        hint: suggest::hint(written, &names),
    })
}

fn missing_field(serde_says: &str, path: &str) -> Option<TomlMessage> {
    let name = missing_name(serde_says)?;
    let message = format!("missing key `{name}` in `{path}`");
    Some(TomlMessage {
        code: Code::MissingKey,
        message,
        hint: None,
    })
}

/// Translates the message of the deserializer of `toml` for a value that is not one of several names.
fn not_a_name(serde_says: &str, path: &str, found: Option<&str>) -> Option<TomlMessage> {
    if serde_says != "wanted string or table" {
        return None;
    }
    let found = match found {
        Some(found) => format!(", found {found}"),
        None => String::new(),
    };
    Some(TomlMessage {
        code: Code::WrongType,
        message: format!("expected a string for `{path}`{found}"),
        hint: None,
    })
}

fn expectation(rust: &str) -> String {
    let words = match rust {
        "a boolean" => "true or false",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a nonzero u32" | "a nonzero u64" | "a nonzero usize" => "a whole number of at least 1",
        "a sequence" => "an array",
        "a map" | "unit" => "a table",
        "path string" => "a string",
        other if other.starts_with("struct ") => "a table",
        other if other.starts_with("enum ") => "a string",
        other => return sized(other).unwrap_or_else(|| other.to_owned()),
    };
    words.to_owned()
}

fn sized(rust: &str) -> Option<String> {
    let length = rust
        .strip_prefix("an array of length ")
        .or_else(|| rust.strip_prefix("a tuple of size "))?;
    Some(format!("an array of {length} values"))
}

fn finding(rust: &str) -> String {
    if let Some(text) = rust.strip_prefix("string ") {
        return format!("the string {text}");
    }
    if let Some((kind, value)) = rust.split_once(" `") {
        let value = value.trim_end_matches('`');
        return match kind {
            "boolean" => format!("`{value}`"),
            _ => format!("the number {value}"),
        };
    }
    match rust {
        "sequence" => "an array".to_owned(),
        "map" => "a table".to_owned(),
        other => other.to_owned(),
    }
}

fn remedy(found: &str, expected: &str) -> Option<String> {
    let expected = expectation(expected);
    let wants_whole = expected.starts_with("a whole number");
    let wants_number = wants_whole || expected == "a number";
    if let Some(text) = found
        .strip_prefix("string \"")
        .and_then(|text| text.strip_suffix('"'))
    {
        let is_number = wants_number && text.parse::<f64>().is_ok_and(f64::is_finite);
        let is_boolean = expected == "true or false" && matches!(text, "true" | "false");
        return match text {
            _ if is_number || is_boolean => Some(format!("write {text} without quotes")),
            "yes" | "on" if expected == "true or false" => Some("write true".to_owned()),
            "no" | "off" if expected == "true or false" => Some("write false".to_owned()),
            _ => (expected == "an array").then(|| format!("write [\"{text}\"]")),
        };
    }
    let (kind, value) = found.split_once(" `")?;
    let value = value.trim_end_matches('`');
    match (kind, expected.as_str()) {
        (_, "a string") => Some(format!("write \"{value}\" with quotes")),
        ("integer", "true or false") if matches!(value, "0" | "1") => {
            Some(format!("write {}", value == "1"))
        }
        ("integer" | "floating point" | "boolean", "an array") => Some(format!("write [{value}]")),
        ("floating point", _) if wants_whole => whole(value),
        _ => None,
    }
}

fn whole(value: &str) -> Option<String> {
    let number: f64 = value.parse().ok()?;
    (number.fract() == 0.0 && number.abs() < 1e15).then(|| format!("write {number:.0}"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Everything {
        count: Option<usize>,
        rate: Option<f64>,
        on: Option<bool>,
        name: Option<String>,
        list: Option<Vec<f64>>,
        pair: Option<[f64; 2]>,
        table: Option<Inner>,
        method: Option<TestMethod>,
        small: Option<u8>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code)]
    struct Inner {
        x: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum TestMethod {
        Zscore,
        Minmax,
    }

    fn translated(toml: &str) -> String {
        let error = toml::from_str::<Everything>(toml).unwrap_err();
        let problem = translate(
            error.message(),
            toml.split_whitespace().next().unwrap(),
            None,
        );
        problem.hint.map_or(problem.message.clone(), |hint| {
            format!("{} ({hint})", problem.message)
        })
    }

    #[test]
    fn serde_speaks_toml() {
        let files = [
            "count = \"5\"",
            "count = \"a, expected b\"",
            "count = -1",
            "count = 1e3",
            "small = 300",
            "rate = true",
            "rate = [1]",
            "on = \"true\"",
            "on = 1",
            "name = 5",
            "name = { a = 1 }",
            "list = 4.0",
            "pair = [1.0]",
            "table = 1",
            "table = {}",
            "method = \"zscor\"",
            "method = \"rank\"",
            "method = 3",
            "count = 1979-05-27",
        ];
        insta::assert_snapshot!(files.map(translated).join("\n"), @r#"
        expected a whole number of at least 0 for `count`, found the string "5" (write 5 without quotes)
        expected a whole number of at least 0 for `count`, found the string "a, expected b"
        expected a whole number of at least 0 for `count`, found the number -1
        expected a whole number of at least 0 for `count`, found the number 1000.0 (write 1000)
        expected a whole number from 0 to 255 for `small`, found the number 300
        expected a number for `rate`, found `true`
        expected a number for `rate`, found an array
        expected true or false for `on`, found the string "true" (write true without quotes)
        expected true or false for `on`, found the number 1 (write true)
        expected a string for `name`, found the number 5 (write "5" with quotes)
        expected a string for `name`, found a table
        expected an array for `list`, found the number 4.0 (write [4.0])
        expected an array of 2 values for `pair`, found 1
        expected a table for `table`, found the number 1 (write [table] and the keys below it)
        missing key `x` in `table`
        unknown value "zscor" for `method` (did you mean `zscore`?)
        unknown value "rank" for `method` (expected `zscore` or `minmax`)
        expected a string for `method`
        expected a whole number of at least 0 for `count`, found a table
        "#);
    }
}
