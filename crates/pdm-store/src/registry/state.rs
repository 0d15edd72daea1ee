//! The state that the entries of the log result in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::entry::{Approved, Collected, LogAction, LogEntry, Promoted, Remarked, RolledBack};
use super::error::RegistryError;
use super::manifest::{ModelVersion, VersionId};
use super::name::{Alias, ModelName};
use super::reference::{ModelRef, Target};
use pdm_core::content::Digest;

/// The state of a registry: versions, and where the aliases point.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RegistryState {
    models: BTreeMap<ModelName, RegisteredModel>,
}

/// One model: its versions and aliases.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RegisteredModel {
    versions: Vec<ModelVersion>,
    aliases: BTreeMap<Alias, Pointer>,
    /// Who approved which version for which alias.
    approvals: BTreeMap<(u32, Alias), BTreeSet<String>>,
    /// Versions that were taken out of use.
    retired: BTreeMap<u32, Retirement>,
    /// Gate reports that a version was promoted with.
    reports: BTreeMap<u32, BTreeSet<Digest>>,
    collected: BTreeMap<u32, Collection>,
}

/// When a version was taken out of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retirement {
    /// Number of the entry in the log.
    pub(crate) entry: u64,
    /// When, by the actor's clock.
    pub(crate) time: Timestamp,
}

/// When and by whom the files of a version were given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Collection {
    /// Number of the entry in the log.
    pub entry: u64,
    /// When.
    pub time: Timestamp,
    /// Who did it.
    pub actor: String,
}

/// Where an alias points, with the earlier versions that rolling back returns to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pointer {
    current: u32,
    below: Vec<u32>,
}

/// An entry that does not follow from the state before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StateError {
    #[error("it registers version {found} of `{model}`, but the next one is {expected}")]
    OutOfOrder {
        model: ModelName,
        expected: u32,
        found: u32,
    },
    #[error("it points `{model}@{alias}` to version {version}, which was never registered")]
    NoSuchVersion {
        model: ModelName,
        alias: Alias,
        version: u32,
    },
    #[error("it moves `{model}@{alias}` away from {from}, which it does not point to")]
    NotThere {
        model: ModelName,
        alias: Alias,
        from: String,
    },
    #[error("it rolls `{model}@{alias}` back to version {to}, which it did not point to before")]
    NotBefore {
        model: ModelName,
        alias: Alias,
        to: u32,
    },
    #[error("it refers to version {version} of `{model}`, which was never registered")]
    Unregistered { model: ModelName, version: u32 },
    #[error("it retires version {version} of `{model}`, which `{alias}` points to")]
    InUse {
        model: ModelName,
        version: u32,
        alias: Alias,
    },
    #[error("it points `{model}@{alias}` to version {version}, which is retired")]
    Retired {
        model: ModelName,
        alias: Alias,
        version: u32,
    },
    #[error("it collects the files of version {version} of `{model}`, which is not retired")]
    NotRetired { model: ModelName, version: u32 },
}

