//! Checks the profiles that were not chosen, as far as that is possible without the rest of the pipeline.
//!
//! The file's schema finds keys that no kind of a section has, and values of a type that is not possible. Limits and combinations
//! depend on the rest, and are checked when the profile is chosen.

use std::collections::BTreeSet;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::profile::ProfileTable;
use crate::config::findings::SpecFinding;
use crate::config::source::join;
use crate::config::suggest;
use pdm_core::codes::Code;

/// Returns the mistakes in profiles, by the schema of a whole file.
///
/// The paths of the findings are those of the pipeline, as for the chosen profile, so that keys that may hold a secret are
/// recognized in both.
pub(in crate::config) fn mistakes(
    profiles: &[ProfileTable<'_>],
    schema: &Value,
) -> Vec<SpecFinding> {
    let of_profile = |(path, table): &ProfileTable<'_>| {
        let mut check = ProfileCheck { found: Vec::new() };
        check.profile(path, table, schema);
        let of_pipeline = |key: &str| {
            key.strip_prefix(path.as_str())
                .unwrap_or(key)
                .trim_start_matches('.')
                .to_owned()
        };
        check
            .found
            .into_iter()
            .map(move |finding| SpecFinding {
                path: of_pipeline(&finding.path),
                ..finding
            })
            .collect::<Vec<_>>()
    };
    profiles.iter().flat_map(of_profile).collect()
}

struct ProfileCheck {
    found: Vec<SpecFinding>,
}

impl ProfileCheck {
    /// Checks a value against several schemas, of which one must fit.
    fn value(&mut self, path: &str, value: &Spanned<DeValue<'_>>, schemas: &[&Value]) {
        let forms: Vec<_> = schemas.iter().flat_map(|schema| forms(schema)).collect();
        if forms.iter().any(|form| is_open(form)) {
            return;
        }
        let of_type = |word: &str| -> Vec<&Value> {
            forms
                .iter()
                .copied()
                .filter(|form| has(form, word))
                .collect()
        };
        match value.get_ref() {
            DeValue::Table(table) if !of_type("object").is_empty() => {
                self.table(path, table, &of_type("object"))
            }
            DeValue::Array(items) if !of_type("array").is_empty() => {
                self.items(path, items, &of_type("array"))
            }
            plain if forms.iter().any(|form| accepts(form, plain)) => {}
            other => self
                .found
                .push(unlike(path, other, &forms).at(Some(value.span()))),
        }
    }

    /// Checks a profile. Where it has the name of a section, its own name may be missing.
    fn profile(&mut self, path: &str, table: &DeTable<'_>, schema: &Value) {
        self.table(path, table, &[schema]);
        let name = path.split_once('.').map_or("", |(_, name)| name);
        if child(schema, name).is_some() {
            let hint = format!("a profile has a name: write [profile.ci] and `{name}.…` below it");
            for finding in &mut self.found {
                if finding.code == Code::UnknownSection {
                    finding.hint = Some(hint.clone());
                }
            }
        }
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>, forms: &[&Value]) {
        let kind = table.get("kind").and_then(|kind| kind.get_ref().as_str());
        let of_kind = |form: &&&Value| {
            kind.is_some() && form["properties"]["kind"]["enum"][0].as_str() == kind
        };
        let chosen: Vec<_> = forms.iter().filter(of_kind).copied().collect();
        let forms = if chosen.is_empty() { forms } else { &chosen };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let schemas: Vec<_> = forms.iter().filter_map(|form| child(form, name)).collect();
            if schemas.is_empty() {
                let known: BTreeSet<_> = forms.iter().flat_map(|form| names(form)).collect();
                let known: Vec<_> = known.into_iter().collect();
                // The keys directly in a profile are sections.
                let is_section = path.split('.').count() == 2;
                let code = if is_section {
                    Code::UnknownSection
                } else {
                    Code::UnknownKey
                };
                let finding = SpecFinding::new(
                    code,
                    join(path, name),
                    format!("unknown key `{name}` in [{path}]"),
                );
                self.found.push(
                    finding
                        .at(Some(key.span()))
                        .hint(suggest::hint(name, &known)),
                );
            } else {
                self.value(&join(path, name), value, &schemas);
            }
        }
    }

    fn items(&mut self, path: &str, items: &DeArray<'_>, forms: &[&Value]) {
        let schemas: Vec<_> = forms.iter().filter_map(|form| form.get("items")).collect();
        if schemas.is_empty() {
            return;
        }
        for (i, item) in items.iter().enumerate() {
            self.value(&join(path, &i.to_string()), item, &schemas);
        }
    }
}

