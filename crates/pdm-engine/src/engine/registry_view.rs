use std::sync::Once;

use super::{Context, EngineError, catalog, policy};
use crate::config::PipelineSpec;
use crate::pipeline::gate::{AliasHolder, Defender};
use pdm_core::content::Digest;
use pdm_store::registry::blocking::Registry;
use pdm_store::registry::{
    Alias, AliasPolicy, HistoryAction, ModelName, ModelVersion, Policy, RegistryState,
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

/// The registry as one pipeline sees it: its model and the alias its gates guard.
#[derive(Debug)]
pub(super) struct RegistryView {
    pub(super) registry: Registry,
    pub(super) model: ModelName,
    pub(super) alias: Alias,
    /// What the project asks for before the alias moves.
    pub(super) policy: AliasPolicy,
}

impl RegistryView {
    pub(super) fn open(context: &Context, spec: &PipelineSpec) -> Result<Self, EngineError> {
        let alias = spec.registry.alias()?;
        let policy = policy::read(&context.root)?;
        let registry = context.registry(&spec.registry)?;
        tell_of_unknown_aliases(context, &policy, &registry, &alias);
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

    /// Returns what a tracking server is to show of the registry.
    pub(super) fn catalog(&self) -> Result<Catalog, EngineError> {
        Ok(catalog::of(&self.state()?))
    }

    /// Returns the version the alias points to.
    pub(super) fn champion(&self) -> Result<Option<ModelVersion>, EngineError> {
        Ok(self.state()?.current(&self.model, &self.alias).cloned())
    }

    /// Returns the version with this bundle and these scores whose files are kept.
    pub(super) fn version_of(&self, model: Judgeable) -> Result<Option<ModelVersion>, EngineError> {
        let state = self.state()?;
        let Ok(known) = state.model(&self.model) else {
            return Ok(None);
        };
        let mut kept = known
            .versions()
            .iter()
            .filter(|version| known.collection(version.version).is_none());
        Ok(kept.find(|version| model.is(version)).cloned())
    }

    /// Returns who holds the alias when a model is judged. The champion itself has nobody to beat.
    pub(super) fn holder(&self, model: Judgeable) -> Result<AliasHolder, EngineError> {
        Ok(match self.champion()? {
            None => AliasHolder::Nobody,
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

    /// Returns the version, if any, with this bundle that was taken away from the alias by a rollback and not put back.
    ///
    /// A nightly job must not bring back by itself what a person took away.
    pub(super) fn rolled_back(&self, bundle: Digest) -> Result<Option<u32>, EngineError> {
        let state = self.state()?;
        if state.current(&self.model, &self.alias).is_none() {
            return Ok(None);
        }
        let versions = state
            .model(&self.model)?
            .versions()
            .iter()
            .filter(|version| version.bundle == bundle);
        let history = self
            .registry
            .history(&self.model, Some(&self.alias), None)?;
        let taken_away = |number: u32| {
            let moves = history.iter().rev().filter(|row| {
                matches!(row.action, HistoryAction::Promote | HistoryAction::Rollback)
            });
            let last = moves
                .into_iter()
                .find(|row| row.from == Some(number) || row.version == number);
            last.is_some_and(|row| {
                row.action == HistoryAction::Rollback && row.from == Some(number)
            })
        };
        Ok(versions
            .map(|version| version.version)
            .find(|number| taken_away(*number)))
    }
}

/// Tells of aliases that the policy guards and nobody has, once: a slip in a name guards nothing.
fn tell_of_unknown_aliases(context: &Context, policy: &Policy, registry: &Registry, alias: &Alias) {
    static TOLD: Once = Once::new();
    let others: Vec<_> = policy.aliases().filter(|known| *known != alias).collect();
    if others.is_empty() || TOLD.is_completed() {
        return;
    }
    // What is wrong with a registry is told by whoever needs it.
    let Ok(state) = registry.state(None) else {
        return;
    };
    let has = |wanted: &Alias| {
        state
            .models()
            .any(|(_, model)| model.current(wanted).is_some())
    };
    TOLD.call_once(|| {
        for unknown in others.into_iter().filter(|other| !has(other)) {
            context.reporter.note(format!(
                "`registry/*.toml` has a table [alias.{unknown}], and no version in the registry is `{unknown}`; this pipeline moves \
                 `{alias}`"
            ));
        }
    });
}
