//! Answers questions about keys from the schema of the file.

use serde_json::Value;

/// The kind of a table that has a `kind`, and the depth of that table.
#[derive(Debug, Clone, Copy)]
pub(super) struct KindAt<'k> {
    pub(super) name: &'k str,
    pub(super) depth: usize,
}

/// The schema of the file, which says which keys a table may and must have.
#[derive(Debug)]
pub(super) struct SchemaKeys(Value);

impl SchemaKeys {
    pub(super) fn new(schema: Value) -> Self {
        Self(schema)
    }

    /// Returns the keys of the table at `path`; those of `kind` where the table, or one around it, has a `kind`.
    pub(super) fn known(&self, path: &[&str], kind: Option<KindAt<'_>>) -> Vec<&str> {
        let mut known = Vec::new();
        for table in self.tables(path, kind) {
            known.extend(properties(table).map(|(key, _)| key));
        }
        known
    }

    /// Returns the keys that the table at `path` must have.
    pub(super) fn required(&self, path: &[&str], kind: Option<KindAt<'_>>) -> Vec<&str> {
        let tables = self.tables(path, kind);
        let required = tables
            .iter()
            .filter_map(|table| table["required"].as_array())
            .flatten();
        required.filter_map(Value::as_str).collect()
    }

    /// Returns the sections that have this key at their top level.
    pub(super) fn sections_with(&self, key: &str) -> Vec<&str> {
        let sections = properties(&self.0).filter(|(_, section)| {
            branches(section, None)
                .iter()
                .any(|table| properties(table).any(|(name, _)| name == key))
        });
        sections.map(|(name, _)| name).collect()
    }

    /// Returns the kinds whose table at `path` has this key.
    pub(super) fn kinds_with(&self, path: &[&str], key: &str) -> Vec<&str> {
        let tables = self.tables(path, None).into_iter();
        let with_key = tables.filter(|table| properties(table).any(|(name, _)| name == key));
        with_key
            .filter_map(|table| table["properties"]["kind"]["enum"][0].as_str())
            .collect()
    }

    /// Returns the schemas of the value at `path`; those of `kind` where its section has a `kind`.
    pub(super) fn values(&self, path: &[&str], kind: Option<&str>) -> Vec<&Value> {
        let Some((last, parents)) = path.split_last() else {
            return Vec::new();
        };
        let kind = kind.map(|name| KindAt { name, depth: 1 });
        self.tables(parents, kind)
            .into_iter()
            .filter_map(|table| child(table, last))
            .collect()
    }

    fn tables(&self, path: &[&str], kind: Option<KindAt<'_>>) -> Vec<&Value> {
        let mut tables = vec![&self.0];
        for (depth, step) in (1..).zip(path) {
            let kind = kind
                .filter(|kind| kind.depth == depth)
                .map(|kind| kind.name);
            let inner = tables.into_iter().filter_map(|table| child(table, step));
            tables = inner.flat_map(|value| branches(value, kind)).collect();
        }
        tables
    }
}

fn properties(table: &Value) -> impl Iterator<Item = (&str, &Value)> {
    table["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.as_str(), value))
}

fn child<'v>(table: &'v Value, step: &str) -> Option<&'v Value> {
    match step.parse::<usize>() {
        Ok(_) if table.get("items").is_some() => table.get("items"),
        // A table of any keys, such as `[tune.space]`, has one schema for all of them.
        _ => table
            .get("properties")
            .and_then(|known| known.get(step))
            .or_else(|| {
                table
                    .get("additionalProperties")
                    .filter(|any| any.is_object())
            }),
    }
}

/// Returns the alternatives of a schema, without those of other kinds.
fn branches<'v>(schema: &'v Value, kind: Option<&str>) -> Vec<&'v Value> {
    let alternatives = ["oneOf", "anyOf", "allOf"]
        .into_iter()
        .filter_map(|word| schema[word].as_array());
    let mut branches: Vec<_> = alternatives
        .flatten()
        .flat_map(|inner| branches_of_kind(inner, kind))
        .collect();
    let any_key = schema
        .get("additionalProperties")
        .is_some_and(Value::is_object);
    if schema.get("properties").is_some() || schema.get("items").is_some() || any_key {
        branches.push(schema);
    }
    branches
}

fn branches_of_kind<'v>(schema: &'v Value, kind: Option<&str>) -> Vec<&'v Value> {
    match (schema["properties"]["kind"]["enum"][0].as_str(), kind) {
        (Some(own), Some(wanted)) if own != wanted => Vec::new(),
        _ => branches(schema, kind),
    }
}
