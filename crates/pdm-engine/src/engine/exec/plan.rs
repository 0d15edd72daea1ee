use std::collections::{BTreeMap, BTreeSet};

use super::ExecError;
use super::outputs::produced;
use super::step::{ExecContext, ExecDecision, restored};
use crate::cache::CacheEntry;
use crate::config::{ExecGraph, Node, Stage};
use crate::engine::inputs::ExpectedFiles;
use crate::engine::outcome::{PlannedStage, UNCHANGED};
use crate::engine::{EngineError, PipelineRun};

/// What would come of the `exec` stages, one after the other.
pub(in crate::engine) struct Planner<'o> {
    bench: ExecContext<'o>,
    graph: ExecGraph<'o>,
    running: BTreeSet<usize>,
    /// Outputs that are in the cache, whether or not the project has them.
    known: ExpectedFiles,
}

impl<'o> Planner<'o> {
    pub(in crate::engine) fn new(bench: ExecContext<'o>, graph: ExecGraph<'o>) -> Self {
        Self {
            bench,
            graph,
            running: BTreeSet::new(),
            known: ExpectedFiles::new(),
        }
    }

    /// Foresees the programs that make data, and lets the line learn its files; returns the program that must run before.
    pub(in crate::engine) fn meet_data(
        &mut self,
        line: &mut PipelineRun<'_>,
    ) -> Result<Option<String>, EngineError> {
        for node in self.graph.order(Stage::Validate) {
            if let Node::Exec(exec) = node {
                self.foresee(exec, &line.entries, |_| Ok(None))?;
            }
        }
        self.learn_files(line)
    }

    /// Lets the line learn its files, unless a program must run before; returns that program.
    pub(in crate::engine) fn learn_files(
        &self,
        line: &mut PipelineRun<'_>,
    ) -> Result<Option<String>, EngineError> {
        let awaited = self.awaited(Node::Named(Stage::Validate));
        if awaited.is_none() {
            line.learn_files(&self.known)?;
        }
        Ok(awaited)
    }

    /// Keeps the digests that were taken.
    pub(in crate::engine) fn save(&self) {
        self.bench.memory.save();
    }

    /// Returns the program that would run first of those a step takes files from.
    fn awaited(&self, node: Node) -> Option<String> {
        let makes =
            |exec: &usize| node != Node::Named(Stage::Validate) || self.graph.makes_data(*exec);
        let needs = self.graph.needs(node);
        let mut running = self
            .running
            .iter()
            .filter(|exec| needs.contains(&Node::Exec(**exec)) && makes(exec));
        running
            .next()
            .map(|exec| self.graph.stages()[*exec].name.clone())
    }

    /// Foresees one `exec` stage; `entries` are those of the named stages that are kept, `stopped` says why the line does
    /// not reach a stage.
    pub(in crate::engine) fn foresee(
        &mut self,
        exec: usize,
        entries: &BTreeMap<Stage, CacheEntry>,
        stopped: impl FnOnce(Stage) -> Result<Option<String>, EngineError>,
    ) -> Result<PlannedStage, EngineError> {
        let options = &self.graph.stages()[exec];
        let mut planned = PlannedStage {
            stage: self.graph.step(Node::Exec(exec)),
            runs: true,
            why: String::new(),
            key: None,
            last_elapsed_ms: None,
            last_peak_bytes: None,
            memory_bytes: None,
            over_budget: false,
        };
        let made = |stage: &&Stage| **stage > Stage::Gate || entries.contains_key(*stage);
        let after = options
            .after
            .filter(|after| !after.line_up_to().iter().all(|stage| made(&stage)));
        let why = match options.after.map(stopped).transpose()?.flatten() {
            Some(why) => {
                planned.runs = false;
                why
            }
            None => match self
                .awaited(Node::Exec(exec))
                .or(after.map(|stage| stage.to_string()))
            {
                Some(step) => format!("after `{step}`"),
                None => self.by_key(exec, entries, &mut planned).map_err(|source| {
                    EngineError::Exec {
                        stage: options.name.clone(),
                        source: Box::new(source),
                    }
                })?,
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
        entries: &BTreeMap<Stage, CacheEntry>,
        planned: &mut PlannedStage,
    ) -> Result<String, ExecError> {
        let need = match self.bench.need(exec, entries, &self.known) {
            Ok(need) => need,
            // A plan tells what is missing; the run stops at it.
            Err(error @ ExecError::Input(_)) => return Ok(error.to_string()),
            Err(error) => return Err(error),
        };
        planned.key = Some(need.key.digest());
        let root = &self.bench.context.root;
        Ok(match self.bench.decide(exec, &need) {
            ExecDecision::Run(why) => {
                planned.last_elapsed_ms = self.bench.last_elapsed_ms(&need.key.stage);
                why
            }
            ExecDecision::Cached(entry, lost) => {
                planned.runs = false;
                planned.last_elapsed_ms = Some(entry.elapsed_ms());
                self.known.extend(
                    produced(root, &entry)
                        .into_iter()
                        .map(|(path, _, found)| (path, found)),
                );
                restored(UNCHANGED, &lost, root, "would be put back")
            }
        })
    }
}
