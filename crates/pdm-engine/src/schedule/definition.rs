//! The definition of a job for one scheduler.

use std::fmt;

use serde::Serialize;

use super::error::ScheduleError;
use super::options::ScheduleOptions;
use super::plan::{SchedulePlan, ScheduledJob};
use super::{airflow, argo, crontab, github, kubernetes, systemd};

/// The scheduler that runs the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SchedulerKind {
    /// A line in a crontab.
    Cron,
    /// A service and its timer.
    Systemd,
    /// A workflow of GitHub Actions.
    Github,
    /// A DAG of Airflow 3.
    Airflow,
    /// A CronJob.
    Kubernetes,
    /// A CronWorkflow of Argo.
    Argo,
}

/// A file that defines the job, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DefinitionFile {
    /// Its usual name.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The files for a scheduler, with notes for the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// The files, at least one.
    pub files: Vec<DefinitionFile>,
    /// What the user should know about them.
    pub notes: Vec<String>,
}

impl Definition {
    pub(super) fn one(name: impl Into<String>, text: String) -> Self {
        Self {
            files: vec![DefinitionFile {
                name: name.into(),
                text,
            }],
            notes: Vec::new(),
        }
    }

    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

impl fmt::Display for SchedulerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cron => "cron",
            Self::Systemd => "systemd",
            Self::Github => "github",
            Self::Airflow => "airflow",
            Self::Kubernetes => "kubernetes",
            Self::Argo => "argo",
        })
    }
}

/// Returns the definition of the job for a scheduler.
///
/// # Errors
/// [`ScheduleError`] where an option is missing, or the scheduler cannot express what the options ask for.
pub fn export(
    kind: SchedulerKind,
    options: &ScheduleOptions,
    job: &ScheduledJob,
) -> Result<Definition, ScheduleError> {
    let plan = SchedulePlan::new(options, job)?;
    match kind {
        SchedulerKind::Cron => crontab::write(&plan),
        SchedulerKind::Systemd => systemd::write(&plan),
        SchedulerKind::Github => github::write(&plan),
        SchedulerKind::Airflow => airflow::write(&plan),
        SchedulerKind::Kubernetes => kubernetes::write(&plan),
        SchedulerKind::Argo => argo::write(&plan),
    }
}
