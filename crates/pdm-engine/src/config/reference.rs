//! Writes the reference of the pipeline file, from the same schema that editors use.

use serde_json::Value;

use super::edit::toml_of;
use super::layers::{EXTENDS, PROFILE};
use super::schema::{file_schema, whole_schema};
use super::source::join;

const OPENING: &str = "\
# The pipeline file, key by key

Written by `pdm-ml config reference` from the types that read the file; a test keeps it current. [configuration.md](configuration.md)
explains how a pipeline is composed from several places, and `pdm-ml config show` prints one with every default filled in.

Paths, URLs and names may contain `${env:NAME}` or `${env:NAME:-default}`. A key without a default may be left out unless it is
required.
";

/// Returns the reference as Markdown: every key with its type, default and meaning.
pub fn file_reference() -> String {
    let schema = whole_schema();
    let mut page = ReferencePage {
        text: OPENING.to_owned(),
    };
    page.heading(2, "The top of the file");
    let file = file_schema();
    let top = [("version", &schema), (EXTENDS, &file)].map(|(key, schema)| row_of(key, schema));
    let profile = ReferenceRow {
        name: format!("[{PROFILE}.NAME]"),
        ..row_of(PROFILE, &file)
    };
    page.rows(top.into_iter().chain([profile]));
    for (name, section) in keys(&schema).filter(|(name, _)| *name != "version") {
        page.section(name, section);
    }
    page.text
}

struct ReferencePage {
    text: String,
}

/// One line of a table.
struct ReferenceRow {
    name: String,
    form: String,
    default: String,
    meaning: String,
}

impl ReferencePage {
    fn heading(&mut self, level: usize, title: &str) {
        self.text.truncate(self.text.trim_end().len());
        self.text
            .push_str(&format!("\n\n{} {title}\n\n", "#".repeat(level)));
    }

    fn paragraph(&mut self, text: &str) {
        if !text.is_empty() {
            self.text.push_str(&format!("{text}\n\n"));
        }
    }

    fn rows(&mut self, rows: impl IntoIterator<Item = ReferenceRow>) {
        let rows: Vec<_> = rows.into_iter().collect();
        if rows.is_empty() {
            return;
        }
        self.text
            .push_str("| key | type | default | meaning |\n| --- | --- | --- | --- |\n");
        for ReferenceRow {
            name,
            form,
            default,
            meaning,
        } in rows
        {
            let default = if default == "required" || default.is_empty() {
                default
            } else {
                format!("`{default}`")
            };
            let cells =
                [format!("`{name}`"), form, default, meaning].map(|cell| cell.replace('|', "\\|"));
            self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }

    fn section(&mut self, name: &str, section: &Value) {
        let list = section["type"] == "array";
        let title = if list {
            format!("`[[{name}]]`")
        } else {
            format!("`[{name}]`")
        };
        self.heading(2, &title);
        self.paragraph(&meaning(section));
        let table = if list { &section["items"] } else { section };
        let kinds: Vec<_> = forms(table)
            .into_iter()
            .filter(|form| kind_of(form).is_some())
            .collect();
        if kinds.is_empty() {
            self.rows(rows("", table));
        }
        for kind in kinds {
            self.heading(
                3,
                &format!("`kind = \"{}\"`", kind_of(kind).unwrap_or_default()),
            );
            self.paragraph(&in_one_line(kind));
            self.rows(rows("", kind).into_iter().filter(|row| row.name != "kind"));
        }
    }
}

fn keys(table: &Value) -> impl Iterator<Item = (&str, &Value)> {
    table["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
}

fn kind_of(form: &Value) -> Option<&str> {
    form["properties"]["kind"]["enum"][0].as_str()
}

fn forms(schema: &Value) -> Vec<&Value> {
    let inner = ["oneOf", "anyOf"]
        .into_iter()
        .filter_map(|word| schema[word].as_array())
        .flatten();
    inner.collect()
}

/// Returns the keys of a table and of the tables within it.
fn rows(parent: &str, table: &Value) -> Vec<ReferenceRow> {
    let mut found = Vec::new();
    for (key, value) in keys(table) {
        let path = join(parent, key);
        found.push(ReferenceRow {
            name: path.clone(),
            ..row_of(key, table)
        });
        found.extend(rows(&path, value));
        if let Some(any) = value
            .get("additionalProperties")
            .filter(|any| any.is_object())
        {
            found.extend(rows(&format!("{path}.KEY"), any));
        }
        if value["type"] == "array" && forms(&value["items"]).is_empty() {
            found.extend(rows(&format!("{path}.N"), &value["items"]));
        }
    }
    found
}

fn row_of(key: &str, table: &Value) -> ReferenceRow {
    let value = &table["properties"][key];
    let required = table["required"]
        .as_array()
        .is_some_and(|names| names.iter().any(|name| name == key));
    let default = match value.get("default") {
        _ if required => "required".to_owned(),
        // The keys of a table have rows of their own.
        Some(default) if !default.is_object() => toml_of(default),
        _ => String::new(),
    };
    ReferenceRow {
        name: key.to_owned(),
        form: form(value),
        default,
        meaning: meaning(value),
    }
}

/// Returns the type of a value in words.
fn form(schema: &Value) -> String {
    let forms = forms(schema);
    if !forms.is_empty() {
        let mut words: Vec<_> = forms.into_iter().map(form).collect();
        words.dedup();
        return words.join(" or ");
    }
    match schema["type"].as_str() {
        Some("integer") if schema["minimum"].as_f64() == Some(0.0) => {
            "whole number, at least 0".to_owned()
        }
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "true or false".to_owned(),
        Some("string") => "string".to_owned(),
        Some("array") => list(schema),
        Some("object") => "table".to_owned(),
        _ => "any value".to_owned(),
    }
}

fn list(schema: &Value) -> String {
    let items = &schema["items"];
    match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
        (Some(least), Some(most)) if least == most => format!("list of {most}: {}", form(items)),
        _ => format!("list of: {}", form(items)),
    }
}

/// Returns the meaning of a value, and of each word it may have.
fn meaning(schema: &Value) -> String {
    let named = |form: &Value| {
        Some(format!(
            "<br>`{}`: {}",
            form["enum"][0].as_str()?,
            in_one_line(form)
        ))
    };
    let names = [schema, &schema["items"]]
        .into_iter()
        .flat_map(forms)
        .filter_map(named)
        .collect::<String>();
    let bare = schema["enum"]
        .as_array()
        .filter(|names| names.len() > 1)
        .map(|names| {
            let names: Vec<_> = names
                .iter()
                .map(|name| format!("`{}`", toml_of(name)))
                .collect();
            format!(" One of {}.", names.join(", "))
        });
    format!("{}{}{names}", in_one_line(schema), bare.unwrap_or_default())
}

fn in_one_line(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
