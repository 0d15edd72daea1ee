use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope};
use std::time::Duration;

use super::ExecError;
use super::step::ExecContext;
use crate::cache::CacheEntry;
use crate::config::{ExecGraph, Node, Stage};
use crate::engine::EngineError;
use crate::engine::outcome::StageRow;
use pdm_core::events::{Guard, Interrupted, Reporter};

/// How long the line waits before it asks again whether it should stop.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// Tells all work of a command that a part of it failed.
#[derive(Debug, Default)]
pub(in crate::engine) struct CancelToken(AtomicBool);

impl Guard for CancelToken {
    fn check(&self) -> Result<(), Interrupted> {
        if self.0.load(Ordering::Relaxed) {
            Err(Interrupted::Abandoned)
        } else {
            Ok(())
        }
    }
}

/// A thread that panics leaves its work undone, which nobody must wait for.
struct OnPanic<'p, 'b>(&'p Scheduler<'b>);

impl Drop for OnPanic<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.close();
        }
    }
}

/// Who may begin, who is done, and what went wrong: shared by the line and the threads that run programs beside it.
///
/// As many are at work side by side as there are threads, the line being one of them.
pub(in crate::engine) struct Scheduler<'b> {
    graph: ExecGraph<'b>,
    wanted: BTreeSet<usize>,
    places: usize,
    abandon: Arc<CancelToken>,
    reporter: Reporter,
    state: Mutex<SchedulerState>,
    changed: Condvar,
}

#[derive(Default)]
struct SchedulerState {
    stages: BTreeMap<Stage, CacheEntry>,
    done: BTreeSet<Node>,
    /// Steps that a gate stands before.
    stopped: BTreeMap<Node, String>,
    begun: BTreeSet<usize>,
    rows: BTreeMap<Node, StageRow>,
    entries: BTreeMap<usize, CacheEntry>,
    working: usize,
    failed: Option<(usize, ExecError)>,
    over: bool,
}

impl<'b> Scheduler<'b> {
    /// Returns a board for the `exec` stages in `wanted`; `abandon` guards all work of the command.
    pub(in crate::engine) fn new(
        graph: ExecGraph<'b>,
        wanted: BTreeSet<usize>,
        abandon: Arc<CancelToken>,
        reporter: Reporter,
    ) -> Self {
        let (state, changed) = (Mutex::default(), Condvar::new());
        Self {
            graph,
            wanted,
            places: rayon::current_num_threads(),
            abandon,
            reporter,
            state,
            changed,
        }
    }

