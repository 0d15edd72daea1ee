use std::collections::BTreeSet;
use std::sync::Arc;
use std::thread;

use super::{CancelToken, ExecContext, Scheduler};
use crate::cache::Cache;
use crate::config::{ExecGraph, Node, Stage};
use crate::engine::remote::SharedCache;
use crate::engine::{Context, EngineError, Job};

/// Brings about the data that `exec` stages make, for commands that read the data and run no stages.
///
/// # Errors
/// A program failed, or the cache cannot be used.
pub(in crate::engine) fn provide_data(context: &Context, job: &Job) -> Result<(), EngineError> {
    let graph = ExecGraph::of(&job.spec);
    let exec = |node| match node {
        Node::Exec(exec) => Some(exec),
        Node::Named(_) => None,
    };
    let wanted: BTreeSet<usize> = graph
        .all_needs(Node::Named(Stage::Validate))
        .into_iter()
        .filter_map(exec)
        .collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let abandon = Arc::new(CancelToken::default());
    let context = Context {
        reporter: context
            .reporter
            .guarded(Arc::<CancelToken>::clone(&abandon)),
        ..context.clone()
    };
    let _turn = context.lock_project()?;
    let cache = Cache::open(context.state_dir().join("cache"))?;
    let remote = Arc::new(SharedCache::open(&context, job));
    let bench = ExecContext {
        remote,
        ..ExecContext::to_look(&context, job, &cache)
    };
    let board = Scheduler::new(graph, wanted, abandon, context.reporter.clone());
    let done = thread::scope(|scope| {
        board.open(scope, &bench);
        let done = board.begin(Stage::Validate);
        board.close();
        done
    });
    bench.memory.save();
    board.settle(done)
}
