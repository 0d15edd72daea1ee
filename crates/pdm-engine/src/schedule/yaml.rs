//! Writes YAML documents.

use serde_json::Value;

use super::error::ScheduleError;

/// Returns a value as a YAML document below comment lines.
pub(super) fn document(comments: &[String], value: &Value) -> Result<String, ScheduleError> {
    let head: String = comments.iter().map(|line| format!("# {line}\n")).collect();
    Ok(head + &yaml_serde::to_string(value).map_err(ScheduleError::Yaml)?)
}
