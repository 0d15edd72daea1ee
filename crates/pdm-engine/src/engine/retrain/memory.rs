use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::EngineError;
use super::super::storeroom::Storeroom;
use pdm_core::content::Digest;
use pdm_store::registry::{Done, HistoryRow, ModelVersion};

/// What the registry's log tells of earlier nights.
#[derive(Debug)]
pub(crate) struct Memory {
    champion: Option<ModelVersion>,
    versions: Vec<ModelVersion>,
    rows: Vec<HistoryRow>,
}

impl Memory {
    /// Reads the log of the pipeline's model; there may be none yet.
    pub(crate) fn read(storeroom: &Storeroom) -> Result<Self, EngineError> {
        let state = storeroom.state()?;
        let champion = state.current(&storeroom.model, &storeroom.alias).cloned();
        let Ok(model) = state.model(&storeroom.model) else {
            return Ok(Self { champion, versions: Vec::new(), rows: Vec::new() });
        };
        let rows = storeroom.registry.history(&storeroom.model, None, None)?;
        Ok(Self { champion, versions: model.versions().to_vec(), rows })
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
        let registered = self.rows.iter().find(|row| row.action == Done::Register && row.version == version)?;
        Some(now.duration_since(registered.time))
    }

    /// Returns the newest version that was promoted once, or whose note says why it was not.
    pub(crate) fn last_judged(&self) -> Option<&ModelVersion> {
        self.versions.iter().rev().find(|version| self.is_judged(version.version))
    }

    /// Returns the newest judged version that learnt from these data.
    pub(crate) fn judged_on(&self, data: Digest) -> Option<&ModelVersion> {
        self.versions.iter().rev().find(|version| version.origin.data == data && self.is_judged(version.version))
    }

    /// Returns the judged versions before another, newest first, one for each training file.
    pub(crate) fn judged_before<'a>(&'a self, other: &'a ModelVersion) -> impl Iterator<Item = &'a ModelVersion> {
        let mut data = BTreeSet::from([other.origin.data]);
        let before = self.versions.iter().rev().filter(|version| version.version < other.version);
        before.filter(|version| self.is_judged(version.version)).filter(move |version| data.insert(version.origin.data))
    }

    fn is_judged(&self, version: u32) -> bool {
        self.rows.iter().any(|row| {
            let noted = row.action == Done::Annotate && is_verdict(&row.reason);
            row.version == version && (noted || row.action == Done::Promote)
        })
    }

    /// Returns what came of a recipe against the champion of today, where it was judged already.
    pub(crate) fn decided(&self, recipe: Digest) -> Option<&HistoryRow> {
        let champion = self.champion.as_ref().map(|champion| champion.version);
        let (noted, promoted) = (note(recipe, champion), reason(recipe));
        self.rows.iter().rev().find(|row| match row.action {
            Done::Annotate => row.reason.starts_with(&noted),
            Done::Promote => Some(row.version) == champion && row.reason.starts_with(&promoted),
            Done::Register | Done::Rollback | Done::Approve | Done::Retire | Done::Collect => false,
        })
    }

    /// Returns whether something was said of a version before.
    pub(crate) fn was_said(&self, version: u32, beginning: &str) -> bool {
        let mut notes = self.rows.iter().filter(|row| row.action == Done::Annotate && row.version == version);
        notes.any(|row| row.reason.starts_with(beginning))
    }
}

/// Returns whether a note says why a version was not promoted, as [`note`] begins.
fn is_verdict(text: &str) -> bool {
    text.starts_with(NIGHT) && text.split(' ').nth(2) == Some(AGAINST)
}

/// How everything begins that the night job writes into the log.
const NIGHT: &str = "retrain ";
const AGAINST: &str = "against";

/// Returns how the reason of a promotion begins.
pub(super) fn reason(recipe: Digest) -> String {
    format!("{NIGHT}{}:", recipe.short())
}

/// Returns how the note begins that says why a version was not promoted.
pub(super) fn note(recipe: Digest, champion: Option<u32>) -> String {
    let champion = champion.map_or("nobody".to_owned(), |champion| format!("v{champion}"));
    format!("{NIGHT}{} {AGAINST} {champion}:", recipe.short())
}