impl RegistryState {
    /// Folds entries into the state they result in.
    ///
    /// # Errors
    /// The first entry that does not follow from those before it.
    pub(crate) fn fold<'a>(
        entries: impl IntoIterator<Item = &'a LogEntry>,
    ) -> Result<Self, StateError> {
        let mut state = Self::default();
        entries
            .into_iter()
            .try_for_each(|entry| state.apply(entry))?;
        Ok(state)
    }

    /// Applies one entry; the state stays unchanged if the entry does not follow from it.
    pub(crate) fn apply(&mut self, entry: &LogEntry) -> Result<(), StateError> {
        match &entry.action {
            LogAction::Register(version) => self.register(version),
            LogAction::Promote(promoted) => self.promote(promoted),
            LogAction::Rollback(rolled_back) => self.roll_back(rolled_back),
            LogAction::Annotate(remarked) => {
                self.registered(&remarked.model, remarked.version).map(drop)
            }
            LogAction::Approve(approved) => self.approve(approved, &entry.actor),
            LogAction::Retire(remarked) => self.retire(
                remarked,
                Retirement {
                    entry: entry.sequence,
                    time: entry.time,
                },
            ),
            LogAction::Collect(collected) => self.collect(collected, entry),
        }
    }

    /// Returns the models, in order of name.
    pub fn models(&self) -> impl Iterator<Item = (&ModelName, &RegisteredModel)> {
        self.models.iter()
    }

    /// Returns a model.
    ///
    /// # Errors
    /// [`RegistryError::UnknownModel`].
    pub fn model(&self, name: &ModelName) -> Result<&RegisteredModel, RegistryError> {
        self.models
            .get(name)
            .ok_or_else(|| RegistryError::UnknownModel {
                model: name.clone(),
                known: join_names(self.models.keys()),
            })
    }

    /// Returns the version a reference points to.
    ///
    /// # Errors
    /// [`RegistryError::UnknownModel`], [`RegistryError::UnknownVersion`] or [`RegistryError::UnknownAlias`].
    pub fn resolve(&self, reference: &ModelRef) -> Result<&ModelVersion, RegistryError> {
        let name = &reference.model;
        let model = self.model(name)?;
        let version = match &reference.target {
            Target::Version(version) => *version,
            Target::Latest => model.newest(),
            Target::Alias(alias) => {
                model
                    .current(alias)
                    .ok_or_else(|| RegistryError::UnknownAlias {
                        model: name.clone(),
                        alias: alias.clone(),
                        known: join_names(model.aliases.keys()),
                    })?
            }
        };
        model
            .version(version)
            .ok_or_else(|| RegistryError::UnknownVersion {
                model: name.clone(),
                version,
                newest: model.newest(),
            })
    }

    /// Returns the version an alias points to; `None` if the model or the alias is not known.
    pub fn current(&self, model: &ModelName, alias: &Alias) -> Option<&ModelVersion> {
        let model = self.models.get(model)?;
        model.version(model.current(alias)?)
    }

    /// Returns the version of a model with this bundle and scorecard whose files are kept.
    pub(crate) fn same(
        &self,
        model: &ModelName,
        bundle: Digest,
        scorecard: Digest,
    ) -> Option<&ModelVersion> {
        let known = self.models.get(model)?;
        let mut kept = known
            .versions
            .iter()
            .filter(|version| known.collection(version.version).is_none());
        kept.find(|version| version.bundle == bundle && version.scorecard == scorecard)
    }

    /// Returns the number that the next version of a model gets.
    pub(crate) fn next_version(&self, model: &ModelName) -> u32 {
        self.models.get(model).map_or(0, RegisteredModel::newest) + 1
    }

    fn register(&mut self, version: &ModelVersion) -> Result<(), StateError> {
        let expected = self.next_version(&version.model);
        if version.version != expected {
            let model = version.model.clone();
            let found = version.version;
            return Err(StateError::OutOfOrder {
                model,
                expected,
                found,
            });
        }
        self.models
            .entry(version.model.clone())
            .or_default()
            .versions
            .push(version.clone());
        Ok(())
    }

    fn promote(&mut self, promoted: &Promoted) -> Result<(), StateError> {
        let Promoted {
            model,
            alias,
            from,
            to,
            ..
        } = promoted;
        let absent = || StateError::NoSuchVersion {
            model: model.clone(),
            alias: alias.clone(),
            version: *to,
        };
        let known = self
            .models
            .get_mut(model)
            .filter(|known| known.version(*to).is_some())
            .ok_or_else(absent)?;
        if known.current(alias) != *from {
            let from = from.map_or("nowhere".to_owned(), |from| format!("version {from}"));
            return Err(StateError::NotThere {
                model: model.clone(),
                alias: alias.clone(),
                from,
            });
        }
        if known.is_retired(*to) {
            return Err(StateError::Retired {
                model: model.clone(),
                alias: alias.clone(),
                version: *to,
            });
        }
        known.point(alias, *to);
        known
            .reports
            .entry(*to)
            .or_default()
            .extend(promoted.report);
        Ok(())
    }

    fn registered(
        &mut self,
        model: &ModelName,
        version: u32,
    ) -> Result<&mut RegisteredModel, StateError> {
        let known = self
            .models
            .get_mut(model)
            .filter(|known| known.version(version).is_some());
        known.ok_or_else(|| StateError::Unregistered {
            model: model.clone(),
            version,
        })
    }

    fn approve(&mut self, approved: &Approved, actor: &str) -> Result<(), StateError> {
        let known = self.registered(&approved.model, approved.version)?;
        let approvals = known
            .approvals
            .entry((approved.version, approved.alias.clone()))
            .or_default();
        approvals.insert(actor.to_owned());
        Ok(())
    }

    fn retire(&mut self, remarked: &Remarked, retirement: Retirement) -> Result<(), StateError> {
        let model = &remarked.model;
        let version = remarked.version;
        let known = self.registered(model, version)?;
        if let Some(alias) = known.aliases_of(version).into_iter().next() {
            return Err(StateError::InUse {
                model: model.clone(),
                version,
                alias,
            });
        }
        known.retired.entry(version).or_insert(retirement);
        Ok(())
    }

    fn collect(&mut self, collected: &Collected, entry: &LogEntry) -> Result<(), StateError> {
        for VersionId { model, version } in &collected.versions {
            if !self.registered(model, *version)?.is_retired(*version) {
                return Err(StateError::NotRetired {
                    model: model.clone(),
                    version: *version,
                });
            }
        }
        let collection = Collection {
            entry: entry.sequence,
            time: entry.time,
            actor: entry.actor.clone(),
        };
        for VersionId { model, version } in &collected.versions {
            let known = self.registered(model, *version)?;
            known
                .collected
                .entry(*version)
                .or_insert_with(|| collection.clone());
        }
        Ok(())
    }

    fn roll_back(&mut self, rolled_back: &RolledBack) -> Result<(), StateError> {
        let RolledBack {
            model,
            alias,
            from,
            to,
            ..
        } = rolled_back;
        let is_retired = self
            .models
            .get(model)
            .is_some_and(|known| known.is_retired(*to));
        let pointer = self
            .models
            .get_mut(model)
            .and_then(|known| known.aliases.get_mut(alias));
        let pointer = pointer
            .filter(|pointer| pointer.current == *from)
            .ok_or_else(|| StateError::NotThere {
                model: model.clone(),
                alias: alias.clone(),
                from: format!("version {from}"),
            })?;
        if pointer.below.last() != Some(to) {
            return Err(StateError::NotBefore {
                model: model.clone(),
                alias: alias.clone(),
                to: *to,
            });
        }
        if is_retired {
            return Err(StateError::Retired {
                model: model.clone(),
                alias: alias.clone(),
                version: *to,
            });
        }
        pointer.below.pop();
        pointer.current = *to;
        Ok(())
    }
}

