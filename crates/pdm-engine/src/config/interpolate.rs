//! Fills `${env:NAME}` in.

use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::findings::{SpecFinding, SpecFindings};
use super::source::join;
use pdm_core::codes::Code;
use pdm_core::domain::EnvLookup;

const OPEN: &str = "${env:";

/// Replaces `${env:NAME}` and `${env:NAME:-default}` in the strings at paths that may hold them.
///
/// As in a shell, an empty variable counts as not set. Returns the path of each value that was filled in, with the names of its
/// variables.
pub(super) fn interpolate(
    root: &mut DeTable<'_>,
    is_allowed: fn(&str) -> bool,
    env: EnvLookup<'_>,
    findings: &mut SpecFindings,
) -> BTreeMap<String, Vec<String>> {
    let mut filling = Filling {
        is_allowed,
        env,
        findings,
        filled: BTreeMap::new(),
    };
    filling.table("", root);
    filling.filled
}

struct Filling<'a, 'e> {
    is_allowed: fn(&str) -> bool,
    env: EnvLookup<'e>,
    findings: &'a mut SpecFindings,
    filled: BTreeMap<String, Vec<String>>,
}

impl Filling<'_, '_> {
    fn table(&mut self, parent: &str, table: &mut DeTable<'_>) {
        for (key, value) in table {
            self.value(&join(parent, key.get_ref()), value);
        }
    }

    fn value(&mut self, path: &str, value: &mut Spanned<DeValue<'_>>) {
        let span = value.span();
        match value.get_mut() {
            DeValue::Table(table) => self.table(path, table),
            DeValue::Array(items) => {
                for (i, item) in items.iter_mut().enumerate() {
                    self.value(&join(path, &i.to_string()), item);
                }
            }
            DeValue::String(text) if text.contains(OPEN) => match self.fill(path, text) {
                Ok(filled) => *text = Cow::Owned(filled),
                Err(unfilled) => {
                    self.findings
                        .push_broken(unfilled.finding(path).at(Some(span)));
                }
            },
            _ => {}
        }
    }

    fn fill(&mut self, path: &str, text: &str) -> Result<String, Unfilled> {
        if !(self.is_allowed)(path) {
            let hint = "only names, paths and URLs can come from the environment; use --set for other values";
            let message = format!("`{OPEN}…}}` has no meaning in `{path}`");
            return Err(Unfilled {
                code: Code::VariableNotAllowed,
                message,
                hint: Some(hint.to_owned()),
            });
        }
        let (filled, names) = fill(text, self.env)?;
        self.filled.insert(path.to_owned(), names);
        Ok(filled)
    }
}

/// Why a text cannot be filled in.
#[derive(Debug)]
pub(super) struct Unfilled {
    code: Code,
    message: String,
    hint: Option<String>,
}

impl Unfilled {
    pub(super) fn finding(self, path: &str) -> SpecFinding {
        SpecFinding::new(self.code, path, self.message).hint(self.hint)
    }
}

/// Returns a text with its variables filled in, and their names.
///
/// # Errors
/// What is wrong, and what to do.
pub(super) fn fill(text: &str, env: EnvLookup<'_>) -> Result<(String, Vec<String>), Unfilled> {
    let malformed = |message: String| Unfilled {
        code: Code::VariableSyntax,
        message,
        hint: Some(format!("write {OPEN}NAME}} or {OPEN}NAME:-default}}")),
    };
    let mut filled = String::new();
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((inside, remainder)) = after.split_once('}') else {
            return Err(malformed(format!("`{OPEN}` without its `}}`")));
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            return Err(malformed(format!(
                "`{name}` is not the name of an environment variable"
            )));
        }
        let value = env(name)
            .filter(|value| !value.is_empty())
            .or_else(|| default.map(str::to_owned));
        let Some(value) = value else {
            let hint = format!("set it, or give a default: {OPEN}{name}:-default}}");
            let message = format!("environment variable `{name}` is not set");
            return Err(Unfilled {
                code: Code::VariableNotSet,
                message,
                hint: Some(hint),
            });
        };
        filled.push_str(before);
        filled.push_str(&value);
        names.push(name.to_owned());
        rest = remainder;
    }
    filled.push_str(rest);
    Ok((filled, names))
}

fn is_name(name: &str) -> bool {
    let start = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(start) && name.chars().all(|c| start(c) || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let env = |name: &str| match name {
            "PDM_DATA" => Some("/data/nasa".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        fill(text, &env)
            .map(|(text, _)| text)
            .map_err(|unfilled| unfilled.message)
    }

    #[test]
    fn variables_and_defaults_are_filled_in() {
        assert_eq!(
            filled("${env:PDM_DATA}/cmapss"),
            Ok("/data/nasa/cmapss".to_owned())
        );
        assert_eq!(
            filled("a ${env:NONE:-b} ${env:EMPTY:-c}"),
            Ok("a b c".to_owned())
        );
        assert_eq!(filled("${env:NONE:-}"), Ok(String::new()));
        assert_eq!(filled("$HOME ${x}"), Ok("$HOME ${x}".to_owned()));
    }

    #[test]
    fn what_cannot_be_filled_in_is_reported() {
        assert_eq!(
            filled("${env:NONE}"),
            Err("environment variable `NONE` is not set".to_owned())
        );
        assert_eq!(
            filled("${env:EMPTY}"),
            Err("environment variable `EMPTY` is not set".to_owned())
        );
        assert_eq!(
            filled("${env:PDM_DATA"),
            Err("`${env:` without its `}`".to_owned())
        );
        assert_eq!(
            filled("${env:a b}"),
            Err("`a b` is not the name of an environment variable".to_owned())
        );
    }

    #[test]
    fn values_that_hold_the_pattern_themselves_are_taken_as_they_are() {
        let env = |_: &str| Some("${env:X}".to_owned());
        assert_eq!(fill("${env:X}", &env).unwrap().0, "${env:X}");
    }
}
