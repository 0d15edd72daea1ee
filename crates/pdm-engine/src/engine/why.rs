//! Why a stage must run, down to the key of the pipeline file or the data file.

use super::{EngineError, PipelineRun};
use crate::cache::StageKey;
use crate::cache::{InputChange, InputFile, KeyChange, explain};

impl PipelineRun<'_> {
    /// Notes that a stage used this key, and the data files behind it.
    pub(super) fn remember(&self, key: &StageKey) -> Result<(), EngineError> {
        Ok(self
            .cache
            .remember_files(&self.job.spec.project.name, key, &self.inputs)?)
    }

    /// Returns what differs from the key a stage used last, as fragments; none where it was never used.
    pub(super) fn changes_since_last(&self, key: &StageKey) -> Option<Vec<String>> {
        let pipeline = &self.job.spec.project.name;
        let last = self.cache.last_key(pipeline, &key.stage)?;
        let files = self.cache.last_files(pipeline, &key.stage);
        Some(self.changes(&last, &files, key))
    }

    /// Returns what differs between two keys of a stage, as fragments; `files` stood behind the inputs of the old one.
    pub(super) fn changes(
        &self,
        old: &StageKey,
        files: &[InputFile],
        new: &StageKey,
    ) -> Vec<String> {
        let between = |name: &str| {
            let behind = files_behind(&new.stage, name);
            behind
                .map(|input| InputChange::between(input, files, &self.inputs))
                .unwrap_or_default()
        };
        told_changes(old, new, between, |path| self.job.origins.place(path))
    }
}

/// Returns what differs between two keys of a stage, as fragments: `between` finds what differs between the files of an
/// input, `place` where in the pipeline file an option stands.
pub(super) fn told_changes(
    old: &StageKey,
    new: &StageKey,
    between: impl Fn(&str) -> Vec<InputChange>,
    place: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let told = |change: &KeyChange| match change {
        KeyChange::Input { name, .. } => match between(name).as_slice() {
            [] => vec![change.text(&place)],
            changes => changes.iter().map(InputChange::text).collect(),
        },
        KeyChange::Version { .. } | KeyChange::Parameter { .. } => vec![change.text(&place)],
    };
    explain(old, new).iter().flat_map(told).collect()
}

/// Returns whether a data file stands behind an input of a stage.
pub fn is_behind(stage: &str, input: &str, file: &InputFile) -> bool {
    files_behind(stage, input).is_some_and(|input| file.input == input)
}

/// Returns which files stand behind an input of a stage; none behind what another stage made.
fn files_behind<'n>(stage: &str, input: &'n str) -> Option<&'n str> {
    match (stage, input) {
        ("validate" | "features" | "train", "train") | (_, "data") => Some("train"),
        (_, "test" | "rul") => Some(input),
        _ => None,
    }
}