impl RegisteredModel {
    /// Returns the versions, oldest first; version 1 comes first.
    pub fn versions(&self) -> &[ModelVersion] {
        &self.versions
    }

    /// Returns the aliases and the versions they point to, in order of name.
    pub fn aliases(&self) -> impl Iterator<Item = (&Alias, u32)> {
        self.aliases
            .iter()
            .map(|(alias, pointer)| (alias, pointer.current))
    }

    /// Returns the version with this number.
    pub fn version(&self, version: u32) -> Option<&ModelVersion> {
        self.versions
            .get(usize::try_from(version.checked_sub(1)?).ok()?)
    }

    /// Returns the version an alias points to.
    pub fn current(&self, alias: &Alias) -> Option<u32> {
        self.aliases.get(alias).map(|pointer| pointer.current)
    }

    /// Returns the version that rolling the alias back would return to.
    pub fn before(&self, alias: &Alias) -> Option<u32> {
        self.aliases.get(alias)?.below.last().copied()
    }

    /// Returns the aliases that point to a version, in order of name.
    pub fn aliases_of(&self, version: u32) -> Vec<Alias> {
        self.aliases()
            .filter(|(_, current)| *current == version)
            .map(|(alias, _)| alias.clone())
            .collect()
    }

    /// Returns who approved a version for an alias, in order of name.
    pub fn approvals(&self, version: u32, alias: &Alias) -> impl Iterator<Item = &String> {
        self.approvals
            .get(&(version, alias.clone()))
            .into_iter()
            .flatten()
    }

    /// Returns whether a version was taken out of use.
    pub fn is_retired(&self, version: u32) -> bool {
        self.retired.contains_key(&version)
    }

    /// Returns when a version was taken out of use.
    pub(crate) fn retirement(&self, version: u32) -> Option<Retirement> {
        self.retired.get(&version).copied()
    }

    /// Returns when and by whom the files of a version were given up; `None` if they are kept.
    pub fn collection(&self, version: u32) -> Option<&Collection> {
        self.collected.get(&version)
    }

    /// Returns every blob a version needs: those it was registered with, and the gate reports it was promoted with.
    pub(crate) fn blobs(&self, version: &ModelVersion) -> impl Iterator<Item = Digest> {
        version.blobs().chain(
            self.reports
                .get(&version.version)
                .into_iter()
                .flatten()
                .copied(),
        )
    }

