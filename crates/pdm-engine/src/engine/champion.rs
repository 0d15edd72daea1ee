use jiff::Timestamp;

use super::{Context, EngineError, Job};
use crate::engine::registry_view::RegistryView;
use pdm_store::registry::HistoryAction;

/// Who holds a pipeline's alias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipelineChampion {
    /// Number of the version.
    pub version: u32,
    /// When the alias was pointed to it.
    pub since: Option<Timestamp>,
}

/// Returns who holds the pipeline's alias; nobody where it was never moved.
///
/// # Errors
/// The registry cannot be read.
pub fn champion(context: &Context, job: &Job) -> Result<Option<PipelineChampion>, EngineError> {
    let RegistryView {
        registry,
        model,
        alias,
        ..
    } = RegistryView::open(context, &job.spec)?;
    let Some(version) = registry
        .state(None)?
        .current(&model, &alias)
        .map(|version| version.version)
    else {
        return Ok(None);
    };
    let moves = registry.history(&model, Some(&alias), None)?;
    let last = moves
        .iter()
        .rfind(|row| matches!(row.action, HistoryAction::Promote | HistoryAction::Rollback));
    Ok(Some(PipelineChampion {
        version,
        since: last.map(|row| row.time),
    }))
}
