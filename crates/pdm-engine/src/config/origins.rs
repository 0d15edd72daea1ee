//! Where each value of a pipeline was set.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::layers::Layer;
use super::source::{KeyIndex, SourceText, Sources, join};
use super::spec::PipelineSpec;

/// Where one value of a pipeline was set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// Dotted key path.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Its layer.
    pub layer: Layer,
    /// Its source.
    pub source: Source,
}

/// A source of values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Source {
    /// The built-in default.
    Default,
    /// A file: the pipeline file, or one it extends.
    File {
        /// The file's name.
        file: String,
        /// Line, from 1.
        line: usize,
    },
    /// A variable that sets the key.
    Variable {
        /// Its name.
        name: String,
    },
    /// An override on the command line.
    Override {
        /// The override, as written.
        text: String,
    },
    /// A text that names environment variables.
    Environment {
        /// The variables.
        variables: Vec<String>,
        /// Where that text is written.
        written: Box<Source>,
    },
}

/// Where every value of a pipeline was set, in the order of [`PipelineSpec::to_toml`].
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
            let (layer, source) = written(&key, sources, index);
            let source = match filled.get(&key) {
                Some(variables) => Source::Environment {
                    variables: variables.clone(),
                    written: Box::new(source),
                },
                None => source,
            };
            Origin {
                key,
                value,
                layer,
                source,
            }
        });
        Self(origins.collect())
    }

    /// Returns the origins.
    pub fn as_slice(&self) -> &[Origin] {
        &self.0
    }

    /// Returns whether a value was set outside the pipeline file and the command line.
    pub fn are_layered(&self) -> bool {
        let alone = |layer: &Layer| matches!(layer, Layer::Default | Layer::File | Layer::Set);
        !self.0.iter().all(|origin| alone(&origin.layer))
    }

    /// Returns where a value was set, such as `pdm.toml:21`; none for a default.
    pub fn place(&self, key: &str) -> Option<String> {
        self.0
            .iter()
            .find(|origin| origin.key == key)?
            .source
            .place()
    }
}

impl Source {
    /// Returns the source in short, such as `pdm.toml:21`; none for a default.
    pub fn place(&self) -> Option<String> {
        match self {
            Self::Default => None,
            Self::File { file, line } => Some(format!("{file}:{line}")),
            Self::Variable { name } => Some(name.clone()),
            Self::Override { text } => Some(format!("--set {text}")),
            Self::Environment { variables, written } => {
                let place = written.place().unwrap_or_default();
                Some(format!("{place} (environment: {})", variables.join(", ")))
            }
        }
    }
}

fn written(key: &str, sources: &Sources, index: &KeyIndex) -> (Layer, Source) {
    let Some(spans) = index.get(key) else {
        return (Layer::Default, Source::Default);
    };
    let place = sources.place(&spans.value);
    let SourceText {
        name, text, layer, ..
    } = place.source;
    let source = match layer {
        Layer::Environment => Source::Variable { name: text.clone() },
        Layer::Set => Source::Override {
            text: place.source.override_text().to_owned(),
        },
        Layer::Default | Layer::Extends | Layer::File | Layer::Profile(_) => Source::File {
            file: name.clone(),
            line: place.line,
        },
    };
    (layer.clone(), source)
}

/// Lists the values that are not tables; an array of plain values is one value.
fn leaves(path: String, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                leaves(join(&path, key), value, found);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (i, item) in items.iter().enumerate() {
                leaves(join(&path, &i.to_string()), item, found);
            }
        }
        Value::Null => {}
        plain => found.push((path, plain.clone())),
    }
}