    /// Refuses a version that was taken out of use.
    pub(crate) fn require_in_use(
        &self,
        model: &ModelName,
        version: u32,
    ) -> Result<(), RegistryError> {
        if self.is_retired(version) {
            return Err(RegistryError::Retired {
                model: model.clone(),
                version,
            });
        }
        Ok(())
    }

    fn newest(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    fn point(&mut self, alias: &Alias, to: u32) {
        match self.aliases.get_mut(alias) {
            Some(pointer) => pointer
                .below
                .push(std::mem::replace(&mut pointer.current, to)),
            None => {
                _ = self.aliases.insert(
                    alias.clone(),
                    Pointer {
                        current: to,
                        below: Vec::new(),
                    },
                )
            }
        }
    }
}

/// Returns the entries that had happened at a time.
///
/// Clocks of different actors may differ; the order of the log decides, so everything before an entry that had happened
/// had happened too.
pub(crate) fn until(entries: &[LogEntry], time: Timestamp) -> &[LogEntry] {
    let happened = entries
        .iter()
        .rposition(|entry| entry.time <= time)
        .map_or(0, |last| last + 1);
    &entries[..happened]
}

/// An entry whose time is before that of an earlier entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClockSetBack {
    /// The entry.
    pub entry: u64,
    /// When it happened by its actor's clock.
    pub time: Timestamp,
    /// The earlier entry with the later time.
    pub after: u64,
    /// When that one happened by its actor's clock.
    pub after_time: Timestamp,
}

/// Difference of clocks that is not reported.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(2);

/// Returns the entries whose time is before that of an earlier entry, in order.
pub(crate) fn set_back(entries: &[LogEntry]) -> Vec<ClockSetBack> {
    let mut found = Vec::new();
    let mut latest: Option<&LogEntry> = None;
    for entry in entries {
        match latest {
            Some(before) if before.time.duration_since(entry.time) > TOLERANCE => {
                found.push(ClockSetBack {
                    entry: entry.sequence,
                    time: entry.time,
                    after: before.sequence,
                    after_time: before.time,
                })
            }
            Some(before) if before.time >= entry.time => {}
            Some(_) | None => latest = Some(entry),
        }
    }
    found
}

