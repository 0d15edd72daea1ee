use super::{EngineError, Line};
use crate::pipeline::cache::{Cache, Entry, Status, explain};
use crate::pipeline::{Stage, StageKey};

/// How many differences a reason names.
const NAMED_CHANGES: usize = 3;

/// What should be done about a stage, and why.
#[derive(Debug)]
pub(super) enum Decision {
    /// Its result is in the cache.
    Cached(Box<Entry>),
    /// Its effect is there already, or is not wanted.
    Skip(String),
    /// It must run.
    Run(String),
}

impl Line<'_> {
    /// Decides about a stage; the stages before it must be there.
    pub(super) fn decide(&self, stage: Stage, force: bool) -> Result<Decision, EngineError> {
        if let Some(why) = self.nothing_to_do(stage)? {
            return Ok(Decision::Skip(why));
        }
        let Some(key) = self.key(stage)? else { return Ok(Decision::Run("its inputs are new".to_owned())) };
        if force {
            return Ok(Decision::Run("forced".to_owned()));
        }
        Ok(match self.cache.lookup(&key) {
            Status::Hit(entry) => Decision::Cached(entry),
            Status::Absent => {
                let place = |path: &str| self.job.origins.place(path);
                Decision::Run(why_absent(&self.cache, &self.job.spec.project.name, &key, place))
            }
            Status::Damaged { reason } => Decision::Run(format!("the cached result is damaged: {reason}")),
        })
    }

    /// Looks at the registry: what is done there is not done again.
    fn nothing_to_do(&self, stage: Stage) -> Result<Option<String>, EngineError> {
        let (Stage::Register | Stage::Promote) = stage else { return Ok(None) };
        let Some(model) = self.model()? else { return Ok(None) };
        let known = self.storeroom.version_of(model)?.map(|version| version.version);
        if stage == Stage::Register {
            return Ok(known.map(|version| format!("this model is registered as v{version}")));
        }
        let (alias, name) = (&self.storeroom.alias, &self.storeroom.model);
        if let Some(champion) = self.storeroom.champion()?.filter(|champion| model.is(champion)) {
            return Ok(Some(format!("this model is {alias} already (v{})", champion.version)));
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

/// Returns why nothing is cached under a key: what differs from the key `pipeline` used last. `place` tells where in the
/// pipeline file an option stands.
pub(super) fn why_absent(
    cache: &Cache,
    pipeline: &str,
    key: &StageKey,
    place: impl Fn(&str) -> Option<String>,
) -> String {
    let Some(last) = cache.last_key(pipeline, &key.stage) else { return "never run before".to_owned() };
    let changes = explain(&last, key);
    let named: Vec<_> = changes.iter().take(NAMED_CHANGES).map(|change| change.text(&place)).collect();
    match changes.len().saturating_sub(NAMED_CHANGES) {
        _ if named.is_empty() => "the cached result is gone".to_owned(),
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
