use super::{EngineError, PipelineRun};
use crate::cache::{CacheEntry, Status};
use crate::config::Stage;

/// How many differences a reason names.
const NAMED_CHANGES: usize = 3;

/// What should be done about a stage, and why.
#[derive(Debug)]
pub(super) enum Decision {
    /// Its result is in the cache.
    Cached(Box<CacheEntry>),
    /// Its effect is there already, or is not wanted.
    Skip(String),
    /// It must run.
    Run(String),
}

impl PipelineRun<'_> {
    /// Decides about a stage; the stages before it must be there.
    pub(super) fn decide(&self, stage: Stage, force: bool) -> Result<Decision, EngineError> {
        if let Some(why) = self.nothing_to_do(stage)? {
            return Ok(Decision::Skip(why));
        }
        let Some(key) = self.key(stage)? else {
            return Ok(Decision::Run("its inputs are new".to_owned()));
        };
        if force {
            return Ok(Decision::Run("forced".to_owned()));
        }
        Ok(match self.cache.lookup(&key) {
            Status::Hit(entry) => Decision::Cached(entry),
            Status::Absent => Decision::Run(why_absent(self.changes_since_last(&key))),
            Status::Damaged { reason } => {
                Decision::Run(format!("the cached result is damaged: {reason}"))
            }
        })
    }

    /// Looks at the registry: what is done there is not done again.
    fn nothing_to_do(&self, stage: Stage) -> Result<Option<String>, EngineError> {
        let (Stage::Register | Stage::Promote) = stage else {
            return Ok(None);
        };
        let Some(model) = self.model()? else {
            return Ok(None);
        };
        let known = self
            .storeroom
            .version_of(model)?
            .map(|version| version.version);
        if stage == Stage::Register {
            return Ok(known.map(|version| format!("this model is registered as v{version}")));
        }
        let (alias, name) = (&self.storeroom.alias, &self.storeroom.model);
        if let Some(champion) = self
            .storeroom
            .champion()?
            .filter(|champion| model.is(champion))
        {
            return Ok(Some(format!(
                "this model is {alias} already (v{})",
                champion.version
            )));
        }
        if !self.job.spec.registry.promote {
            return Ok(Some("registry.promote = false".to_owned()));
        }
        let taken = self.storeroom.rolled_back(model.bundle)?;
        Ok(taken.map(|version| {
            format!("v{version} was rolled back; `pdm-ml promote --model {name}/{version}` brings it back")
        }))
    }
}

/// Returns why nothing is cached under a key, by what differs from the key that was used last; none was used where there are
/// no `changes`.
pub(super) fn why_absent(changes: Option<Vec<String>>) -> String {
    let Some(changes) = changes else {
        return "never run before".to_owned();
    };
    let named = changes[..changes.len().min(NAMED_CHANGES)].join(", ");
    match changes.len().saturating_sub(NAMED_CHANGES) {
        _ if named.is_empty() => "the cached result is gone".to_owned(),
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
