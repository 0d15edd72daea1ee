use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, ReplaceConstValue};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use super::spec::{PipelineSpec, VERSION};

/// Returns the JSON schema of the pipeline file.
///
/// It keeps to keywords of draft 7 that all editors know: no `$ref`, no `const`.
pub fn file_schema() -> Value {
    let mut schema = schema_of::<PipelineSpec>();
    schema["title"] = json!("pdm-ml pipeline");
    schema["properties"]["version"]["enum"] = json!([VERSION]);
    schema["required"] = json!(["version", "project", "dataset"]);
    fill_members(&mut schema["properties"]["model"]);
    schema
}

/// Says what a member of a stack may be: every other kind. A schema without `$ref` cannot say so by recursion.
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

/// Returns the strict, self-contained schema of a type: a table holds the keys it names and no others.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07()
        .with(|settings| settings.inline_subschemas = true)
        .with_transform(ReplaceConstValue::default())
        .with_transform(RecursiveTransform(close));
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

fn close(schema: &mut Schema) {
    // `uint` and its like are names of Rust's, not of JSON schema's.
    schema.remove("format");
    without_null(schema);
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
}

/// TOML has no null: what is optional is left out.
fn without_null(schema: &mut Schema) {
    if schema.get("default").is_some_and(Value::is_null) {
        schema.remove("default");
    }
    let types = schema.get("type").and_then(Value::as_array).cloned().unwrap_or_default();
    if let [kind, null] = types.as_slice()
        && null == "null"
    {
        schema.insert("type".to_owned(), kind.clone());
    }
    let branches = schema.get("anyOf").and_then(Value::as_array).cloned().unwrap_or_default();
    if let [Value::Object(inner), null] = branches.as_slice()
        && null["type"] == "null"
    {
        schema.remove("anyOf");
        // What a field says of itself is nearer than what its type says.
        let absent: Vec<_> = inner.iter().filter(|(word, _)| schema.get(word.as_str()).is_none()).collect();
        absent.into_iter().for_each(|(word, value)| drop(schema.insert(word.clone(), value.clone())));
    }
}
