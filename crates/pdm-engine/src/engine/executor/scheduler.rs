//! Starts each step as soon as those it waits for are done, at most as many at once as there are threads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{CancelToken, Executor, StepResult};
use crate::config::{ExecGraph, Node, Stage};
use crate::engine::outcome::StageRow;
use crate::engine::results::Results;
use crate::engine::step::step_of;
use crate::engine::{EngineError, Job};
use pdm_core::events::Interrupted;

/// The steps of a run and their state.
pub(in crate::engine) struct Scheduler<'s> {
    graph: ExecGraph<'s>,
    /// The steps to execute, each after those it waits for.
    order: Vec<Node>,
    cancel: Arc<CancelToken>,
    state: Mutex<ScheduleState>,
    changed: Condvar,
}

#[derive(Default)]
struct ScheduleState {
    begun: BTreeSet<Node>,
    /// The steps that have ended: executed, or blocked by a gate.
    rows: BTreeMap<Node, StageRow>,
    results: Results,
    failed: Option<EngineError>,
    is_over: bool,
}

/// The results of all steps, whether or not one failed.
pub(in crate::engine) struct Finished {
    /// The steps that were executed or blocked, in the order of the graph.
    pub(in crate::engine) rows: Vec<StageRow>,
    pub(in crate::engine) results: Results,
    /// The first failure.
    pub(in crate::engine) failed: Option<EngineError>,
}

impl<'s> Scheduler<'s> {
    /// Returns a scheduler of all steps up to a stage; `cancel` stops the work of all of them.
    pub(in crate::engine) fn up_to(until: Stage, job: &'s Job, cancel: Arc<CancelToken>) -> Self {
        let graph = ExecGraph::of(&job.spec);
        let order = graph.order(until);
        Self::new(graph, order, cancel)
    }

    /// Returns a scheduler of the programs that make data.
    pub(in crate::engine) fn of_data(job: &'s Job, cancel: Arc<CancelToken>) -> Self {
        let graph = ExecGraph::of(&job.spec);
        let needs = graph.all_needs(Node::Named(Stage::Validate));
        let mut order = graph.order(Stage::Validate);
        order.retain(|node| needs.contains(node));
        Self::new(graph, order, cancel)
    }

    fn new(graph: ExecGraph<'s>, order: Vec<Node>, cancel: Arc<CancelToken>) -> Self {
        Self {
            graph,
            order,
            cancel,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Returns whether there is nothing to do.
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Executes all steps, on this thread and as many others as the programs of `[[stage]]` can use.
    pub(in crate::engine) fn run(self, executor: &Executor<'_>) -> Finished {
        let is_program = |node: &&Node| matches!(node, Node::Exec(_));
        let programs = self.order.iter().filter(is_program).count();
        let helpers = programs.min(rayon::current_num_threads().saturating_sub(1));
        thread::scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|| self.execute_steps(executor));
            }
            self.execute_steps(executor);
        });
        self.finish()
    }

    fn execute_steps(&self, executor: &Executor<'_>) {
        let _ends_the_others = EndOnPanic(self);
        while let Some((node, results)) = self.next() {
            match execute(executor, node, &results) {
                Ok(Attempt::Done(result)) => self.done(node, *result),
                Ok(Attempt::Blocked(why)) => self.block(node, &why),
                Err(error) => self.fail(error),
            }
        }
    }

    /// Returns the next step, once it may begin, and the results so far; none when no step is left.
    fn next(&self) -> Option<(Node, Results)> {
        let mut state = self.lock();
        loop {
            if state.is_over || state.begun.len() == self.order.len() {
                return None;
            }
            if let Some(node) = self.ready(&state) {
                state.begun.insert(node);
                return Some((node, state.results.clone()));
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn ready(&self, state: &ScheduleState) -> Option<Node> {
        let is_ready = |node: &&Node| {
            let needs = self.graph.needs(**node);
            let mut wanted = needs.iter().filter(|need| self.order.contains(need));
            !state.begun.contains(*node) && wanted.all(|need| state.rows.contains_key(need))
        };
        self.order.iter().find(is_ready).copied()
    }

    fn done(&self, node: Node, result: StepResult) {
        let mut state = self.lock();
        state.rows.insert(node, result.row);
        if let Some(entry) = result.entry {
            state.results.insert(node, entry);
        }
        self.changed.notify_all();
    }

    /// Blocks a step and every step that waits for it.
    fn block(&self, node: Node, why: &str) {
        let mut state = self.lock();
        for other in &self.order {
            let waits = *other == node || self.graph.all_needs(*other).contains(&node);
            if waits && (*other == node || !state.begun.contains(other)) {
                let row = StageRow::stopped(self.graph.step(*other), why.to_owned());
                state.begun.insert(*other);
                state.rows.insert(*other, row);
            }
        }
        self.changed.notify_all();
    }

    /// Ends all work. The error of a step that was stopped because another failed does not replace that failure.
    fn fail(&self, error: EngineError) {
        let mut state = self.lock();
        match &state.failed {
            Some(first) if !was_abandoned(first) => {}
            Some(_) | None => state.failed = Some(error),
        }
        self.end(&mut state);
    }

    fn end(&self, state: &mut ScheduleState) {
        state.is_over = true;
        self.cancel.cancel();
        self.changed.notify_all();
    }

    fn finish(self) -> Finished {
        let mut state = self
            .state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut rows = Vec::new();
        for node in &self.order {
            rows.extend(state.rows.remove(node));
        }
        Finished {
            rows,
            results: state.results,
            failed: state.failed,
        }
    }

    /// Locks the state. A thread that panicked ends the command when it is joined; until then the state is usable.
    fn lock(&self) -> MutexGuard<'_, ScheduleState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn was_abandoned(error: &EngineError) -> bool {
    matches!(error.interrupted(), Some(Interrupted::Abandoned))
}

enum Attempt {
    Done(Box<StepResult>),
    Blocked(String),
}

fn execute(executor: &Executor<'_>, node: Node, results: &Results) -> Result<Attempt, EngineError> {
    let step = step_of(node, executor.run.job);
    if let Some(why) = step.blocked(results, executor.purpose)? {
        return Ok(Attempt::Blocked(why));
    }
    Ok(Attempt::Done(Box::new(executor.execute(&*step, results)?)))
}

/// Ends all work when its thread panics, so that no other thread waits for the step that is left undone.
struct EndOnPanic<'p, 's>(&'p Scheduler<'s>);

impl Drop for EndOnPanic<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut state = self.0.lock();
            self.0.end(&mut state);
        }
    }
}
