//! What differs between two keys of a stage.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::StageKey;
use pdm_core::content::Digest;

/// One difference between two keys of a stage.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum KeyChange {
    /// The stage itself computes something else now.
    Version {
        /// Before.
        old: u32,
        /// Now.
        new: u32,
    },
    /// An option has another value.
    Parameter {
        /// Dotted key path, as in the pipeline file.
        path: String,
        /// Before; none where the option was not set.
        old: Option<Value>,
        /// Now; none where the option is not set.
        new: Option<Value>,
    },
    /// An input has another content.
    Input {
        /// Name of the input.
        name: String,
        /// Before; none where there was no such input.
        old: Option<Digest>,
        /// Now; none where there is no such input.
        new: Option<Digest>,
    },
}

/// Returns what differs between two keys: the stage's version, then parameters, then inputs, each in order of name.
pub fn explain(old: &StageKey, new: &StageKey) -> Vec<KeyChange> {
    let mut changes = Vec::new();
    if old.semantic_version != new.semantic_version {
        changes.push(KeyChange::Version {
            old: old.semantic_version,
            new: new.semantic_version,
        });
    }
    compare(
        "",
        Some(&old.parameters),
        Some(&new.parameters),
        &mut changes,
    );
    for name in names(&old.inputs, &new.inputs) {
        let old = old.inputs.get(name).copied();
        let new = new.inputs.get(name).copied();
        if old != new {
            changes.push(KeyChange::Input {
                name: name.clone(),
                old,
                new,
            });
        }
    }
    changes
}

impl KeyChange {
    /// Returns the change as a fragment; `place` returns the place of an option, such as `pdm.toml:12`.
    pub fn text(&self, place: impl Fn(&str) -> Option<String>) -> String {
        match self {
            Self::Version { old, new } => {
                format!("the stage itself changed, version {old} → {new}")
            }
            Self::Parameter { path, old, new } => {
                let place = match place(path) {
                    Some(place) => format!(" ({place})"),
                    None => String::new(),
                };
                format!(
                    "`{path}` {} → {}{place}",
                    shown(old.as_ref()),
                    shown(new.as_ref())
                )
            }
            Self::Input {
                name, old: None, ..
            } => format!("input `{name}` is new"),
            Self::Input {
                name, new: None, ..
            } => format!("input `{name}` is gone"),
            Self::Input { name, .. } => format!("input `{name}` changed"),
        }
    }
}

fn compare(path: &str, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<KeyChange>) {
    match (old, new) {
        _ if old == new => {}
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                compare(&join(path, key), a.get(key), b.get(key), changes);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if nested(a) || nested(b) => {
            for i in 0..a.len().max(b.len()) {
                compare(&join(path, &i.to_string()), a.get(i), b.get(i), changes);
            }
        }
        _ => changes.push(KeyChange::Parameter {
            path: path.to_owned(),
            old: old.cloned(),
            new: new.cloned(),
        }),
    }
}

/// Returns whether an array is compared table by table; an array of plain values is compared as a whole.
fn nested(items: &[Value]) -> bool {
    items.iter().any(Value::is_object)
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

fn names<'a>(
    a: &'a BTreeMap<String, Digest>,
    b: &'a BTreeMap<String, Digest>,
) -> BTreeSet<&'a String> {
    a.keys().chain(b.keys()).collect()
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        Some(value) => value.to_string(),
        None => "unset".to_owned(),
    };
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