fn join_names<T: ToString>(names: impl Iterator<Item = T>) -> String {
    let names: Vec<_> = names.map(|name| name.to_string()).collect();
    if names.is_empty() {
        "none yet".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::registry::samples::{champion, model, stamp, version};

    fn registered(number: u32) -> LogAction {
        let new = version("a", 1.0);
        let (scorecard, predictions) = (Digest::of("card"), new.scorecard.predictions_digest);
        LogAction::Register(Box::new(ModelVersion {
            model: new.model,
            version: number,
            bundle: new.bundle,
            files: Vec::new(),
            scorecard,
            predictions,
            report: None,
            origin: new.origin,
            copied: None,
            signatures: Vec::new(),
        }))
    }

    fn promoted(from: Option<u32>, to: u32) -> LogAction {
        let (model, alias, reason) = (model(), champion(), String::new());
        LogAction::Promote(Promoted {
            model,
            alias,
            from,
            to,
            reason,
            report: None,
            forced: true,
        })
    }

    fn rolled_back(from: u32, to: u32) -> LogAction {
        LogAction::Rollback(RolledBack {
            model: model(),
            alias: champion(),
            from,
            to,
            reason: String::new(),
        })
    }

    fn entry(sequence: u64, minute: i64, action: LogAction) -> LogEntry {
        let stamp = stamp(minute);
        let (time, actor) = (stamp.time, stamp.actor);
        LogEntry {
            format: 1,
            registry: None,
            sequence,
            previous: LogEntry::root(),
            time,
            actor,
            action,
            signature: None,
        }
    }

    fn actions() -> impl Strategy<Value = Vec<LogAction>> {
        let action = prop_oneof![
            (1..6_u32).prop_map(registered),
            (proptest::option::of(1..6_u32), 1..6_u32).prop_map(|(from, to)| promoted(from, to)),
            (1..6_u32, 1..6_u32).prop_map(|(from, to)| rolled_back(from, to)),
        ];
        prop::collection::vec(action, 0..200)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn aliases_point_to_versions_that_exist_and_folding_again_gives_the_same(actions in actions()) {
            let (mut state, mut taken) = (RegistryState::default(), Vec::new());
            for action in actions {
                let (before, next) = (state.clone(), entry(taken.len() as u64 + 1, 0, action));
                match state.apply(&next) {
                    Ok(()) => taken.push(next),
                    Err(_) => prop_assert_eq!(&state, &before),
                }
                for (name, model) in state.models() {
                    for (alias, version) in model.aliases() {
                        prop_assert_eq!(model.version(version).map(|found| found.version), Some(version));
                        let reference = ModelRef::alias(name.clone(), alias.clone());
                        prop_assert_eq!(state.resolve(&reference).unwrap().version, version);
                        prop_assert!(model.before(alias).is_none_or(|before| model.version(before).is_some()));
                    }
                }
            }
            prop_assert_eq!(RegistryState::fold(&taken), Ok(state.clone()));
            prop_assert_eq!(RegistryState::fold(&taken), Ok(state));
        }
    }

    #[test]
    fn rolling_back_retraces_every_promotion() {
        let mut log = vec![registered(1), registered(2), registered(3)];
        log.extend([
            promoted(None, 1),
            promoted(Some(1), 2),
            promoted(Some(2), 3),
        ]);
        log.extend([
            rolled_back(3, 2),
            rolled_back(2, 1),
            promoted(Some(1), 3),
            rolled_back(3, 1),
        ]);
        let entries: Vec<_> = (1..)
            .zip(log)
            .map(|(n, action)| entry(n, n as i64, action))
            .collect();
        let at = |n: usize| RegistryState::fold(&entries[..n]).unwrap();
        let seen: Vec<_> = (3..=10)
            .map(|n| at(n).current(&model(), &champion()).map(|v| v.version))
            .collect();
        assert_eq!(
            seen,
            [
                None,
                Some(1),
                Some(2),
                Some(3),
                Some(2),
                Some(1),
                Some(3),
                Some(1)
            ]
        );
        assert_eq!(at(10).model(&model()).unwrap().before(&champion()), None);
    }

    #[test]
    fn what_does_not_follow_is_refused_in_words() {
        let fold = |actions: Vec<LogAction>| {
            let entries: Vec<_> = (1..)
                .zip(actions)
                .map(|(n, action)| entry(n, 0, action))
                .collect();
            RegistryState::fold(&entries).unwrap_err().to_string()
        };
        assert_eq!(
            fold(vec![registered(2)]),
            "it registers version 2 of `fd001`, but the next one is 1"
        );
        let message = "it points `fd001@champion` to version 1, which was never registered";
        assert_eq!(fold(vec![promoted(None, 1)]), message);
        let message = "it moves `fd001@champion` away from nowhere, which it does not point to";
        assert_eq!(
            fold(vec![registered(1), promoted(None, 1), promoted(None, 1)]),
            message
        );
        let message =
            "it rolls `fd001@champion` back to version 1, which it did not point to before";
        assert_eq!(
            fold(vec![registered(1), promoted(None, 1), rolled_back(1, 1)]),
            message
        );
        let collected = |version| {
            LogAction::Collect(Collected {
                versions: vec![VersionId {
                    model: model(),
                    version,
                }],
            })
        };
        let message = "it collects the files of version 1 of `fd001`, which is not retired";
        assert_eq!(fold(vec![registered(1), collected(1)]), message);
        let message = "it refers to version 2 of `fd001`, which was never registered";
        assert_eq!(fold(vec![registered(1), collected(2)]), message);
    }

    #[test]
    fn a_clock_that_runs_ahead_hides_nothing_behind_it() {
        let minutes = [10, 500, 20, 30];
        let entries: Vec<_> = (1..)
            .zip(minutes)
            .map(|(n, minute)| entry(n, minute, registered(n as u32)))
            .collect();
        let count = |minute| until(&entries, stamp(minute).time).len();
        assert_eq!(
            [5, 10, 15, 20, 29, 30, 600].map(count),
            [0, 1, 1, 3, 3, 4, 4]
        );
        let found: Vec<_> = set_back(&entries)
            .iter()
            .map(|found| (found.entry, found.after))
            .collect();
        assert_eq!(found, [(3, 2), (4, 2)]);
        assert_eq!(set_back(&entries[..2]), []);
    }
}
