//! Arguments for logs, traces and metrics.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Flags of every command for logs and metrics.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Logs and metrics")]
pub(in crate::cli) struct WatchArgs {
    /// Format of messages: text, or JSON with one object per line [default: PDM_ML_LOG_FORMAT, else text]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub(in crate::cli) log_format: Option<LogFormat>,
    /// Minimum log level, such as `debug` or `warn,pdm_ml::http=debug` [default: PDM_ML_LOG]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub(in crate::cli) log_level: Option<String>,
    /// Write metrics for the Prometheus node exporter to this `.prom` file, after `run`, `retrain`, `gate`, `promote`,
    /// `predict` and `drift` [default: PDM_ML_METRICS_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    pub(in crate::cli) metrics_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum LogFormat {
    /// Text for people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

/// The run whose timeline is written, and the destination.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  pdm-ml runs trace 0193a1b2 --output trace.json      then open it in https://ui.perfetto.dev"
)]
pub(in crate::cli) struct TraceArgs {
    /// Run id, or the start of one
    pub(in crate::cli) run: String,
    /// Write to this file instead of standard output
    #[arg(short, long = "output", alias = "out", value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Overwrite a file that is not an earlier timeline
    #[arg(long, requires = "out")]
    pub(in crate::cli) force: bool,
    #[command(flatten)]
    pub(in crate::cli) store: super::RunStoreArgs,
}
