//! The graph of a run: the named stages and the programs of `[[stage]]`, and what each waits for.

use std::collections::BTreeSet;
use std::path::Path;

use super::ExecOptions;
use super::paths::plain;
use crate::config::{PipelineSpec, Stage, StepName};
use pdm_core::codes::Code;
use pdm_core::domain::Problem;
use pdm_models::data::{self, DatasetOptions};

/// A step of a run: a named stage, or a `[[stage]]` by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// The `[[stage]]` of this number, from 0.
    Exec(usize),
    /// A named stage.
    Named(Stage),
}

/// What each step waits for: a named stage for the one before it, and a program for what its `[[stage]]` declares.
#[derive(Debug, Clone)]
pub struct ExecGraph<'s> {
    stages: &'s [ExecOptions],
    makes_data: Vec<bool>,
}

impl<'s> ExecGraph<'s> {
    /// Returns the graph of a pipeline.
    pub fn of(spec: &'s PipelineSpec) -> Self {
        Self::new(&spec.stages, &spec.dataset)
    }

    fn new(stages: &'s [ExecOptions], dataset: &DatasetOptions) -> Self {
        let files = data::parts(dataset, Path::new(""));
        let is_data = |output: &String| {
            files
                .iter()
                .any(|part| plain(&part.path.to_string_lossy()) == plain(output))
        };
        let makes_data = stages
            .iter()
            .map(|stage| stage.outputs.iter().any(is_data))
            .collect();
        Self { stages, makes_data }
    }

    /// Returns the programs, in the order of the file.
    pub fn stages(&self) -> &'s [ExecOptions] {
        self.stages
    }

    /// Returns whether a program makes a file of the data set.
    pub fn makes_data(&self, exec: usize) -> bool {
        self.makes_data[exec]
    }

    /// Returns whether any program makes a file of the data set.
    pub fn some_make_data(&self) -> bool {
        self.makes_data.contains(&true)
    }

    /// Returns whether a program comes before a named stage: it waits neither for that stage nor for a later one.
    pub fn comes_before(&self, exec: usize, stage: Stage) -> bool {
        self.latest(exec) < Some(stage)
    }

    /// Returns the steps that a step waits for directly.
    pub fn needs(&self, node: Node) -> BTreeSet<Node> {
        match node {
            Node::Named(stage) => {
                let before = Stage::ALL
                    .iter()
                    .rev()
                    .find(|other| **other < stage)
                    .map(|other| Node::Named(*other));
                let waits = |exec: &usize| {
                    self.stages[*exec].before == Some(stage)
                        || (stage == Stage::Validate && self.makes_data[*exec])
                };
                before
                    .into_iter()
                    .chain(self.execs().filter(waits).map(Node::Exec))
                    .collect()
            }
            Node::Exec(exec) => {
                let makers = self
                    .execs()
                    .filter(|maker| *maker != exec && self.feeds(*maker, exec));
                self.stages[exec]
                    .after
                    .map(Node::Named)
                    .into_iter()
                    .chain(makers.map(Node::Exec))
                    .collect()
            }
        }
    }

    /// Returns all steps that a step waits for, directly or not.
    pub fn all_needs(&self, node: Node) -> BTreeSet<Node> {
        let mut found = BTreeSet::new();
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            for need in self.needs(node) {
                if found.insert(need) {
                    open.push(need);
                }
            }
        }
        found
    }

    /// Returns the programs that must run to bring a pipeline up to a stage: those it waits for, and those after one of its
    /// stages that nothing waits for.
    pub fn needed_for(&self, until: Stage) -> BTreeSet<usize> {
        let ends = self.execs().filter(|exec| {
            self.stages[*exec].before.is_none() && self.latest(*exec) <= Some(until)
        });
        let roots: Vec<_> = ends.map(Node::Exec).chain([Node::Named(until)]).collect();
        let all = roots
            .iter()
            .flat_map(|root| self.all_needs(*root).into_iter().chain([*root]));
        let exec = |node| match node {
            Node::Exec(exec) => Some(exec),
            Node::Named(_) => None,
        };
        all.filter_map(exec).collect()
    }

    /// Returns the steps up to a stage, each after those it waits for; a program as early as it may run.
    pub fn order(&self, until: Stage) -> Vec<Node> {
        let wanted = self.needed_for(until).into_iter().map(Node::Exec);
        let mut rest: Vec<_> = wanted
            .chain(until.up_to().iter().map(|stage| Node::Named(*stage)))
            .collect();
        let mut order = Vec::new();
        // Programs are before named stages in `rest`, so they come first among those that are ready.
        while let Some(at) = rest
            .iter()
            .position(|node| self.needs(*node).iter().all(|need| order.contains(need)))
        {
            order.push(rest.remove(at));
        }
        order
    }

    /// Returns the name of a step.
    pub fn step(&self, node: Node) -> StepName {
        match node {
            Node::Named(stage) => StepName::Named(stage),
            Node::Exec(exec) => StepName::Exec(self.stages[exec].name.clone()),
        }
    }

    fn execs(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.stages.len()
    }

    fn feeds(&self, maker: usize, reader: usize) -> bool {
        self.stages[maker]
            .outputs
            .iter()
            .any(|output| self.stages[reader].reads(output))
    }

    /// Returns the last named stage that a program waits for.
    fn latest(&self, exec: usize) -> Option<Stage> {
        let named = |node: &Node| match node {
            Node::Named(stage) => Some(*stage),
            Node::Exec(_) => None,
        };
        self.all_needs(Node::Exec(exec))
            .iter()
            .filter_map(named)
            .max()
    }

    /// Returns a cycle of steps from a step to itself, each waiting for the next.
    fn cycle(&self, start: Node) -> Option<Vec<Node>> {
        let mut open = vec![vec![start]];
        let mut seen = BTreeSet::new();
        while let Some(path) = open.pop() {
            for need in self.needs(*path.last()?) {
                let longer = [path.as_slice(), &[need]].concat();
                if need == start {
                    return Some(longer);
                }
                if seen.insert(need) {
                    open.push(longer);
                }
            }
        }
        None
    }
}

