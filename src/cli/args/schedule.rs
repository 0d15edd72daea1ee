//! The arguments of `schedule`, and of `init --ci`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::PipelineArgs;
use pdm_engine::schedule::SchedulerKind;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ScheduleCommand {
    /// Write the pipeline's [schedule] as the definition that a scheduler reads
    #[command(
        after_help = "Examples:\n  pdm-ml schedule export systemd --output ~/.config/systemd/user\n  pdm-ml schedule export kubernetes | kubectl apply -f -"
    )]
    Export(ScheduleExportArgs),
    /// Show when the pipeline runs next, in the schedule's time zone
    Next(ScheduleNextArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScheduleExportArgs {
    /// Who runs the job
    #[arg(value_enum)]
    pub(in crate::cli) kind: SchedulerArg,
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
    /// Write to this file, or into this folder, instead of standard output; systemd's two files need a folder
    #[arg(short, long = "output", alias = "out", value_name = "PATH")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Write over files that are there
    #[arg(long, requires = "out")]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScheduleNextArgs {
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
    /// How many times
    #[arg(short = 'n', long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(in crate::cli) count: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchedulerArg {
    /// A line of a crontab
    Cron,
    /// A service and a timer
    Systemd,
    /// A workflow of GitHub Actions
    Github,
    /// A DAG of Airflow 3
    Airflow,
    /// A CronJob
    Kubernetes,
    /// A CronWorkflow of Argo
    Argo,
}

impl From<SchedulerArg> for SchedulerKind {
    fn from(scheduler: SchedulerArg) -> Self {
        match scheduler {
            SchedulerArg::Cron => Self::Cron,
            SchedulerArg::Systemd => Self::Systemd,
            SchedulerArg::Github => Self::Github,
            SchedulerArg::Airflow => Self::Airflow,
            SchedulerArg::Kubernetes => Self::Kubernetes,
            SchedulerArg::Argo => Self::Argo,
        }
    }
}

/// Whose workflow `init --ci` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Ci {
    /// GitHub Actions
    Github,
    /// GitLab CI
    Gitlab,
}
