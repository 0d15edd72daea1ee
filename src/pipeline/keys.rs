use serde_json::Value;

/// Answers which keys a table may and must hold.
#[derive(Debug)]
pub(super) struct Keys(Value);

impl Keys {
    pub(super) fn new(schema: Value) -> Self {
        Self(schema)
    }

    /// Returns the keys of the table at `path`; of `kind` where the table chooses by kind.
    pub(super) fn known(&self, path: &[&str], kind: Option<&str>) -> Vec<&str> {
        let mut known = Vec::new();
        for table in self.tables(path, kind) {
            known.extend(properties(table).map(|(key, _)| key));
        }
        known
    }

    /// Returns the keys that the table at `path` must hold.
    pub(super) fn required(&self, path: &[&str], kind: Option<&str>) -> Vec<&str> {
        let tables = self.tables(path, kind);
        let required = tables.iter().filter_map(|table| table["required"].as_array()).flatten();
        required.filter_map(Value::as_str).collect()
    }

    /// Returns the sections that have this key at their top level.
    pub(super) fn sections_with(&self, key: &str) -> Vec<&str> {
        let sections = properties(&self.0).filter(|(_, section)| {
            branches(section, None).iter().any(|table| properties(table).any(|(name, _)| name == key))
        });
        sections.map(|(name, _)| name).collect()
    }

    /// Returns the kinds whose table at `path` knows this key.
    pub(super) fn kinds_with(&self, section: &str, key: &str) -> Vec<&str> {
        let tables = self.tables(&[section], None).into_iter();
        let with_key = tables.filter(|table| properties(table).any(|(name, _)| name == key));
        with_key.filter_map(|table| table["properties"]["kind"]["enum"][0].as_str()).collect()
    }

    fn tables(&self, path: &[&str], kind: Option<&str>) -> Vec<&Value> {
        let mut tables = vec![&self.0];
        for step in path {
            let inner = tables.into_iter().filter_map(|table| child(table, step));
            tables = inner.flat_map(|value| branches(value, kind)).collect();
        }
        tables
    }
}

fn properties(table: &Value) -> impl Iterator<Item = (&str, &Value)> {
    table["properties"].as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

fn child<'v>(table: &'v Value, step: &str) -> Option<&'v Value> {
    match step.parse::<usize>() {
        Ok(_) if table.get("items").is_some() => table.get("items"),
        _ => table.get("properties")?.get(step),
    }
}

/// Returns the alternatives of a schema, those of other kinds left out.
fn branches<'v>(schema: &'v Value, kind: Option<&str>) -> Vec<&'v Value> {
    let alternatives = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|word| schema[word].as_array());
    let mut branches: Vec<_> = alternatives.flatten().flat_map(|inner| branches_of_kind(inner, kind)).collect();
    if schema.get("properties").is_some() || schema.get("items").is_some() {
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
