//! Moves aliases: promotion and rollback.

use std::future::ready;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::encode;
use super::entry::{LogAction, Promoted, RolledBack, Stamp};
use super::error::RegistryError;
use super::log::{AppendDecision, Log};
use super::manifest::ModelVersion;
use super::name::{Alias, ModelName};
use super::policy::AliasPolicy;
use super::reference::ModelRef;
use super::registry::Registry;
use super::state::RegistryState;
use pdm_core::content::Digest;
use pdm_core::gates::{Champion, Contender, GateOptions, GateReport, Opponent, judge, overall};
use pdm_core::scoring::Verdict;

/// A request to point an alias to a version.
#[derive(Debug, Clone)]
pub struct Promotion {
    /// Name of the model.
    pub model: ModelName,
    /// Version the alias should point to.
    pub version: u32,
    /// The alias.
    pub alias: Alias,
    /// The actor's reason; kept in the log.
    pub reason: String,
    /// What allows it.
    pub consent: Consent,
    /// The policy of the alias.
    pub policy: AliasPolicy,
}

/// What allows a promotion.
#[derive(Debug, Clone)]
pub enum Consent {
    /// The gates: this report must pass. If the champion has changed since, the gates are judged again.
    Gates(Box<GateReport>),
    /// The actor overrides the gates; the reason must not be empty, and the log records the override.
    Forced,
}

/// Where an alias points now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Name of the model.
    pub model: ModelName,
    /// The alias.
    pub alias: Alias,
    /// Version it pointed to before, if any.
    pub from: Option<u32>,
    /// Version it points to.
    pub to: u32,
    /// Entry of the log that records it; `None` if it pointed there already.
    pub entry: Option<u64>,
    /// Blob of the gate report that allowed it.
    pub report: Option<Digest>,
}

impl Registry {
    /// Judges a registered version by gates, compared with the version the alias points to now.
    ///
    /// # Errors
    /// An unknown model or version, missing or damaged blobs, and errors of the store.
    pub async fn judge_version(
        &self,
        gates: &[GateOptions],
        reference: &ModelRef,
        alias: &Alias,
    ) -> Result<GateReport, RegistryError> {
        let state = self.state(None).await?;
        let version = state.resolve(reference)?;
        self.judge_again(gates, version, state.current(&reference.model, alias))
            .await
    }

    /// Points an alias to a version, if the gates allow it or the actor overrides them.
    ///
    /// If the alias moves between judging and writing, the gates are judged again against the new champion.
    ///
    /// # Errors
    /// [`RegistryError::GateRefused`], [`RegistryError::GateUndecided`] or [`RegistryError::WrongReport`] if the
    /// gates do not allow it, [`RegistryError::NoReason`] for an override without reason, [`RegistryError::Conflict`] if the
    /// race was lost for good, an unknown model or version, and errors of the store.
    pub async fn promote(
        &self,
        promotion: &Promotion,
        stamp: &Stamp,
    ) -> Result<Moved, RegistryError> {
        promotion.check()?;
        let decide =
            |state: Arc<RegistryState>| async move { self.decide(promotion, &state, stamp).await };
        let ((moved, report), entry) = Log::append(self.store(), stamp, decide).await?;
        // An existing blob may have been collected meanwhile.
        if entry.is_some()
            && let Some(report) = report
            && !self.store().absent(moved.report).await?.is_empty()
        {
            self.store().put_blob(report).await?;
        }
        Ok(Moved { entry, ..moved })
    }

    /// Points an alias back to the version it pointed to before.
    ///
    /// Rolling back again goes one step further. If the alias moves while this runs, it is left alone: the version
    /// to be rolled back is no longer current.
    ///
    /// # Errors
    /// [`RegistryError::NothingBefore`], [`RegistryError::Conflict`], an unknown model or alias, and errors of the store.
    pub async fn roll_back(
        &self,
        model: &ModelName,
        alias: &Alias,
        reason: &str,
        stamp: &Stamp,
    ) -> Result<Moved, RegistryError> {
        let mut seen = None;
        let decide = |state: Arc<RegistryState>| {
            ready(
                rolled_back(&state, model, alias, reason, &mut seen)
                    .map(|(action, moved)| AppendDecision::Append(action, moved)),
            )
        };
        let (moved, entry) = Log::append(self.store(), stamp, decide).await?;
        Ok(Moved { entry, ..moved })
    }

    /// Decides what a promotion writes, and with which gate report.
    async fn decide(
        &self,
        promotion: &Promotion,
        state: &Arc<RegistryState>,
        stamp: &Stamp,
    ) -> Result<AppendDecision<(Moved, Option<Bytes>)>, RegistryError> {
        let Promotion { model, alias, .. } = promotion;
        let version = state.resolve(&ModelRef::version(model.clone(), promotion.version))?;
        let champion = state.current(model, alias);
        let from = champion.map(|champion| champion.version);
        let to = version.version;
        let mut moved = Moved {
            model: model.clone(),
            alias: alias.clone(),
            from,
            to,
            entry: None,
            report: None,
        };
        if from == Some(to) {
            return Ok(AppendDecision::Leave((moved, None)));
        }
        state.model(model)?.require_in_use(model, to)?;
        promotion.require_approval(state, &stamp.actor)?;
        let report = self.consent(promotion, version, champion).await?;
        if let Some(report) = &report {
            moved.report = Some(
                self.store()
                    .relying(state, stamp)
                    .put_blob(report.clone())
                    .await?,
            );
        }
        Ok(AppendDecision::Append(
            LogAction::Promote(promotion.action(from, moved.report)),
            (moved, report),
        ))
    }

