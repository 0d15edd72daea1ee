//! The version that a pipeline's alias points to.

use jiff::Timestamp;

use super::{Context, EngineError, Job};
use crate::engine::registry_view::RegistryView;
use pdm_store::registry::HistoryAction;

/// The version that a pipeline's alias points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PipelineChampion {
    /// Number of the version.
    pub version: u32,
    /// When the alias was pointed to it.
    pub since: Option<Timestamp>,
}

/// Returns the version that the pipeline's alias points to; none where it was never set.
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
    let state = registry.state(None)?;
    let Some(current) = state.current(&model, &alias) else {
        return Ok(None);
    };
    let moves = registry.history(&model, Some(&alias), None)?;
    let last = moves
        .iter()
        .rfind(|row| matches!(row.action, HistoryAction::Promote | HistoryAction::Rollback));
    Ok(Some(PipelineChampion {
        version: current.version,
        since: last.map(|row| row.time),
    }))
}
