//! Lists models, versions and their history.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::entry::{Approved, Collected, LogAction, LogEntry, Promoted, Remarked, RolledBack};
use super::error::RegistryError;
use super::log::Log;
use super::manifest::{ModelVersion, VersionOrigin};
use super::name::{Alias, ModelName};
use super::reference::ModelRef;
use super::registry::Registry;
use super::state::{ClockSetBack, Collection, RegisteredModel, set_back, until};
use pdm_core::content::Digest;
use pdm_core::scoring::Scorecard;

/// One model, in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelSummary {
    /// Name of the model.
    pub model: ModelName,
    /// Where its aliases point.
    pub aliases: BTreeMap<Alias, u32>,
    /// Its versions, oldest first.
    pub versions: Vec<VersionSummary>,
}

/// One version, in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VersionSummary {
    /// Number of the version.
    pub version: u32,
    /// Aliases that point to it.
    pub aliases: Vec<Alias>,
    /// Whether it was taken out of use.
    pub retired: bool,
    /// Whether its files were collected.
    pub collected: bool,
    /// Its bundle.
    pub bundle: Digest,
    /// Length of its files in bytes.
    pub bytes: u64,
    /// Where it comes from.
    pub origin: VersionOrigin,
}

/// The details of one version.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionDetail {
    /// What was registered.
    pub version: ModelVersion,
    /// Aliases that point to it.
    pub aliases: Vec<Alias>,
    /// Its scorecard; `None` if its files were collected.
    pub scorecard: Option<Scorecard>,
    /// When and by whom its files were collected, if they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected: Option<Collection>,
    /// Its history, oldest first.
    pub history: Vec<HistoryRow>,
}

/// One event in the history of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryRow {
    /// Number of the entry in the log.
    pub entry: u64,
    /// When.
    pub time: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: HistoryAction,
    /// Name of the model.
    pub model: ModelName,
    /// The alias that moved, if one did.
    pub alias: Option<Alias>,
    /// Version the alias pointed to before, if any.
    pub from: Option<u32>,
    /// Version that was registered, or that the alias pointed to afterwards.
    pub version: u32,
    /// The actor's reason.
    pub reason: String,
    /// Blob of the gate report that allowed it.
    pub report: Option<Digest>,
    /// Whether the gates were overridden.
    pub forced: bool,
}

/// The kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryAction {
    /// A version was added.
    Register,
    /// An alias was pointed to a version.
    Promote,
    /// An alias was pointed back.
    Rollback,
    /// A note was added.
    Annotate,
    /// A version was approved for an alias.
    Approve,
    /// A version was taken out of use.
    Retire,
    /// The files of a version were given up.
    Collect,
}

impl Registry {
    /// Lists models and versions, now or at a time.
    ///
    /// # Errors
    /// A damaged log, and errors of the store.
    pub async fn list(&self, at: Option<Timestamp>) -> Result<Vec<ModelSummary>, RegistryError> {
        Ok(self
            .state(at)
            .await?
            .models()
            .map(|(name, model)| ModelSummary::of(name, model))
            .collect())
    }

    /// Returns the version a reference points to, now or at a time.
    ///
    /// # Errors
    /// An unknown model, version or alias, a damaged log, and errors of the store.
    pub async fn resolve(
        &self,
        reference: &ModelRef,
        at: Option<Timestamp>,
    ) -> Result<ModelVersion, RegistryError> {
        self.state(at).await?.resolve(reference).cloned()
    }

    /// Shows one version with its scores and history.
    ///
    /// # Errors
    /// As [`Self::resolve`], and missing or damaged blobs of a version whose files are kept.
    pub async fn show(&self, reference: &ModelRef) -> Result<VersionDetail, RegistryError> {
        let log = Log::read(self.store()).await?;
        let version = log.state().resolve(reference)?.clone();
        let touches =
            |row: &HistoryRow| row.version == version.version || row.from == Some(version.version);
        let rows = log
            .entries()
            .iter()
            .flat_map(HistoryRow::of)
            .filter(|row| row.model == version.model);
        let history = rows.filter(touches).collect();
        let model = log.state().model(&version.model)?;
        let aliases = model.aliases_of(version.version);
        let collected = model.collection(version.version).cloned();
        let scorecard = match collected {
            Some(_) => None,
            None => Some(self.evidence(&version).await?.0),
        };
        Ok(VersionDetail {
            version,
            aliases,
            scorecard,
            collected,
            history,
        })
    }