    /// Starts the threads that run programs, each as soon as it may.
    pub(in crate::engine) fn open<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        bench: &'scope ExecContext<'scope>,
    ) {
        for _ in 0..self.places.min(self.wanted.len()) {
            scope.spawn(|| self.help(bench));
        }
    }

    fn help(&self, bench: &ExecContext<'_>) {
        let _ends_the_others = OnPanic(self);
        while let Some((exec, stages)) = self.next() {
            let result = bench.step(exec, &stages, &self.reporter);
            let mut state = self.lock();
            state.working -= 1;
            match result {
                Ok((row, entry)) => {
                    state.done.insert(Node::Exec(exec));
                    state.rows.insert(Node::Exec(exec), row);
                    state.entries.insert(exec, entry);
                }
                Err(error) => {
                    state.failed.get_or_insert((exec, error));
                    self.end(&mut state);
                }
            }
            self.changed.notify_all();
        }
    }

    /// Returns the next program to run, once it may begin; nothing when there is none left.
    fn next(&self) -> Option<(usize, BTreeMap<Stage, CacheEntry>)> {
        let mut state = self.lock();
        loop {
            if state.over || self.wanted.iter().all(|exec| state.begun.contains(exec)) {
                return None;
            }
            if let Some(exec) = self.ready(&state) {
                state.begun.insert(exec);
                state.working += 1;
                return Some((exec, state.stages.clone()));
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn ready(&self, state: &SchedulerState) -> Option<usize> {
        let may = |exec: &&usize| {
            !state.begun.contains(*exec)
                && self
                    .graph
                    .needs(Node::Exec(**exec))
                    .iter()
                    .all(|n| state.done.contains(n))
        };
        self.wanted
            .iter()
            .find(may)
            .copied()
            .filter(|_| state.working < self.places)
    }

    /// Waits until a named stage may begin: what it waits for is done, and there is a place to work at.
    pub(in crate::engine) fn begin(&self, stage: Stage) -> Result<(), EngineError> {
        let needs: Vec<_> = self
            .graph
            .needs(Node::Named(stage))
            .into_iter()
            .filter(|n| self.wants(*n))
            .collect();
        self.wait(|state| {
            let ready = needs
                .iter()
                .all(|need| state.done.contains(need) || state.stopped.contains_key(need));
            ready && state.working < self.places
        })?
        .working += 1;
        Ok(())
    }

    /// Tells that the line no longer works on a stage, and what it left.
    pub(in crate::engine) fn done(&self, stage: Stage, entry: Option<CacheEntry>) {
        let mut state = self.lock();
        state.working -= 1;
        state.done.insert(Node::Named(stage));
        state.stages.extend(entry.map(|entry| (stage, entry)));
        self.changed.notify_all();
    }

    /// Tells that the line does not reach a stage, nor what waits for it.
    pub(in crate::engine) fn stopped(&self, stage: Stage, why: &str) {
        let mut state = self.lock();
        state.working -= 1;
        let behind = |exec: &&usize| {
            self.graph
                .all_needs(Node::Exec(**exec))
                .contains(&Node::Named(stage))
        };
        for exec in self
            .wanted
            .iter()
            .filter(behind)
            .filter(|exec| !state.begun.contains(exec))
            .collect::<Vec<_>>()
        {
            state.begun.insert(*exec);
            state.stopped.insert(Node::Exec(*exec), why.to_owned());
        }
        state.stopped.insert(Node::Named(stage), why.to_owned());
        self.changed.notify_all();
    }

    /// Waits for all programs, once the line is at its end.
    pub(in crate::engine) fn finish(&self) -> Result<(), EngineError> {
        let ended = |exec: &usize, state: &SchedulerState| {
            state.done.contains(&Node::Exec(*exec))
                || state.stopped.contains_key(&Node::Exec(*exec))
        };
        self.wait(|state| self.wanted.iter().all(|exec| ended(exec, state)))
            .map(drop)
    }

    /// Ends all work; for what is over, nothing is left to end.
    pub(in crate::engine) fn close(&self) {
        self.end(&mut self.lock());
        self.changed.notify_all();
    }

    fn end(&self, state: &mut SchedulerState) {
        state.over = true;
        self.abandon.0.store(true, Ordering::Relaxed);
    }

    /// Returns how the work ended: what the line says, unless it ended because a program had failed.
    pub(in crate::engine) fn settle<T>(
        &self,
        line: Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        line.map_err(|error| {
            let failed = self.lock().failed.take();
            if !matches!(error.interrupted(), Some(Interrupted::Abandoned)) {
                return error;
            }
            match failed {
                Some((_, ExecError::Lock(error))) => (*error).into(),
                Some((exec, source)) => EngineError::Exec {
                    stage: self.graph.stages()[exec].name.clone(),
                    source: Box::new(source),
                },
                None => error,
            }
        })
    }

    /// Returns the rows of the line and of the programs beside it, in the order in which they could begin.
    pub(in crate::engine) fn rows(&self, until: Stage, line: Vec<StageRow>) -> Vec<StageRow> {
        let mut state = self.lock();
        let mut line = line.into_iter();
        let stopped =
            |why: &String, node: Node| StageRow::stopped(self.graph.step(node), why.clone());
        let row = |node: Node| match node {
            Node::Named(_) => line.next(),
            Node::Exec(_) => state
                .rows
                .remove(&node)
                .or_else(|| state.stopped.get(&node).map(|why| stopped(why, node))),
        };
        self.graph
            .order(until)
            .into_iter()
            .filter_map(row)
            .collect()
    }

    /// Returns what the programs left.
    pub(in crate::engine) fn entries(&self) -> Vec<(usize, CacheEntry)> {
        self.lock()
            .entries
            .iter()
            .map(|(exec, entry)| (*exec, entry.clone()))
            .collect()
    }

    fn wants(&self, node: Node) -> bool {
        matches!(node, Node::Exec(exec) if self.wanted.contains(&exec))
    }

    fn wait(
        &self,
        until: impl Fn(&SchedulerState) -> bool,
    ) -> Result<MutexGuard<'_, SchedulerState>, EngineError> {
        let mut state = self.lock();
        while !until(&state) {
            if state.failed.is_some() {
                return Err(Interrupted::Abandoned.into());
            }
            self.reporter.check()?;
            state = self
                .changed
                .wait_timeout(state, ASK_AGAIN)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        Ok(state)
    }

    /// A thread that panicked ends the command when it is joined; until then the board is as good as it was.
    fn lock(&self) -> MutexGuard<'_, SchedulerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
