//! What the steps of a run would do, one after the other, by the code that runs them. Changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Decision, decide, with_lost};
use crate::cache::{CacheEntry, DigestCache};
use crate::config::{ExecGraph, Node, Stage, StepName};
use crate::engine::exec::ExecError;
use crate::engine::inputs::{ExpectedFiles, HashPolicy, digest_cache};
use crate::engine::outcome::{PlannedStage, UNCHANGED};
use crate::engine::pipeline_run::PipelineRun;
use crate::engine::provision::missing_fleet;
use crate::engine::results::Results;
use crate::engine::step::{Prepared, Situation, Step, Task, step_of};
use crate::engine::{EngineError, RunPurpose};
use pdm_core::content::Digest;

/// Walks the graph of a run without running it.
pub(in crate::engine) struct Planner<'p> {
    run: &'p PipelineRun<'p>,
    graph: ExecGraph<'p>,
    /// Results that are in the cache.
    results: Results,
    /// Outputs that are in the cache, whether or not the project has them.
    expected: ExpectedFiles,
    /// Steps that would run.
    due: BTreeSet<Node>,
    /// Steps that would not be taken, with the reason.
    blocked: BTreeMap<Node, String>,
    /// The first step that would run, of those that all later named stages wait for.
    first_due: Option<StepName>,
    /// Why the data are not there yet, where a simulated fleet must be written first.
    no_fleet: Option<&'static str>,
    hashes: DigestCache,
}

/// What a step would do.
struct Outlook {
    runs: bool,
    why: String,
    key: Option<Digest>,
    /// The result that is in the cache, and the files it would put into the project.
    cached: Option<(CacheEntry, ExpectedFiles)>,
}

impl Outlook {
    fn due(why: String) -> Self {
        Self {
            runs: true,
            why,
            key: None,
            cached: None,
        }
    }

    fn idle(why: String) -> Self {
        Self {
            runs: false,
            why,
            key: None,
            cached: None,
        }
    }
}

impl<'p> Planner<'p> {
    pub(in crate::engine) fn new(run: &'p PipelineRun<'p>) -> Self {
        Self {
            run,
            graph: ExecGraph::of(&run.job.spec),
            results: Results::default(),
            expected: ExpectedFiles::new(),
            due: BTreeSet::new(),
            blocked: BTreeMap::new(),
            first_due: None,
            no_fleet: missing_fleet(&run.context, run.job),
            hashes: digest_cache(&run.context, HashPolicy::Unchanged),
        }
    }

    /// Returns the steps up to a stage, each behind those it waits for.
    pub(in crate::engine) fn order(&self, until: Stage) -> Vec<Node> {
        self.graph.order(until)
    }

    /// Returns the first step that would run and that the named stages wait for.
    pub(in crate::engine) fn first_due(&self) -> Option<&StepName> {
        self.first_due.as_ref()
    }