    /// Returns the bytes of the report that allows a promotion; `None` if it is forced.
    async fn consent(
        &self,
        promotion: &Promotion,
        version: &ModelVersion,
        champion: Option<&ModelVersion>,
    ) -> Result<Option<Bytes>, RegistryError> {
        let Consent::Gates(report) = &promotion.consent else {
            return Ok(None);
        };
        require_report_of(report, version)?;
        let same = report.champion == champion.map(champion_of);
        let report = match same {
            true => (**report).clone(),
            false => self.judge_again(&report.gates(), version, champion).await?,
        };
        promotion.require_pass(&report)?;
        encode::report(&report).map(Some)
    }

    async fn judge_again(
        &self,
        gates: &[GateOptions],
        version: &ModelVersion,
        champion: Option<&ModelVersion>,
    ) -> Result<GateReport, RegistryError> {
        let (scorecard, predictions) = self.evidence(version).await?;
        let challenger = Contender {
            bundle: version.bundle,
            scorecard: &scorecard,
            predictions: &predictions,
        };
        if let Some(champion) = champion.filter(|champion| champion.version == version.version) {
            return Ok(judge(gates, challenger, Opponent::Itself(champion.version)));
        }
        self.judge_against(gates, challenger, champion).await
    }

    async fn judge_against(
        &self,
        gates: &[GateOptions],
        challenger: Contender<'_>,
        champion: Option<&ModelVersion>,
    ) -> Result<GateReport, RegistryError> {
        let Some(champion) = champion else {
            return Ok(judge(gates, challenger, Opponent::NoChampion));
        };
        let (scorecard, predictions) = self.evidence(champion).await?;
        let defender = Contender {
            bundle: champion.bundle,
            scorecard: &scorecard,
            predictions: &predictions,
        };
        Ok(judge(
            gates,
            challenger,
            Opponent::Version(champion.version, defender),
        ))
    }
}

/// Decides what rolling back writes; `seen` is the version the alias pointed to at first.
fn rolled_back(
    state: &RegistryState,
    model: &ModelName,
    alias: &Alias,
    reason: &str,
    seen: &mut Option<u32>,
) -> Result<(LogAction, Moved), RegistryError> {
    let from = state
        .resolve(&ModelRef::alias(model.clone(), alias.clone()))?
        .version;
    if *seen.get_or_insert(from) != from {
        return Err(RegistryError::Conflict {
            what: format!("`{model}@{alias}` now points to version {from}"),
        });
    }
    let model = model.clone();
    let alias = alias.clone();
    let Some(to) = state.model(&model)?.before(&alias) else {
        return Err(RegistryError::NothingBefore {
            model,
            alias,
            current: from,
        });
    };
    state.model(&model)?.require_in_use(&model, to)?;
    let moved = Moved {
        model: model.clone(),
        alias: alias.clone(),
        from: Some(from),
        to,
        entry: None,
        report: None,
    };
    Ok((
        LogAction::Rollback(RolledBack {
            model,
            alias,
            from,
            to,
            reason: reason.to_owned(),
        }),
        moved,
    ))
}

impl Promotion {
    fn check(&self) -> Result<(), RegistryError> {
        if matches!(self.consent, Consent::Gates(_)) {
            return Ok(());
        }
        if self.policy.protected {
            return Err(RegistryError::Protected {
                alias: self.alias.clone(),
            });
        }
        if self.reason.trim().is_empty() {
            return Err(RegistryError::NoReason);
        }
        Ok(())
    }

    /// Requires enough approvals by other people than the actor.
    fn require_approval(&self, state: &RegistryState, actor: &str) -> Result<(), RegistryError> {
        let model = self.model.clone();
        let version = self.version;
        let alias = self.alias.clone();
        let by: Vec<_> = state
            .model(&model)?
            .approvals(version, &alias)
            .filter(|other| *other != actor)
            .collect();
        if by.len() >= self.policy.approvals {
            return Ok(());
        }
        Err(RegistryError::NotApproved {
            model,
            version,
            alias,
            have: by.len(),
            need: self.policy.approvals,
        })
    }

    fn require_pass(&self, report: &GateReport) -> Result<(), RegistryError> {
        let model = self.model.clone();
        let version = self.version;
        let alias = self.alias.clone();
        // Computed from the rows, because a report may come from a file with a wrong verdict.
        match overall(&report.rows) {
            Verdict::Pass => Ok(()),
            Verdict::Fail => {
                let reason = report.reasons(Verdict::Fail);
                Err(RegistryError::GateRefused {
                    model,
                    version,
                    alias,
                    reason,
                })
            }
            Verdict::Undecided => {
                let reason = report.reasons(Verdict::Undecided);
                Err(RegistryError::GateUndecided {
                    model,
                    version,
                    alias,
                    reason,
                })
            }
        }
    }

    fn action(&self, from: Option<u32>, report: Option<Digest>) -> Promoted {
        Promoted {
            model: self.model.clone(),
            alias: self.alias.clone(),
            from,
            to: self.version,
            reason: self.reason.clone(),
            report,
            forced: matches!(self.consent, Consent::Forced),
        }
    }
}

fn champion_of(version: &ModelVersion) -> Champion {
    Champion {
        version: version.version,
        bundle: version.bundle,
    }
}

fn require_report_of(report: &GateReport, version: &ModelVersion) -> Result<(), RegistryError> {
    if (report.challenger, report.scorecard) == (version.bundle, version.scorecard) {
        return Ok(());
    }
    let describe = |bundle: Digest, card: Digest| {
        format!("bundle {} with scorecard {}", bundle.short(), card.short())
    };
    Err(RegistryError::WrongReport {
        model: version.model.clone(),
        version: version.version,
        registered: describe(version.bundle, version.scorecard),
        judged: describe(report.challenger, report.scorecard),
    })
}
