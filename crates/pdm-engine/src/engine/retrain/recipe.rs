//! The recipe of a model: the digest of everything it is made from.

use serde_json::json;

use super::super::Job;
use super::super::inputs::Inputs;
use crate::config::{Section, Stage};
use crate::pipeline::semantic_version;
use pdm_core::content::{Digest, digest_of};
use pdm_models::data::{Role, part_digest};

/// Returns the digest of everything that a model and its scores depend on: options, data, and the versions of the stages.
///
/// The same recipe gives the same bytes, so a recipe that was judged before need not be run again.
pub(super) fn recipe(job: &Job, inputs: &Inputs) -> Digest {
    let spec = &job.spec;
    let mut options = serde_json::to_value(spec).expect("a loaded pipeline has a JSON form");
    if let Some(sections) = options.as_object_mut() {
        sections.retain(|name, _| Section::named(name).is_some_and(Section::is_of_recipe));
        // The paths of the files change nothing; their digests are added below.
        sections.insert(
            "dataset".to_owned(),
            json!({ "name": spec.dataset.name(), "schema": spec.dataset.schema() }),
        );
        sections.insert("project".to_owned(), json!({ "seed": spec.project.seed }));
        sections.insert("train".to_owned(), spec.train.key_parameters());
    }
    let data = [Role::Train, Role::Test, Role::Rul].map(|role| part_digest(&inputs.files, role));
    let stages = Stage::ALL.map(|stage| (stage, semantic_version(stage)));
    digest_of(&json!({ "options": options, "data": data, "stages": stages }))
        .expect("all of it is JSON")
}
