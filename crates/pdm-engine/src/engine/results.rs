//! The results that the steps of a run have made so far.

use std::collections::BTreeMap;

use super::EngineError;
use super::registry_view::Judgeable;
use crate::cache::CacheEntry;
use crate::config::{Node, Stage};
use crate::pipeline::calibrate::BUNDLE;
use crate::pipeline::evaluate::SCORECARD;
use crate::pipeline::{gate, read_json};
use pdm_core::content::{Digest, digest_of};
use pdm_core::gates::GateReport;
use pdm_core::scoring::Scorecard;

/// The results of the steps that are done, as the cache holds them.
#[derive(Debug, Clone, Default)]
pub(super) struct Results(BTreeMap<Node, CacheEntry>);

impl Results {
    /// Adds the result of a step.
    pub(super) fn insert(&mut self, node: Node, entry: CacheEntry) {
        self.0.insert(node, entry);
    }

    /// Returns the result of a named stage.
    pub(super) fn stage(&self, stage: Stage) -> Option<&CacheEntry> {
        self.0.get(&Node::Named(stage))
    }

    /// Returns the results of the programs of `[[stage]]`, with their numbers in the file.
    pub(super) fn programs(&self) -> impl Iterator<Item = (usize, &CacheEntry)> {
        self.0.iter().filter_map(|(node, entry)| match node {
            Node::Exec(exec) => Some((*exec, entry)),
            Node::Named(_) => None,
        })
    }

    /// Returns the results of all steps, the named stages first.
    pub(super) fn stages_first(&self) -> impl Iterator<Item = (Node, &CacheEntry)> {
        let is_stage = |node: &Node| matches!(node, Node::Named(_));
        let stages = self.0.iter().filter(move |(node, _)| is_stage(node));
        let programs = self.0.iter().filter(move |(node, _)| !is_stage(node));
        stages.chain(programs).map(|(node, entry)| (*node, entry))
    }

    /// Returns the digest of a named stage's result.
    pub(super) fn digest(&self, stage: Stage) -> Option<Digest> {
        self.stage(stage).map(CacheEntry::digest)
    }

    /// Returns the digest of the calibrated bundle.
    pub(super) fn bundle_digest(&self) -> Option<Digest> {
        let entry = self.stage(Stage::Calibrate)?;
        let manifest = format!("{BUNDLE}/bundle.json");
        entry
            .outputs()
            .iter()
            .find(|output| output.path == manifest)
            .map(|output| output.sha256)
    }

    /// Returns the bundle and its scores, which are judged.
    ///
    /// # Errors
    /// The scorecard cannot be read.
    pub(super) fn judgeable(&self) -> Result<Option<Judgeable>, EngineError> {
        let Some(bundle) = self.bundle_digest() else {
            return Ok(None);
        };
        let Some(evaluate) = self.stage(Stage::Evaluate) else {
            return Ok(None);
        };
        let card: Scorecard =
            read_json(&evaluate.path(SCORECARD)).map_err(EngineError::in_stage(Stage::Evaluate))?;
        let scorecard = digest_of(&card).expect("a scorecard has a JSON form");
        Ok(Some(Judgeable { bundle, scorecard }))
    }

    /// Returns the report of the gates.
    ///
    /// # Errors
    /// The report cannot be read.
    pub(super) fn gate_report(&self) -> Result<Option<GateReport>, EngineError> {
        let Some(entry) = self.stage(Stage::Gate) else {
            return Ok(None);
        };
        let report =
            read_json(&entry.path(gate::REPORT)).map_err(EngineError::in_stage(Stage::Gate))?;
        Ok(Some(report))
    }
}
