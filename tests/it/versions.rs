//! What each stage computes from a tiny seeded fleet is known by digest: a change that gives other results must raise the
//! stage's version, so that no cache serves the old ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use pdm_ml::config::Stage;
use pdm_ml::content::{Digest, digest_of};
use pdm_ml::pipeline::semantic_version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::project::{Project, SMALL};

/// The digests, which `scripts/regenerate` writes.
const KNOWN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/versions.json");

/// Model families by how they learn: in one step, by boosting, by gradients.
const MODELS: [(&str, &str); 3] = [
    ("linear", "kind = \"linear\""),
    ("gbdt", "kind = \"gbdt\"\nrounds = 30"),
    ("gru", "kind = \"gru\"\nhidden = 8\nsteps = 40"),
];

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Known {
    version: u32,
    /// Of the paths and digests of all outputs.
    outputs: Digest,
}

type Results = BTreeMap<String, Known>;

/// Returns what every stage up to the gates makes, by model and stage.
fn results() -> Results {
    let mut results = Results::new();
    for (name, model) in MODELS {
        let pipeline = SMALL.replace("kind = \"linear\"", model);
        let project = Project::with_pipeline(&pipeline);
        project.json(&["gate"]);
        for stage in Stage::ALL.into_iter().filter(|stage| *stage <= Stage::Gate) {
            let known = Known {
                version: semantic_version(stage),
                outputs: outputs_of(&project, stage),
            };
            results.insert(format!("{name}/{stage}"), known);
        }
    }
    results
}

/// Returns the digest of the outputs of the one result that a stage has.
fn outputs_of(project: &Project, stage: Stage) -> Digest {
    let folder = project.file(&format!(".pdm-ml/cache/entries/{stage}"));
    let entries: Vec<_> = fs::read_dir(folder).unwrap().collect();
    let [Ok(entry)] = &entries[..] else {
        panic!("`{stage}` has {} results", entries.len());
    };
    let text = fs::read_to_string(entry.path().join("entry.json")).unwrap();
    let entry: Value = serde_json::from_str(&text).unwrap();
    let mut outputs = BTreeMap::new();
    for output in entry["outputs"].as_array().unwrap() {
        outputs.insert(output["path"].to_string(), output["sha256"].to_string());
    }
    assert!(!outputs.is_empty(), "`{stage}` has no outputs");
    digest_of(&outputs).unwrap()
}

#[test]
#[cfg_attr(
    not(all(target_arch = "x86_64", target_os = "linux")),
    ignore = "needs x86-64 and Linux; other processors and libraries round otherwise"
)]
fn a_stage_that_computes_something_else_has_another_version() {
    let now = results();
    if std::env::var_os("UPDATE_VERSIONS").is_some() {
        let text = serde_json::to_string_pretty(&now).unwrap() + "\n";
        fs::write(KNOWN, text).unwrap();
        return;
    }
    let text = fs::read_to_string(Path::new(KNOWN)).unwrap();
    let known: Results = serde_json::from_str(&text).unwrap();
    let mut complaints = Vec::new();
    for (name, now) in &now {
        let Some(known) = known.get(name) else {
            complaints.push(format!("{name}: not known yet; run scripts/regenerate"));
            continue;
        };
        if known == now {
            continue;
        }
        let stage = name.split('/').next_back().unwrap();
        complaints.push(if known.version == now.version {
            format!(
                "{name}: other outputs than before. If that is meant, raise `VERSION` (now {}) in \
                 crates/pdm-engine/src/pipeline/{stage}.rs and run scripts/regenerate; a stage whose inputs alone changed \
                 keeps its version",
                now.version
            )
        } else {
            format!("{name}: version {} is new; run scripts/regenerate", now.version)
        });
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
