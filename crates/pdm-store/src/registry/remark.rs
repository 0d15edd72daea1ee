//! Notes, approvals and retirement of a version.

use std::future::ready;
use std::sync::Arc;

use serde::Serialize;

use super::entry::{Approved, LogAction, Remarked, Stamp};
use super::error::RegistryError;
use super::log::{AppendDecision, Log};
use super::name::{Alias, ModelName};
use super::reference::ModelRef;
use super::registry::Registry;
use super::state::RegistryState;

/// A note, approval or retirement, and its entry in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedRemark {
    /// Name of the model.
    pub model: ModelName,
    /// The version.
    pub version: u32,
    /// Entry of the log; `None` if the same was recorded before.
    pub entry: Option<u64>,
}

impl Registry {
    /// Adds a note about a version to the log.
    ///
    /// # Errors
    /// [`RegistryError::NoReason`] if the note is empty, an unknown model or version, and errors of the store.
    pub async fn annotate(
        &self,
        reference: &ModelRef,
        text: &str,
        stamp: &Stamp,
    ) -> Result<RecordedRemark, RegistryError> {
        let text = require_text(text)?;
        self.record(reference, stamp, |_, model, version| {
            Ok(Some(LogAction::Annotate(Remarked {
                model,
                version,
                text: text.clone(),
            })))
        })
        .await
    }

    /// Approves a version for an alias, in the name of the actor. Approving twice counts once.
    ///
    /// # Errors
    /// [`RegistryError::Retired`], an unknown model or version, and errors of the store.
    pub async fn approve(
        &self,
        reference: &ModelRef,
        alias: &Alias,
        text: &str,
        stamp: &Stamp,
    ) -> Result<RecordedRemark, RegistryError> {
        self.record(reference, stamp, |state, model, version| {
            let known = state.model(&model)?;
            known.require_in_use(&model, version)?;
            let before = known
                .approvals(version, alias)
                .any(|actor| *actor == stamp.actor);
            let approved = Approved {
                model,
                version,
                alias: alias.clone(),
                text: text.to_owned(),
            };
            Ok((!before).then_some(LogAction::Approve(approved)))
        })
        .await
    }

    /// Takes a version out of use: no alias can be pointed to it any more.
    ///
    /// # Errors
    /// [`RegistryError::InUse`] while an alias points to it, [`RegistryError::NoReason`], an unknown model or version, and
    /// errors of the store.
    pub async fn retire(
        &self,
        reference: &ModelRef,
        text: &str,
        stamp: &Stamp,
    ) -> Result<RecordedRemark, RegistryError> {
        let text = require_text(text)?;
        self.record(reference, stamp, |state, model, version| {
            let known = state.model(&model)?;
            if let Some(alias) = known.aliases_of(version).into_iter().next() {
                return Err(RegistryError::InUse {
                    model,
                    version,
                    alias,
                });
            }
            let retired = LogAction::Retire(Remarked {
                model,
                version,
                text: text.clone(),
            });
            Ok((!known.is_retired(version)).then_some(retired))
        })
        .await
    }

    async fn record(
        &self,
        reference: &ModelRef,
        stamp: &Stamp,
        what: impl Fn(&RegistryState, ModelName, u32) -> Result<Option<LogAction>, RegistryError>,
    ) -> Result<RecordedRemark, RegistryError> {
        // Resolved once, because an alias may move meanwhile.
        let version = self.resolve(reference, None).await?;
        let decide = |state: Arc<RegistryState>| {
            let model = version.model.clone();
            let version = version.version;
            let recorded = RecordedRemark {
                model: model.clone(),
                version,
                entry: None,
            };
            ready(what(&state, model, version).map(|action| match action {
                Some(action) => AppendDecision::Append(action, recorded),
                None => AppendDecision::Leave(recorded),
            }))
        };
        let (recorded, entry) = Log::append(self.store(), stamp, decide).await?;
        Ok(RecordedRemark { entry, ..recorded })
    }
}

fn require_text(text: &str) -> Result<String, RegistryError> {
    let text = text.trim();
    if text.is_empty() {
        Err(RegistryError::NoReason)
    } else {
        Ok(text.to_owned())
    }
}
