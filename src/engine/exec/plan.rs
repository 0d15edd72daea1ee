use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::ExecError;
use super::outputs::produced;
use super::step::{Bench, UNCHANGED, Verdict, restored};
use crate::content::Digest;
use crate::engine::EngineError;
use crate::engine::outcome::PlannedStage;
use crate::pipeline::cache::Entry;
use crate::pipeline::{ExecGraph, Node, Stage};

/// What would come of the `exec` stages, one after the other.
pub(in crate::engine) struct Outlook<'o> {
    bench: Bench<'o>,
    graph: ExecGraph<'o>,
    running: BTreeSet<usize>,
    /// Outputs that are in the cache, whether or not the project has them.
    known: BTreeMap<PathBuf, Digest>,
}

impl<'o> Outlook<'o> {
    pub(in crate::engine) fn new(bench: Bench<'o>, graph: ExecGraph<'o>) -> Self {
        Self { bench, graph, running: BTreeSet::new(), known: BTreeMap::new() }
    }

    /// Returns the digests of files that will be there, whether or not they are now.
    pub(in crate::engine) fn known(&self) -> &BTreeMap<PathBuf, Digest> {
        &self.known
    }

    /// Returns the program that would run first of those a step takes files from.
    pub(in crate::engine) fn awaited(&self, node: Node) -> Option<String> {
        let makes = |exec: &usize| node != Node::Named(Stage::Validate) || self.graph.makes_data(*exec);
        let needs = self.graph.needs(node);
        let mut running = self.running.iter().filter(|exec| needs.contains(&Node::Exec(**exec)) && makes(exec));
        running.next().map(|exec| self.graph.stages()[*exec].name.clone())
    }

    /// Foresees one `exec` stage; `entries` are those of the named stages that are kept, `stopped` says why the line does
    /// not reach a stage.
    pub(in crate::engine) fn foresee(
        &mut self,
        exec: usize,
        entries: &BTreeMap<Stage, Entry>,
        stopped: impl FnOnce(Stage) -> Result<Option<String>, EngineError>,
    ) -> Result<PlannedStage, EngineError> {
        let options = &self.graph.stages()[exec];
        let mut planned = PlannedStage {
            stage: self.graph.step(Node::Exec(exec)),
            runs: true,
            why: String::new(),
            key: None,
            last_elapsed_ms: None,
            memory_bytes: None,
            over_budget: false,
        };
        let made = |stage: &&Stage| **stage > Stage::Gate || entries.contains_key(*stage);
        let after = options.after.filter(|after| !after.line_up_to().iter().all(|stage| made(&stage)));
        let why = match options.after.map(stopped).transpose()?.flatten() {
            Some(why) => {
                planned.runs = false;
                why
            }
            None => match self.awaited(Node::Exec(exec)).or(after.map(|stage| stage.to_string())) {
                Some(step) => format!("after `{step}`"),
                None => self
                    .by_key(exec, entries, &mut planned)
                    .map_err(|source| EngineError::Exec { stage: options.name.clone(), source: Box::new(source) })?,
            },
        };
        if planned.runs {
            self.running.insert(exec);
        }
        Ok(PlannedStage { why, ..planned })
    }

    fn by_key(
        &mut self,
        exec: usize,
        entries: &BTreeMap<Stage, Entry>,
        planned: &mut PlannedStage,
    ) -> Result<String, ExecError> {
        let key = match self.bench.key(exec, entries, &self.known) {
            Ok(key) => key,
            // A plan tells what is missing; the run stops at it.
            Err(error @ ExecError::Input(_)) => return Ok(error.to_string()),
            Err(error) => return Err(error),
        };
        planned.key = Some(key.digest());
        let root = &self.bench.context.root;
        Ok(match self.bench.decide(exec, &key) {
            Verdict::Run(why) => {
                planned.last_elapsed_ms = self.bench.last_elapsed_ms(&key.stage);
                why
            }
            Verdict::Cached(entry, lost) => {
                planned.runs = false;
                planned.last_elapsed_ms = Some(entry.elapsed_ms());
                self.known.extend(produced(root, &entry).into_iter().map(|(path, _, digest)| (path, digest)));
                restored(UNCHANGED, &lost, root, "would be put back")
            }
        })
    }
}
