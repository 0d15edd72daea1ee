//! What others learn of a run: its journal, MLflow, notices, logs, traces and metrics.

pub mod notify;
pub mod observe;
pub mod tracking;
