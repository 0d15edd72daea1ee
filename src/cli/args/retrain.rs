use std::path::PathBuf;

use clap::Args;

use super::PipelineArgs;
use pdm_engine::config::Condition;

const EXAMPLES: &str = "\
Examples:
  pdm-ml retrain pipelines/fd001.toml
  pdm-ml retrain pipelines/fd001.toml --if new-data,drift,older-than=7d --summary summary.json

Without --if the reasons are those of [retrain] `when`, else new-data. A second run without new data does nothing; after an
interruption, the same command continues. Exit code 0: promoted, or nothing to do; 20 or 21: a new model was trained, but a
gate failed or is undecided, so the champion is not replaced.";

#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct RetrainArgs {
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
    /// Train a new model if one of these applies: new-data, new-units=N, drift, older-than=TIME, always
    #[arg(long = "if", value_name = "REASONS", value_delimiter = ',')]
    pub(in crate::cli) when: Vec<Condition>,
    /// Write the result, including failures, to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) summary: Option<PathBuf>,
    /// Overwrite a file that is not an earlier summary
    #[arg(long, requires = "summary")]
    pub(in crate::cli) force: bool,
    /// Send the result to the receivers in `[[notify]]`
    #[arg(long)]
    pub(in crate::cli) notify: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  pdm-ml drift pipelines/fd001.toml\n\nThe champion's training units are compared with the units added since, by one number per unit, sensor and regime. Exit code\n0: no drift, 30: drift, 31: too few new units to decide."
)]
pub(in crate::cli) struct DriftArgs {
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
}
