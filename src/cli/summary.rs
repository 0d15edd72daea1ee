//! The summary that `retrain` writes: the same keys whatever the result, and never left over from an earlier run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::error::CliError;
use super::{environment, outputs, retrain_text, ui};
use pdm_core::content::read_note;
use pdm_core::domain::redact_json;

/// Which existing file may be replaced by a summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MayReplace {
    /// An earlier summary.
    Summary,
    /// Any file, with `--force`.
    Anything,
}

/// Whether this process has already written its summary.
static ENDED: AtomicBool = AtomicBool::new(false);

/// Writes the result of a retraining, if a file was given.
///
/// # Errors
/// The file cannot be written.
pub(super) fn write(path: Option<&Path>, summary: &impl Serialize) -> Result<(), CliError> {
    ENDED.store(true, Ordering::Relaxed);
    let Some(path) = path else { return Ok(()) };
    put(path, summary)
}

fn put(path: &Path, summary: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(summary).map_err(CliError::output)? + "\n";
    outputs::write(path, redact_json(&text).as_bytes())
}

/// Replaces the summary of an earlier retraining by one with the result `unfinished`, which stays if the process is killed.
pub(super) fn begin(
    path: Option<&Path>,
    may_replace: MayReplace,
    pipeline: &str,
    file: &str,
    now: Option<Timestamp>,
) {
    let why = "the retraining is still running or was killed; if it was killed, run the same command again to continue it";
    let summary = json!({
        "time": now.unwrap_or_else(Timestamp::now),
        "pipeline": pipeline,
        "file": file,
        "result": "unfinished",
        "exit": null,
        "elapsed_ms": 0,
        "why": why,
    });
    replace(path, may_replace, &summary);
}

/// Returns the summary of a failed retraining, with the same keys as that of a successful one.
pub(super) fn failure(
    error: &CliError,
    pipeline: &str,
    file: Option<&str>,
    now: Option<Timestamp>,
    elapsed: Duration,
) -> Value {
    let rendered = error.to_json();
    let mut summary = json!({
        "time": now.unwrap_or_else(Timestamp::now),
        "pipeline": pipeline,
        "file": file,
        "result": "failed",
        "exit": error.exit() as u8,
        "elapsed_ms": u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
    });
    summary["why"] = rendered["message"].clone();
    summary["error"] = rendered;
    summary
}

/// Writes the summary and the closing line of a retraining that could not start, unless they were already written.
pub(super) fn failed_early(
    path: Option<&Path>,
    pipeline: Option<&Path>,
    error: &CliError,
    elapsed: Duration,
) {
    if ENDED.swap(true, Ordering::Relaxed) {
        return;
    }
    let file = pipeline.map(|path| path.display().to_string());
    let name = pipeline
        .and_then(Path::file_stem)
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let now = environment::now().ok().flatten();
    let summary = failure(error, &name, file.as_deref(), now, elapsed);
    replace(
        path.filter(|path| !is_same_file(path, pipeline)),
        MayReplace::Summary,
        &summary,
    );
    ui::line(&retrain_text::failed_line(&summary));
}

/// Replaces a summary; any other file is not changed unless `may_replace` allows it.
fn replace(path: Option<&Path>, may_replace: MayReplace, summary: &Value) {
    let Some(path) = path else { return };
    if may_replace == MayReplace::Summary && path.exists() && !is_summary(path) {
        return ui::warn(&format!(
            "`{}` is not a summary and was not changed",
            path.display()
        ));
    }
    if let Err(error) = put(path, summary) {
        ui::warn(pdm_core::codes::unmarked(&error.render(false)));
    }
}

fn is_summary(path: &Path) -> bool {
    let text = read_note(path).unwrap_or_default();
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    // An empty or truncated summary is replaced too.
    text.trim().is_empty()
        || ["result", "pipeline", "time"]
            .iter()
            .all(|key| value.get(key).is_some())
}

fn is_same_file(path: &Path, other: Option<&Path>) -> bool {
    let whole = |path: &Path| std::fs::canonicalize(path).ok();
    other.is_some_and(|other| whole(path).is_some() && whole(path) == whole(other))
}
