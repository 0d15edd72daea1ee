//! Promotes and approves registered versions by hand.

use serde::Serialize;

use super::{Context, EngineError, Job, catalog};
use crate::engine::registry_view::RegistryView;
use pdm_core::gates::GateReport;
use pdm_core::scoring::Verdict;
use pdm_store::registry::{Alias, Consent, ModelRef, Moved, Promotion, RecordedRemark};

/// The result of promoting a registered version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromotionOutcome {
    /// What the gates decided.
    pub gates: GateReport,
    /// How the alias moved; none where a gate did not pass.
    pub moved: Option<Moved>,
}

/// Judges a registered version by the pipeline's gates against the champion, and promotes it if they pass.
///
/// With `force` it is promoted whatever the gates decide; the log records that, and the reason, which must not be empty.
///
/// # Errors
/// An unknown version, a lost race, or an error of the store; a gate that does not pass is not an error.
pub fn promote_version(
    context: &Context,
    job: &Job,
    reference: &ModelRef,
    reason: &str,
    force: bool,
) -> Result<PromotionOutcome, EngineError> {
    let RegistryView {
        registry,
        alias,
        policy,
        ..
    } = RegistryView::open(context, &job.spec)?;
    let version = registry.resolve(reference, None)?;
    let gates = registry.judge_version(&job.spec.gates, reference, &alias)?;
    if gates.verdict != Verdict::Pass && !force {
        return Ok(PromotionOutcome { gates, moved: None });
    }
    let promotion = Promotion {
        model: version.model,
        version: version.version,
        alias,
        reason: reason.to_owned(),
        consent: if force {
            Consent::Forced
        } else {
            Consent::Gates(Box::new(gates.clone()))
        },
        policy,
    };
    let moved = registry.promote(&promotion, &context.stamp())?;
    catalog::update_server(context, job);
    Ok(PromotionOutcome {
        gates,
        moved: Some(moved),
    })
}

/// The result of approving a registered version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Approval {
    /// What the gates decide now.
    pub gates: GateReport,
    /// The alias it is approved for.
    pub alias: Alias,
    /// What was written.
    pub said: RecordedRemark,
    /// Everyone who has approved it for the alias so far.
    pub by: Vec<String>,
}

/// Approves a registered version for the pipeline's alias, in the name of [`Context::actor`], and judges it by the gates.
///
/// # Errors
/// An unknown or retired version, or an error of the store.
pub fn approve_version(
    context: &Context,
    job: &Job,
    reference: &ModelRef,
    reason: &str,
) -> Result<Approval, EngineError> {
    let RegistryView {
        registry, alias, ..
    } = RegistryView::open(context, &job.spec)?;
    let gates = registry.judge_version(&job.spec.gates, reference, &alias)?;
    let said = registry.approve(reference, &alias, reason, &context.stamp())?;
    let by = registry
        .state(None)?
        .model(&said.model)?
        .approvals(said.version, &alias)
        .cloned()
        .collect();
    Ok(Approval {
        gates,
        alias,
        said,
        by,
    })
}