/// Returns the alternatives of a schema, and the schema itself where it has none.
fn forms(schema: &Value) -> Vec<&Value> {
    let inner = ["oneOf", "anyOf", "allOf"]
        .into_iter()
        .filter_map(|word| schema[word].as_array())
        .flatten();
    let forms: Vec<_> = inner.flat_map(forms).collect();
    if forms.is_empty() {
        vec![schema]
    } else {
        forms
    }
}

/// Returns whether a schema allows any type.
fn is_open(form: &Value) -> bool {
    form.get("type").is_none() && form.get("enum").is_none()
}

fn has(form: &Value, word: &str) -> bool {
    form["type"] == word
}

fn child<'s>(form: &'s Value, name: &str) -> Option<&'s Value> {
    let any = || {
        form.get("additionalProperties")
            .filter(|any| any.is_object())
    };
    form["properties"].get(name).or_else(any)
}

fn names(form: &Value) -> impl Iterator<Item = &str> {
    form["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
}

fn accepts(form: &Value, value: &DeValue<'_>) -> bool {
    let number = |text: &str| text.replace('_', "").parse::<f64>().ok();
    let within = |number: Option<f64>| {
        let beyond = |word: &str, is_beyond: fn(f64, f64) -> bool| {
            number
                .zip(form[word].as_f64())
                .is_some_and(|(number, limit)| is_beyond(number, limit))
        };
        !beyond("minimum", |number, least| number < least)
            && !beyond("maximum", |number, most| number > most)
    };
    match value {
        DeValue::String(text) => has(form, "string") && listed(form, text),
        DeValue::Boolean(_) => has(form, "boolean"),
        DeValue::Integer(text) if has(form, "integer") || has(form, "number") => within(
            i128::from_str_radix(text.as_str(), text.radix())
                .ok()
                .map(|number| number as f64),
        ),
        DeValue::Float(text) => has(form, "number") && within(number(text.as_str())),
        _ => false,
    }
}

fn listed(form: &Value, text: &str) -> bool {
    form["enum"]
        .as_array()
        .is_none_or(|names| names.iter().any(|name| name == text))
}

fn unlike(path: &str, value: &DeValue<'_>, forms: &[&Value]) -> SpecFinding {
    let names: Vec<_> = forms
        .iter()
        .filter_map(|form| form["enum"].as_array())
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if let DeValue::String(text) = value
        && !names.is_empty()
    {
        let code = if path.ends_with(".kind") {
            Code::UnknownKind
        } else {
            Code::UnknownWord
        };
        return SpecFinding::new(code, path, format!("unknown value \"{text}\" for `{path}`"))
            .hint(suggest::hint(text, &names));
    }
    let is_list = |form: &Value| forms_of_items(form).iter().any(|form| has(form, "object"));
    if matches!(value, DeValue::Table(_)) && forms.iter().any(|form| is_list(form)) {
        return SpecFinding::new(
            Code::NotAList,
            path,
            format!("`{path}` is a list of tables"),
        )
        .hint(Some(format!("write [[{path}]]")));
    }
    let mut types: Vec<_> = forms.iter().map(|form| in_words(form)).collect();
    types.dedup();
    let is_number = |form: &Value| match value {
        DeValue::Integer(_) => has(form, "integer") || has(form, "number"),
        DeValue::Float(_) => has(form, "number"),
        _ => false,
    };
    // A number of the right type can only be out of bounds.
    let code = if forms.iter().any(|form| is_number(form)) {
        Code::BadValue
    } else {
        Code::WrongType
    };
    let quoted = value
        .as_str()
        .is_some_and(|text| text.parse::<f64>().is_ok())
        && types.iter().any(|words| words.contains("number"));
    let hint = quoted.then(|| "write it without quotes".to_owned());
    SpecFinding::new(
        code,
        path,
        format!(
            "expected {} for `{path}`, found {}",
            types.join(" or "),
            found(value)
        ),
    )
    .hint(hint)
}

/// Returns the alternatives for the elements of a list.
fn forms_of_items(form: &Value) -> Vec<&Value> {
    form.get("items").map(forms).unwrap_or_default()
}

fn in_words(form: &Value) -> &'static str {
    match form["type"].as_str() {
        Some("integer") if form["minimum"].as_f64() == Some(0.0) => "a whole number of at least 0",
        Some("integer") => "a whole number",
        Some("number") => "a number",
        Some("boolean") => "true or false",
        Some("array") => "an array",
        Some("object") => "a table",
        _ => "a string",
    }
}

/// Describes a value. A text is not repeated, since it may be a secret in the wrong place.
fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a string".to_owned(),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => format!("`{value}`"),
        DeValue::Datetime(_) => "a time".to_owned(),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
