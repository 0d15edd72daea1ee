use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::source::{KeyIndex, Sources, join};
use super::spec::PipelineSpec;

/// Where one value of a specification comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// Dotted key path.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Its source.
    pub source: Source,
}

/// A source of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Source {
    /// Nobody wrote it.
    Default,
    /// The pipeline file.
    File {
        /// The file's name.
        file: String,
        /// Line, from 1.
        line: usize,
    },
    /// An override on the command line.
    Override {
        /// The override, as written.
        text: String,
    },
    /// The environment, by way of the pipeline file or an override.
    Environment {
        /// The variables.
        variables: Vec<String>,
    },
}

/// Where every value of a specification comes from, in the order of [`PipelineSpec::to_toml`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Origins(Vec<Origin>);

impl Origins {
    pub(super) fn of(
        spec: &PipelineSpec,
        sources: &Sources,
        index: &KeyIndex,
        filled: &BTreeMap<String, Vec<String>>,
    ) -> Self {
        let mut values = Vec::new();
        let spec = serde_json::to_value(spec).unwrap_or_default();
        leaves(String::new(), &spec, &mut values);
        let origins = values.into_iter().map(|(key, value)| {
            let source = match filled.get(&key) {
                Some(variables) => Source::Environment { variables: variables.clone() },
                None => written(&key, sources, index),
            };
            Origin { key, value, source }
        });
        Self(origins.collect())
    }

    /// Returns the origins.
    pub fn as_slice(&self) -> &[Origin] {
        &self.0
    }

    /// Returns where a value stands, such as `pdm.toml:21`; nothing for one nobody wrote.
    pub fn place(&self, key: &str) -> Option<String> {
        self.0.iter().find(|origin| origin.key == key)?.source.place()
    }
}

impl Source {
    /// Returns the source in a word or two; nothing for a value nobody wrote.
    pub fn place(&self) -> Option<String> {
        match self {
            Self::Default => None,
            Self::File { file, line } => Some(format!("{file}:{line}")),
            Self::Override { text } => Some(format!("--set {text}")),
            Self::Environment { variables } => Some(format!("environment: {}", variables.join(", "))),
        }
    }
}

fn written(key: &str, sources: &Sources, index: &KeyIndex) -> Source {
    let Some(spans) = index.get(key) else { return Source::Default };
    let place = sources.place(&spans.value);
    if place.source.is_file() {
        return Source::File { file: place.source.name.clone(), line: place.line };
    }
    Source::Override { text: place.source.override_text().to_owned() }
}

/// Lists the values that are not tables; an array of plain values is one value.
fn leaves(path: String, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(table) => table.iter().for_each(|(key, value)| leaves(join(&path, key), value, found)),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (i, item) in items.iter().enumerate() {
                leaves(join(&path, &i.to_string()), item, found);
            }
        }
        Value::Null => {}
        plain => found.push((path, plain.clone())),
    }
}