/// Returns what is wrong with the programs together: names and outputs that are taken, and stages that wait for themselves.
pub(in crate::config) fn graph_problems(spec: &PipelineSpec) -> Vec<Problem> {
    let graph = ExecGraph::of(spec);
    let mut problems = taken(graph.stages);
    let mut reported = BTreeSet::new();
    for exec in graph.execs() {
        if reported.contains(&Node::Exec(exec)) {
            continue;
        }
        let Some(cycle) = graph.cycle(Node::Exec(exec)) else {
            continue;
        };
        let names: Vec<_> = cycle
            .iter()
            .map(|node| format!("`{}`", graph.step(*node)))
            .collect();
        let key = if matches!(cycle[1], Node::Named(_)) {
            "after"
        } else {
            "inputs"
        };
        let message = format!("waits for itself: {}", names.join(" waits for "));
        problems.push(
            Problem::new(format!("stage.{exec}.{key}"), message).with_code(Code::StagesInACircle),
        );
        reported.extend(cycle);
    }
    problems
}

fn taken(stages: &[ExecOptions]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, stage) in stages.iter().enumerate() {
        let before = &stages[..i];
        if before.iter().any(|other| other.name == stage.name) {
            let message = format!("a stage `{}` is written above", stage.name);
            problems
                .push(Problem::new(format!("stage.{i}.name"), message).with_code(Code::NamedTwice));
        }
        for (at, output) in stage.outputs.iter().enumerate() {
            let makes = |other: &&ExecOptions| {
                other
                    .outputs
                    .iter()
                    .any(|made| plain(made) == plain(output))
            };
            if let Some(maker) = before.iter().find(makes) {
                let message = format!("`{output}` is already made by `{}`", maker.name);
                problems.push(
                    Problem::new(format!("stage.{i}.outputs.{at}"), message)
                        .with_code(Code::OutputTaken),
                );
            }
        }
    }
    problems
}
