use serde::Serialize;

use super::storeroom::Storeroom;
use super::{Context, EngineError, Job};
use crate::registry::{Consent, GateReport, ModelRef, Moved, Promotion};
use crate::scoring::Verdict;

/// What came of promoting a registered version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Promoted {
    /// What the gates made of it.
    pub gates: GateReport,
    /// Where the alias moved; nothing where a gate stood in the way.
    pub moved: Option<Moved>,
}

/// Judges a registered version by the pipeline's gates against whoever holds the alias, and promotes it if they pass.
///
/// With `force` it is promoted past the gates; the log remembers that, and the reason, which must not be empty.
///
/// # Errors
/// An unknown version, a lost race, or whatever the store answers; a gate that says no is not an error.
pub fn promote_version(
    context: &Context,
    job: &Job,
    reference: &ModelRef,
    reason: &str,
    force: bool,
) -> Result<Promoted, EngineError> {
    let Storeroom { registry, alias, .. } = Storeroom::open(context, &job.spec)?;
    let version = registry.resolve(reference, None)?;
    let gates = registry.judge_version(&job.spec.gates, reference, &alias)?;
    if gates.verdict != Verdict::Pass && !force {
        return Ok(Promoted { gates, moved: None });
    }
    let promotion = Promotion {
        model: version.model,
        version: version.version,
        alias,
        reason: reason.to_owned(),
        consent: if force { Consent::Forced } else { Consent::Gates(Box::new(gates.clone())) },
    };
    let moved = registry.promote(&promotion, &context.stamp())?;
    Ok(Promoted { gates, moved: Some(moved) })
}
