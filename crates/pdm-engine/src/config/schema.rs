//! The JSON schema of the pipeline file.

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, ReplaceConstValue};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::format::VERSION;
use super::layers::{EXTENDS, PROFILE};
use super::spec::PipelineSpec;

/// Returns the JSON schema of a pipeline file.
///
/// It describes one file on its own: what a pipeline must have may be in the files it extends, or in those that extend it. It
/// uses only keywords of draft 7 that all editors support, and `$ref` only for whole sections.
pub fn file_schema() -> Value {
    let mut schema = whole_schema();
    let sections = schema["properties"]
        .as_object_mut()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "version");
    let mut names = Vec::new();
    for (name, section) in sections {
        allow_parts(section);
        names.push(name.clone());
    }
    schema["properties"][EXTENDS] = extends();
    schema["properties"][PROFILE] = profiles(&names);
    schema["required"] = json!(["version"]);
    schema
}

fn extends() -> Value {
    let description = "Files that this one is laid over; a later one overrides an earlier one. Tables merge, anything else is \
                       replaced. Paths are relative to the folder of this file.";
    let path = json!({ "type": "string", "description": "A path." });
    let paths =
        json!({ "type": "array", "description": "Several.", "items": { "type": "string" } });
    json!({ "description": description, "oneOf": [path, paths], "default": [] })
}

fn profiles(sections: &[String]) -> Value {
    let reference = |name: &String| {
        (
            name.clone(),
            json!({ "$ref": format!("#/properties/{name}") }),
        )
    };
    let properties: Map<_, _> = sections.iter().map(reference).collect();
    let description = "What `--profile NAME`, or the variable `PDM_ML_PROFILE`, changes: one [profile.NAME] each.";
    let profile = json!({
        "type": "object",
        "description": "Sections as in the file, with only the keys that change.",
        "properties": properties,
        "additionalProperties": false,
    });
    json!({ "type": "object", "description": description, "additionalProperties": profile, "default": {} })
}

/// Allows a table to be part of one that is composed from several.
///
/// Lists are replaced as a whole, so their elements must be complete.
fn allow_parts(schema: &mut Value) {
    let Some(words) = schema.as_object_mut() else {
        return;
    };
    if words.contains_key("properties") {
        words.shift_remove("required");
    }
    // A part of a table may fit several kinds, so it need not fit exactly one.
    if words
        .get("oneOf")
        .and_then(Value::as_array)
        .is_some_and(|forms| forms.iter().any(|form| form["type"] == "object"))
    {
        let forms = words.shift_remove("oneOf").unwrap_or_default();
        words.shift_insert(0, "anyOf".to_owned(), forms);
    }
    for forms in ["oneOf", "anyOf"] {
        if let Some(Value::Array(forms)) = words.get_mut(forms) {
            for form in forms {
                allow_parts(form);
            }
        }
    }
    if let Some(Value::Object(keys)) = words.get_mut("properties") {
        for (_, inner) in keys {
            allow_parts(inner);
        }
    }
    if let Some(inner) = words.get_mut("additionalProperties") {
        allow_parts(inner);
    }
}

/// Returns the schema of a profile.
pub(super) fn profile_schema() -> Value {
    let mut schema = whole_schema();
    if let Some(sections) = schema["properties"].as_object_mut() {
        sections.shift_remove("version");
    }
    schema
}

/// Returns the schema of a whole pipeline in one file.
pub(super) fn whole_schema() -> Value {
    let mut schema = schema_of::<PipelineSpec>();
    schema["title"] = json!("pdm-ml pipeline");
    schema["properties"]["version"]["enum"] = (1..=VERSION).collect();
    schema["properties"]["version"]["default"] = json!(VERSION);
    schema["required"] = json!(["version", "project", "dataset"]);
    fill_members(&mut schema["properties"]["model"]);
    schema
}

/// Adds the kinds that a member of a stack may have: every other kind. A schema without `$ref` cannot express that by recursion.
fn fill_members(model: &mut Value) {
    let is_stack = |kind: &Value| kind["properties"]["kind"]["enum"][0] == "stack";
    let kinds = model["oneOf"].as_array().cloned().unwrap_or_default();
    let (stacks, others): (Vec<_>, Vec<_>) = kinds.into_iter().partition(is_stack);
    let filled = stacks.into_iter().map(|mut stack| {
        stack["properties"]["member"]["items"] = json!({ "oneOf": others });
        stack["properties"]["member"]["minItems"] = json!(2);
        stack
    });
    model["oneOf"] = others.iter().cloned().chain(filled).collect();
}

/// Returns [`file_schema`] as the text of `pipelines/pipeline.schema.json`.
///
/// # Panics
/// Never: a JSON value has a JSON form.
pub fn file_schema_text() -> String {
    serde_json::to_string_pretty(&file_schema()).expect("a JSON value has a JSON form") + "\n"
}

/// Returns the strict, self-contained schema of a type: a table has the keys it names and no others.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(ReplaceConstValue::default())
        .with_transform(RecursiveTransform(close));
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

fn close(schema: &mut Schema) {
    // Formats such as `uint` are Rust types, which JSON schema does not define.
    schema.remove("format");
    without_null(schema);
    describe_kind(schema);
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
}

/// Describes the key `kind`, which is not a field of any of the types it chooses.
fn describe_kind(schema: &mut Schema) {
    let kind = schema
        .get_mut("properties")
        .and_then(|keys| keys.get_mut("kind"))
        .and_then(Value::as_object_mut);
    if let Some(kind) =
        kind.filter(|kind| kind.contains_key("enum") && !kind.contains_key("description"))
    {
        kind.insert(
            "description".to_owned(),
            json!("The kind, which decides what other keys there are."),
        );
    }
}

/// Removes null from a schema: TOML has none, and an optional key is left out.
fn without_null(schema: &mut Schema) {
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    let types = schema
        .get("type")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if let [kind, null] = types.as_slice()
        && null == "null"
    {
        schema.insert("type".to_owned(), kind.clone());
    }
    let branches = schema
        .get("anyOf")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if let [Value::Object(inner), null] = branches.as_slice()
        && null["type"] == "null"
    {
        schema.remove("anyOf");
        // The description of a field takes precedence over that of its type.
        for (word, value) in inner {
            if schema.get(word.as_str()).is_none() {
                schema.insert(word.clone(), value.clone());
            }
        }
    }
}
