//! The registry as one pipeline uses it: its model and its alias.

use std::sync::Once;

use super::{Context, EngineError, catalog, policy};
use crate::config::PipelineSpec;
use crate::pipeline::gate::{AliasHolder, Defender};
use pdm_core::content::Digest;
use pdm_store::registry::blocking::Registry;
use pdm_store::registry::{
    Alias, AliasPolicy, HistoryAction, HistoryRow, ModelName, ModelVersion, Policy, RegistryState,
};
use pdm_tracking::tracking::Catalog;

/// A bundle with its scores: what a version is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgeable {
    pub(super) bundle: Digest,
    pub(super) scorecard: Digest,
}

impl Judgeable {
    /// Returns whether a version was registered with this bundle and these scores.
    pub(super) fn is(self, version: &ModelVersion) -> bool {
        (self.bundle, self.scorecard) == (version.bundle, version.scorecard)
    }
}

/// The registry as one pipeline uses it: its model and the alias that its gates guard.
#[derive(Debug)]
pub(super) struct RegistryView {
    pub(super) registry: Registry,
    pub(super) model: ModelName,
    pub(super) alias: Alias,
    /// What the project requires before the alias moves.
    pub(super) policy: AliasPolicy,
}

impl RegistryView {
    pub(super) fn open(context: &Context, spec: &PipelineSpec) -> Result<Self, EngineError> {
        let alias = spec.registry.alias()?;
        let policy = policy::read(&context.root)?;
        let registry = context.registry(&spec.registry)?;
        note_unknown_aliases(context, &policy, &registry, &alias);
        let model = spec.registry.model_name(&spec.project.name)?;
        Ok(Self {
            policy: policy.of(&alias),
            registry,
            model,
            alias,
        })
    }

    pub(super) fn state(&self) -> Result<RegistryState, EngineError> {
        Ok(self.registry.state(None)?)
    }

    /// Returns the registry as a tracking server shows it.
    pub(super) fn catalog(&self) -> Result<Catalog, EngineError> {
        Ok(catalog::catalog_of(&self.state()?))
    }

    /// Returns the version the alias points to.
    pub(super) fn champion(&self) -> Result<Option<ModelVersion>, EngineError> {
        Ok(self.state()?.current(&self.model, &self.alias).cloned())
    }

    /// Returns the version with this bundle and these scores whose files still exist.
    pub(super) fn version_of(&self, model: Judgeable) -> Result<Option<ModelVersion>, EngineError> {
        let state = self.state()?;
        let Ok(known) = state.model(&self.model) else {
            return Ok(None);
        };
        let version = known
            .versions()
            .iter()
            .find(|version| model.is(version) && known.collection(version.version).is_none());
        Ok(version.cloned())
    }

    /// Returns the holder of the alias when a model is judged. The champion is not compared with itself.
    pub(super) fn holder(&self, model: Judgeable) -> Result<AliasHolder, EngineError> {
        Ok(match self.champion()? {
            None => AliasHolder::NoVersion,
            Some(champion) if model.is(&champion) => AliasHolder::Itself(Box::new(champion)),
            Some(champion) => AliasHolder::Version(Box::new(champion)),
        })
    }

    /// Returns what a version was registered with, for a comparison.
    pub(super) fn defender(&self, version: &ModelVersion) -> Result<Defender, EngineError> {
        let (scorecard, predictions) = self.registry.evidence(version)?;
        Ok(Defender {
            version: version.version,
            bundle: version.bundle,
            scorecard,
            predictions,
        })
    }

    /// Returns the version with this bundle, if any, that a rollback took from the alias and that was not promoted again.
    ///
    /// A scheduled job must not promote again on its own what a person rolled back.
    pub(super) fn rolled_back(&self, bundle: Digest) -> Result<Option<u32>, EngineError> {
        let state = self.state()?;
        if state.current(&self.model, &self.alias).is_none() {
            return Ok(None);
        }
        let history = self
            .registry
            .history(&self.model, Some(&self.alias), None)?;
        for version in state.model(&self.model)?.versions() {
            if version.bundle == bundle && was_rolled_back(version.version, &history) {
                return Ok(Some(version.version));
            }
        }
        Ok(None)
    }
}

/// Returns whether the last move of an alias to or from a version was a rollback from it.
fn was_rolled_back(number: u32, history: &[HistoryRow]) -> bool {
    let last = history.iter().rev().find(|row| {
        matches!(row.action, HistoryAction::Promote | HistoryAction::Rollback)
            && (row.from == Some(number) || row.version == number)
    });
    last.is_some_and(|row| row.action == HistoryAction::Rollback && row.from == Some(number))
}

/// Notes, once, aliases of the policy that no version has: a misspelt alias protects nothing.
fn note_unknown_aliases(context: &Context, policy: &Policy, registry: &Registry, alias: &Alias) {
    static NOTED: Once = Once::new();
    let others: Vec<_> = policy.aliases().filter(|known| *known != alias).collect();
    if others.is_empty() || NOTED.is_completed() {
        return;
    }
    // An unreadable registry is reported by what needs it.
    let Ok(state) = registry.state(None) else {
        return;
    };
    let has = |wanted: &Alias| {
        state
            .models()
            .any(|(_, model)| model.current(wanted).is_some())
    };
    NOTED.call_once(|| {
        for unknown in others.into_iter().filter(|other| !has(other)) {
            context.reporter.note(format!(
                "`registry/*.toml` has a table [alias.{unknown}], but no version in the registry has the alias `{unknown}`; this \
                 pipeline moves `{alias}`"
            ));
        }
    });
}
