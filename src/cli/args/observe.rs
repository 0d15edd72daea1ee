//! How a command is watched.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags every command takes, for those who watch it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Watching")]
pub(in crate::cli) struct WatchArgs {
    /// Write messages as text for people, or as JSON, one object a line; without it PDM_ML_LOG_FORMAT, else text
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub(in crate::cli) log_format: Option<LogFormat>,
    /// Log what is at least this important, such as `debug` or `warn,pdm_ml::http=debug`; without it PDM_ML_LOG
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(in crate::cli) log_level: Option<String>,
    /// After `run`, `retrain`, `gate`, `promote` and `predict`, write metrics for Prometheus' node exporter to this file, which
    /// ends in `.prom`; without it PDM_ML_METRICS_FILE
    #[arg(long, global = true, value_name = "FILE")]
    pub(in crate::cli) metrics_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    /// Words for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Which run's timeline to write, and where.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  pdm-ml runs trace 0193a1b2 --output trace.json      then open it in https://ui.perfetto.dev"
)]
pub(in crate::cli) struct TraceArgs {
    /// Run id, or the beginning of one
    pub(in crate::cli) run: String,
    /// Write to this file instead of standard output
    #[arg(short, long = "output", alias = "out", value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) store: super::RunStoreArgs,
}