    /// Returns what a step finds at this point of the plan.
    pub(in crate::engine) fn situation(&self) -> Situation<'_> {
        Situation {
            run: self.run,
            purpose: &RunPurpose::Requested,
            results: &self.results,
            expected: &self.expected,
            hashes: &self.hashes,
        }
    }

    /// Keeps the digests that were taken.
    pub(in crate::engine) fn save(&self) {
        self.hashes.save();
    }

    /// Returns what a step would do; the steps before it must have been planned.
    ///
    /// # Errors
    /// The data, the cache or the registry cannot be read.
    pub(in crate::engine) fn plan(&mut self, node: Node) -> Result<PlannedStage, EngineError> {
        let step = step_of(node, self.run.job);
        if step.reads_data() {
            self.read_inputs()?;
        }
        let outlook = self.outlook(node, &*step)?;
        if outlook.runs {
            self.due.insert(node);
            if step.reads_data() {
                self.first_due.get_or_insert_with(|| step.name());
            }
        }
        let mut last = None;
        if let Some((entry, expected)) = outlook.cached {
            last = Some(entry.cost());
            self.expected.extend(expected);
            self.results.insert(node, entry);
        }
        let last = last.or_else(|| self.run.last_cost(step.name().name()));
        let need = step.memory(self.run, &self.results)?;
        let memory_bytes = need.map(|need| need.bytes);
        Ok(PlannedStage {
            stage: step.name(),
            runs: outlook.runs,
            why: outlook.why,
            key: outlook.key,
            last_elapsed_ms: last.map(|cost| cost.elapsed_ms),
            last_peak_bytes: last.and_then(|cost| cost.peak_bytes),
            memory_bytes,
            over_budget: outlook.runs && self.is_over_budget(memory_bytes),
        })
    }

    fn is_over_budget(&self, memory_bytes: Option<u64>) -> bool {
        let Some(limit) = self.run.job.spec.project.budget.memory else {
            return false;
        };
        memory_bytes.is_some_and(|needed| needed > limit.bytes())
    }

    /// Takes the digests of the data files, unless a program or a simulation must write them first.
    ///
    /// # Errors
    /// The training file is missing, or a file cannot be read.
    pub(in crate::engine) fn read_inputs(&mut self) -> Result<(), EngineError> {
        if self.no_fleet.is_some() || self.run.inputs().is_some() {
            return Ok(());
        }
        if let Some(program) = self.due_program_before(Node::Named(Stage::Validate)) {
            self.first_due.get_or_insert(program);
            return Ok(());
        }
        self.run
            .read_inputs(HashPolicy::Unchanged, &self.expected)?;
        Ok(())
    }

    fn outlook(&mut self, node: Node, step: &dyn Step) -> Result<Outlook, EngineError> {
        if let Some(why) = self.why_blocked(node, step)? {
            self.blocked.insert(node, why.clone());
            return Ok(Outlook::idle(why));
        }
        if let Some(why) = self
            .no_fleet
            .filter(|_| node == Node::Named(Stage::Validate))
        {
            return Ok(Outlook::due(why.to_owned()));
        }
        if let Some(program) = self.due_program_before(node) {
            return Ok(Outlook::due(format!("after `{program}`")));
        }
        let prepared = match step.prepare(&self.situation()) {
            Ok(prepared) => prepared,
            Err(error) => return missing_input(error).map(Outlook::due),
        };
        Ok(match prepared {
            Prepared::Unknown | Prepared::Change(_) => Outlook::due(self.why_unknown(node)),
            // What the registry shows now may be out of date once earlier stages have run.
            Prepared::Done(_) if self.first_due.is_some() => Outlook::due(self.why_unknown(node)),
            Prepared::Done(why) => Outlook::idle(why),
            Prepared::Task(task) => self.outlook_of_task(step, &task),
        })
    }

    fn outlook_of_task(&self, step: &dyn Step, task: &Task<'_>) -> Outlook {
        let key = Some(task.key.digest());
        let entry = match decide(self.run, step, task, false) {
            Decision::Run(why) => {
                return Outlook {
                    key,
                    ..Outlook::due(why)
                };
            }
            Decision::Cached(entry) => *entry,
        };
        let lost = task.compute.lost_outputs(&entry);
        let expected = task.compute.expected_files(&entry);
        let why = with_lost(UNCHANGED.to_owned(), &lost, self.run, "would be put back");
        Outlook {
            key,
            cached: Some((entry, expected)),
            ..Outlook::idle(why)
        }
    }

    /// Returns why a step would not be taken.
    fn why_blocked(&self, node: Node, step: &dyn Step) -> Result<Option<String>, EngineError> {
        let needs = self.graph.all_needs(node);
        for (blocked, why) in &self.blocked {
            if needs.contains(blocked) {
                return Ok(Some(why.clone()));
            }
        }
        step.blocked(&self.results, &RunPurpose::Requested)
    }

    /// Returns the first program that would run, of those a step takes files from.
    fn due_program_before(&self, node: Node) -> Option<StepName> {
        let needs = self.graph.needs(node);
        for need in self.due.intersection(&needs) {
            let feeds = match (need, node) {
                (Node::Named(_), _) => false,
                (Node::Exec(exec), Node::Named(Stage::Validate)) => self.graph.makes_data(*exec),
                (Node::Exec(_), Node::Named(_)) => false,
                (Node::Exec(_), Node::Exec(_)) => true,
            };
            if feeds {
                return Some(self.graph.step(*need));
            }
        }
        None
    }

    /// Returns what a step waits for, whose inputs are not known yet.
    fn why_unknown(&self, node: Node) -> String {
        let waits_for = match node {
            Node::Named(_) => self.first_due.clone(),
            Node::Exec(exec) => self.graph.stages()[exec].after.map(StepName::from),
        };
        match waits_for {
            Some(step) => format!("after `{step}`"),
            None => "its inputs are new".to_owned(),
        }
    }
}

/// A plan says which input of a program is missing; the run stops at it.
fn missing_input(error: EngineError) -> Result<String, EngineError> {
    match error {
        EngineError::Exec { source, .. } if matches!(*source, ExecError::Input(_)) => {
            Ok(source.to_string())
        }
        other => Err(other),
    }
}
