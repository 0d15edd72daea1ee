//! The arguments of `schedule`, and of `init --ci`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::PipelineArgs;
use pdm_engine::schedule::SchedulerKind;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ScheduleCommand {
    /// Write the pipeline's [schedule] as a definition for a scheduler
    #[command(
        after_help = "Examples:\n  pdm-ml schedule export systemd --output ~/.config/systemd/user\n  pdm-ml schedule export kubernetes | kubectl apply -f -"
    )]
    Export(ScheduleExportArgs),
    /// Show the next times of the schedule, in its time zone
    Next(ScheduleNextArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScheduleExportArgs {
    /// Scheduler
    #[arg(value_enum)]
    pub(in crate::cli) kind: SchedulerArg,
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
    /// Write to this file, or into this folder, instead of standard output; systemd's two files need a folder
    #[arg(short, long = "output", alias = "out", value_name = "PATH")]
    pub(in crate::cli) out: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long, requires = "out")]
    pub(in crate::cli) force: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ScheduleNextArgs {
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
    /// Number of times to show
    #[arg(short = 'n', long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(in crate::cli) count: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum SchedulerArg {
    /// A crontab line
    Cron,
    /// A systemd service and timer
    Systemd,
    /// A GitHub Actions workflow
    Github,
    /// An Airflow 3 DAG
    Airflow,
    /// A Kubernetes CronJob
    Kubernetes,
    /// An Argo CronWorkflow
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

/// The CI service whose workflow `init --ci` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Ci {
    /// GitHub Actions
    Github,
    /// GitLab CI
    Gitlab,
}