    /// Returns the history of a model up to a time, oldest first; with an alias, only its moves.
    ///
    /// # Errors
    /// An unknown model or alias, a damaged log, and errors of the store.
    pub async fn history(
        &self,
        model: &ModelName,
        alias: Option<&Alias>,
        at: Option<Timestamp>,
    ) -> Result<Vec<HistoryRow>, RegistryError> {
        let log = Log::read(self.store()).await?;
        if let Some(alias) = alias {
            log.state()
                .resolve(&ModelRef::alias(model.clone(), alias.clone()))?;
        }
        log.state().model(model)?;
        let entries = at.map_or(log.entries(), |at| until(log.entries(), at));
        let rows = entries
            .iter()
            .flat_map(HistoryRow::of)
            .filter(|row| row.model == *model);
        Ok(rows
            .filter(|row| alias.is_none() || row.alias.as_ref() == alias)
            .collect())
    }
}

impl Registry {
    /// Returns the entries whose time is before that of an earlier entry, because of a slow clock. The order of the log decides what
    /// had happened at a time: everything before an entry that had happened had happened, too.
    ///
    /// # Errors
    /// A damaged log, and errors of the store.
    pub async fn clocks_set_back(&self) -> Result<Vec<ClockSetBack>, RegistryError> {
        Ok(set_back(Log::read(self.store()).await?.entries()))
    }
}

impl ModelSummary {
    fn of(name: &ModelName, model: &RegisteredModel) -> Self {
        let aliases = model
            .aliases()
            .map(|(alias, version)| (alias.clone(), version))
            .collect();
        let versions = model.versions().iter().map(|version| VersionSummary {
            version: version.version,
            aliases: model.aliases_of(version.version),
            retired: model.is_retired(version.version),
            collected: model.collection(version.version).is_some(),
            bundle: version.bundle,
            bytes: version.files.iter().map(|file| file.bytes).sum(),
            origin: version.origin.clone(),
        });
        Self {
            model: name.clone(),
            aliases,
            versions: versions.collect(),
        }
    }
}

impl HistoryRow {
    /// Returns the events of an entry, one for each version.
    fn of(entry: &LogEntry) -> Vec<Self> {
        let row = |action, model: &ModelName, version| Self {
            entry: entry.sequence,
            time: entry.time,
            actor: entry.actor.clone(),
            action,
            model: model.clone(),
            alias: None,
            from: None,
            version,
            reason: String::new(),
            report: None,
            forced: false,
        };
        let remark = |action, remarked: &Remarked| Self {
            reason: remarked.text.clone(),
            ..row(action, &remarked.model, remarked.version)
        };
        let row = match &entry.action {
            LogAction::Collect(Collected { versions }) => {
                return versions
                    .iter()
                    .map(|id| row(HistoryAction::Collect, &id.model, id.version))
                    .collect();
            }
            LogAction::Register(version) => Self {
                report: version.report,
                ..row(HistoryAction::Register, &version.model, version.version)
            },
            LogAction::Promote(Promoted {
                model,
                alias,
                from,
                to,
                reason,
                report,
                forced,
            }) => Self {
                alias: Some(alias.clone()),
                from: *from,
                reason: reason.clone(),
                report: *report,
                forced: *forced,
                ..row(HistoryAction::Promote, model, *to)
            },
            LogAction::Annotate(remarked) => remark(HistoryAction::Annotate, remarked),
            LogAction::Retire(remarked) => remark(HistoryAction::Retire, remarked),
            LogAction::Approve(Approved {
                model,
                version,
                alias,
                text,
            }) => Self {
                alias: Some(alias.clone()),
                reason: text.clone(),
                ..row(HistoryAction::Approve, model, *version)
            },
            LogAction::Rollback(RolledBack {
                model,
                alias,
                from,
                to,
                reason,
            }) => Self {
                alias: Some(alias.clone()),
                from: Some(*from),
                reason: reason.clone(),
                ..row(HistoryAction::Rollback, model, *to)
            },
        };
        vec![row]
    }
}
