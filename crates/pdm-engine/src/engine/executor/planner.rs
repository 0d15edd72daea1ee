//! Says what the steps of a run would do, by the code that runs them. Changes nothing.

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
    /// Steps that a failed gate blocks, with the reason.
    blocked: BTreeMap<Node, String>,
    /// The first step that would run and that all later named stages wait for.
    first_due: Option<StepName>,
    /// Why the data do not exist yet, where a simulated fleet must be written first.
    no_fleet: Option<&'static str>,
    hashes: DigestCache,
}

/// What a step would do.
struct StepPlan {
    runs: bool,
    why: String,
    key: Option<Digest>,
    /// The result that is in the cache, and the files it would put into the project.
    cached: Option<(CacheEntry, ExpectedFiles)>,
}

impl StepPlan {
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

    /// Returns the steps up to a stage, each after those it waits for.
    pub(in crate::engine) fn order(&self, until: Stage) -> Vec<Node> {
        self.graph.order(until)
    }

    /// Returns the first step that would run and that the named stages wait for.
    pub(in crate::engine) fn first_due(&self) -> Option<&StepName> {
        self.first_due.as_ref()
    }

    /// Returns the situation of a step at this point of the plan.
    pub(in crate::engine) fn situation(&self) -> Situation<'_> {
        Situation {
            run: self.run,
            purpose: &RunPurpose::Requested,
            results: &self.results,
            expected: &self.expected,
            hashes: &self.hashes,
        }
    }

    /// Saves the digests of the files that were hashed.
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
        let step_plan = self.plan_step(node, &*step)?;
        if step_plan.runs {
            self.due.insert(node);
            if step.reads_data() {
                self.first_due.get_or_insert_with(|| step.name());
            }
        }
        let mut last = None;
        if let Some((entry, expected)) = step_plan.cached {
            last = Some(entry.cost());
            self.expected.extend(expected);
            self.results.insert(node, entry);
        }
        let last = last.or_else(|| self.run.last_cost(step.name().name()));
        let need = step.memory(self.run, &self.results)?;
        let memory_bytes = need.map(|need| need.bytes);
        Ok(PlannedStage {
            stage: step.name(),
            runs: step_plan.runs,
            why: step_plan.why,
            key: step_plan.key,
            last_elapsed_ms: last.map(|cost| cost.elapsed_ms),
            last_peak_bytes: last.and_then(|cost| cost.peak_bytes),
            memory_bytes,
            over_budget: step_plan.runs && self.is_over_budget(memory_bytes),
        })
    }

    fn is_over_budget(&self, memory_bytes: Option<u64>) -> bool {
        let Some(limit) = self.run.job.spec.project.budget.memory else {
            return false;
        };
        memory_bytes.is_some_and(|needed| needed > limit.bytes())
    }

    /// Hashes the data files, unless a program or a simulation must write them first.
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

    fn plan_step(&mut self, node: Node, step: &dyn Step) -> Result<StepPlan, EngineError> {
        if let Some(why) = self.why_blocked(node, step)? {
            self.blocked.insert(node, why.clone());
            return Ok(StepPlan::idle(why));
        }
        if let Some(why) = self.no_fleet
            && node == Node::Named(Stage::Validate)
        {
            return Ok(StepPlan::due(why.to_owned()));
        }
        if let Some(program) = self.due_program_before(node) {
            return Ok(StepPlan::due(format!("after `{program}`")));
        }
        let prepared = match step.prepare(&self.situation()) {
            Ok(prepared) => prepared,
            Err(error) => return missing_input(error).map(StepPlan::due),
        };
        Ok(match prepared {
            Prepared::Unknown | Prepared::Change(_) => StepPlan::due(self.why_unknown(node)),
            // What the registry shows now may be out of date once earlier stages have run.
            Prepared::Done(_) if self.first_due.is_some() => StepPlan::due(self.why_unknown(node)),
            Prepared::Done(why) => StepPlan::idle(why),
            Prepared::Task(task) => self.plan_task(step, &task),
        })
    }

    fn plan_task(&self, step: &dyn Step, task: &Task<'_>) -> StepPlan {
        let key = Some(task.key.digest());
        let entry = match decide(self.run, step, task, false) {
            Decision::Run(why) => {
                return StepPlan {
                    key,
                    ..StepPlan::due(why)
                };
            }
            Decision::Cached(entry) => *entry,
        };
        let lost = task.compute.lost_outputs(&entry);
        let expected = task.compute.expected_files(&entry);
        let why = with_lost(UNCHANGED.to_owned(), &lost, self.run, "would be put back");
        StepPlan {
            key,
            cached: Some((entry, expected)),
            ..StepPlan::idle(why)
        }
    }

    /// Returns why a step is blocked, where it is.
    fn why_blocked(&self, node: Node, step: &dyn Step) -> Result<Option<String>, EngineError> {
        let needs = self.graph.all_needs(node);
        for (blocked, why) in &self.blocked {
            if needs.contains(blocked) {
                return Ok(Some(why.clone()));
            }
        }
        step.blocked(&self.results, &RunPurpose::Requested)
    }

    /// Returns the first program that would run and whose files a step reads.
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

    /// Returns what a step waits for whose inputs are not known yet.
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

/// Returns a missing input of a program as a reason, and any other error as it is: a plan goes on, a run stops.
fn missing_input(error: EngineError) -> Result<String, EngineError> {
    match error {
        EngineError::Exec { source, .. } if matches!(*source, ExecError::Input(_)) => {
            Ok(source.to_string())
        }
        other => Err(other),
    }
}
