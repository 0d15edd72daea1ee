//! Monitoring of runs by machines: log lines, spans, a timeline, metrics.
//!
//! | part | purpose |
//! | --- | --- |
//! | [`Spans`] | events become spans and lines of `tracing`: command, stage, part of a fit |
//! | [`TraceContext`] | the trace a command belongs to, by W3C's `traceparent` |
//! | [`JobFacts`], [`Gatherer`] | the results of a job, collected while it runs |
//! | [`prometheus`] | the same as metrics in a file, for the textfile collector of Prometheus' node exporter |
//! | [`timeline`] | a recorded run as a Chrome trace, for Perfetto |
//! | `otlp` | spans and metrics to an OpenTelemetry collector, in programs built with the feature of that name |
//!
//! Nothing here stops or fails a run.

mod facts;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod prometheus;
mod spans;
pub mod timeline;
mod trace_context;

pub use facts::{ChampionFact, DriftFact, GateFact, Gatherer, JobFacts, PredictFact, ScoreFact};
pub use spans::{LoggedError, Spans, TARGET, WORDS};
pub use trace_context::TraceContext;
