//! Reads the options of a version from its bundle.

use serde_json::Value;

use crate::registry::error::RegistryError;
use crate::registry::manifest::ModelVersion;
use crate::registry::registry::Registry;

/// The manifest of a bundle, and its fields that are no options: the files are compared by digest.
const MANIFEST: &str = "bundle.json";
const NO_OPTIONS: [&str; 2] = ["format", "files"];

/// The fitted features: their options and the chosen sensors are compared, the fitted numbers are not.
const FEATURES: &str = "features.json";

impl Registry {
    /// Returns the options in a bundle by dotted name; files that are not JSON are skipped.
    pub(super) async fn options(
        &self,
        version: &ModelVersion,
    ) -> Result<Vec<(String, Value)>, RegistryError> {
        let mut options = Vec::new();
        if let Some(Value::Object(mut manifest)) = self.json(version, MANIFEST).await? {
            manifest.retain(|name, _| !NO_OPTIONS.contains(&name.as_str()));
            flatten("", Value::Object(manifest), &mut options);
        }
        if let Some(Value::Object(mut features)) = self.json(version, FEATURES).await? {
            for name in ["options", "sensors"] {
                let value = features.remove(name).unwrap_or_default();
                flatten(&format!("features.{name}"), value, &mut options);
            }
        }
        Ok(options)
    }

    async fn json(
        &self,
        version: &ModelVersion,
        path: &str,
    ) -> Result<Option<Value>, RegistryError> {
        let Some(file) = version.files.iter().find(|file| file.path.as_str() == path) else {
            return Ok(None);
        };
        let bytes = self
            .explained(version, self.store().get_blob(file.sha256).await)
            .await?;
        Ok(serde_json::from_slice(&bytes).ok())
    }
}

/// Flattens nested objects; lists stay whole.
fn flatten(name: &str, value: Value, into: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                let dotted = if name.is_empty() {
                    field
                } else {
                    format!("{name}.{field}")
                };
                flatten(&dotted, value, into);
            }
        }
        value => into.push((name.to_owned(), value)),
    }
}
