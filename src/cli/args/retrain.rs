use std::path::PathBuf;

use clap::Args;

use super::PipelineArgs;
use pdm_engine::config::Condition;

const EXAMPLES: &str = "\
Examples:
  pdm-ml retrain pipelines/fd001.toml
  pdm-ml retrain pipelines/fd001.toml --if new-data,drift,older-than=7d --summary night.json

Without --if the reasons are those of [retrain] `when`, else new-data. Run twice, it does nothing the second time; killed, the
same command goes on. Exit code 0: promoted, or nothing to do; 20 and 21: a new model was made, and a gate said no or could
not tell, so the champion stays.";

#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct RetrainArgs {
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
    /// Make a new model if one of these holds: new-data, new-units=N, drift, older-than=TIME, always
    #[arg(long = "if", value_name = "REASONS", value_delimiter = ',')]
    pub(in crate::cli) when: Vec<Condition>,
    /// Write what came of it, failures too, to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) summary: Option<PathBuf>,
    /// Write the summary over a file that is no earlier one
    #[arg(long, requires = "summary")]
    pub(in crate::cli) force: bool,
    /// Tell those who are named in `[[notify]]` how it ended
    #[arg(long)]
    pub(in crate::cli) notify: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  pdm-ml drift pipelines/fd001.toml\n\nThe champion's training units are compared with those that came in since; one number a unit, sensor and regime. Exit code 0:\nno drift, 30: drift, 31: too few new units to say."
)]
pub(in crate::cli) struct DriftArgs {
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
}
