//! What the registry's log says about earlier retrainings.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::EngineError;
use crate::engine::registry_view::RegistryView;
use pdm_core::content::Digest;
use pdm_store::registry::{HistoryAction, HistoryRow, ModelVersion};

/// The log of the pipeline's model, with its champion and versions.
#[derive(Debug)]
pub(crate) struct RegistryHistory {
    champion: Option<ModelVersion>,
    versions: Vec<ModelVersion>,
    rows: Vec<HistoryRow>,
}

impl RegistryHistory {
    /// Reads the log of the pipeline's model; there may be none yet.
    pub(crate) fn read(view: &RegistryView) -> Result<Self, EngineError> {
        let state = view.state()?;
        let champion = state.current(&view.model, &view.alias).cloned();
        let Ok(model) = state.model(&view.model) else {
            return Ok(Self {
                champion,
                versions: Vec::new(),
                rows: Vec::new(),
            });
        };
        let rows = view.registry.history(&view.model, None, None)?;
        Ok(Self {
            champion,
            versions: model.versions().to_vec(),
            rows,
        })
    }

    pub(crate) fn champion(&self) -> Option<&ModelVersion> {
        self.champion.as_ref()
    }

    /// Returns the time of the newest entry.
    pub(crate) fn last_entry(&self) -> Option<Timestamp> {
        self.rows.iter().map(|row| row.time).max()
    }

    /// Returns how long ago the champion's version was registered.
    pub(crate) fn champion_age(&self, now: Timestamp) -> Option<SignedDuration> {
        let version = self.champion.as_ref()?.version;
        let registered = self
            .rows
            .iter()
            .find(|row| row.action == HistoryAction::Register && row.version == version)?;
        Some(now.duration_since(registered.time))
    }

    /// Returns the version that was judged last, by the order of the log: an older version may be judged again. A version that a
    /// person promotes again by hand does not count, for that judges no data.
    pub(crate) fn last_judged(&self) -> Option<&ModelVersion> {
        let mut known = BTreeSet::new();
        let mut last = None;
        for row in self.rows.iter().filter(|row| judges(row)) {
            if known.insert(row.version) || is_of_retrain(row) {
                last = Some(row.version);
            }
        }
        let last = last?;
        self.versions.iter().find(|version| version.version == last)
    }

    /// Returns the judged versions before another, newest first, one for each training file.
    pub(crate) fn judged_before<'a>(
        &'a self,
        other: &'a ModelVersion,
    ) -> impl Iterator<Item = &'a ModelVersion> {
        let mut data = BTreeSet::from([other.origin.data]);
        let before = self
            .versions
            .iter()
            .rev()
            .filter(|version| version.version < other.version);
        before
            .filter(|version| self.is_judged(version.version))
            .filter(move |version| data.insert(version.origin.data))
    }

    fn is_judged(&self, version: u32) -> bool {
        self.rows
            .iter()
            .any(|row| row.version == version && judges(row))
    }

    /// Returns the entry that says what was decided about a recipe against the current champion, where it was judged already.
    pub(crate) fn decided(&self, recipe: Digest) -> Option<&HistoryRow> {
        let champion = self.champion.as_ref().map(|champion| champion.version);
        let noted = note(recipe, champion);
        let promoted = reason(recipe);
        self.rows.iter().rev().find(|row| match row.action {
            HistoryAction::Annotate => row.reason.starts_with(&noted),
            HistoryAction::Promote => {
                Some(row.version) == champion && row.reason.starts_with(&promoted)
            }
            HistoryAction::Register
            | HistoryAction::Rollback
            | HistoryAction::Approve
            | HistoryAction::Retire
            | HistoryAction::Collect => false,
        })
    }

    /// Returns whether a version has a note with this beginning.
    pub(crate) fn has_note(&self, version: u32, beginning: &str) -> bool {
        let mut notes = self
            .rows
            .iter()
            .filter(|row| row.action == HistoryAction::Annotate && row.version == version);
        notes.any(|row| row.reason.starts_with(beginning))
    }
}

/// Returns whether an entry promotes a version, or says why it was not promoted.
fn judges(row: &HistoryRow) -> bool {
    row.action == HistoryAction::Promote
        || (row.action == HistoryAction::Annotate && is_verdict(&row.reason))
}

/// Returns whether `retrain` wrote an entry.
fn is_of_retrain(row: &HistoryRow) -> bool {
    row.reason.starts_with(PREFIX)
}

/// Returns whether a note says why a version was not promoted, as [`note`] begins.
fn is_verdict(text: &str) -> bool {
    text.starts_with(PREFIX) && text.split(' ').nth(2) == Some(AGAINST)
}

/// The beginning of every text that `retrain` writes to the log. These texts are parsed again, also those of earlier releases.
const PREFIX: &str = "retrain ";
const AGAINST: &str = "against";

/// Returns the beginning of the reason for a promotion.
pub(super) fn reason(recipe: Digest) -> String {
    format!("{PREFIX}{}:", recipe.short())
}

/// Returns the beginning of the note that says why a version was not promoted.
pub(super) fn note(recipe: Digest, champion: Option<u32>) -> String {
    let champion = match champion {
        Some(champion) => format!("v{champion}"),
        None => "nobody".to_owned(),
    };
    format!("{PREFIX}{} {AGAINST} {champion}:", recipe.short())
}
