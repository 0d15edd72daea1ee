//! What is said of a version: notes, approvals, and that it is out of use.

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

/// What was said, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedRemark {
    /// Name of the model.
    pub model: ModelName,
    /// The version.
    pub version: u32,
    /// Entry of the log; `None` where it had been said before.
    pub entry: Option<u64>,
}

impl Registry {
    /// Keeps a note about a version in the log.
    ///
    /// # Errors
    /// [`RegistryError::NoReason`] where it says nothing, an unknown model or version, and whatever the store answers.
    pub async fn annotate(
        &self,
        reference: &ModelRef,
        text: &str,
        stamp: &Stamp,
    ) -> Result<RecordedRemark, RegistryError> {
        let text = said(text)?;
        self.say(reference, stamp, |_, model, version| {
            Ok(Some(LogAction::Annotate(Remarked {
                model,
                version,
                text: text.clone(),
            })))
        })
        .await
    }

    /// Approves a version for an alias, in the name of who acts. Approving twice says no more than once.
    ///
    /// # Errors
    /// [`RegistryError::Retired`], an unknown model or version, and whatever the store answers.
    pub async fn approve(
        &self,
        reference: &ModelRef,
        alias: &Alias,
        text: &str,
        stamp: &Stamp,
    ) -> Result<RecordedRemark, RegistryError> {
        self.say(reference, stamp, |state, model, version| {
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
    /// whatever the store answers.
    pub async fn retire(
        &self,
        reference: &ModelRef,
        text: &str,
        stamp: &Stamp,
    ) -> Result<RecordedRemark, RegistryError> {
        let text = said(text)?;
        self.say(reference, stamp, |state, model, version| {
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

    async fn say(
        &self,
        reference: &ModelRef,
        stamp: &Stamp,
        what: impl Fn(&RegistryState, ModelName, u32) -> Result<Option<LogAction>, RegistryError>,
    ) -> Result<RecordedRemark, RegistryError> {
        // The version that was meant when it was said; an alias may move meanwhile.
        let version = self.resolve(reference, None).await?;
        let decide = |state: Arc<RegistryState>| {
            let (model, version) = (version.model.clone(), version.version);
            let said = RecordedRemark {
                model: model.clone(),
                version,
                entry: None,
            };
            ready(what(&state, model, version).map(|action| match action {
                Some(action) => AppendDecision::Append(action, said),
                None => AppendDecision::Leave(said),
            }))
        };
        let (said, entry) = Log::append(self.store(), stamp, decide).await?;
        Ok(RecordedRemark { entry, ..said })
    }
}

fn said(text: &str) -> Result<String, RegistryError> {
    let text = text.trim();
    if text.is_empty() {
        Err(RegistryError::NoReason)
    } else {
        Ok(text.to_owned())
    }
}
