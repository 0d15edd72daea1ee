//! The scheduled job: the table `[schedule]`, and its export as definitions for schedulers.
//!
//! pdm-ml is not a scheduler. It writes definitions for one: a line for cron, units for systemd, a workflow for GitHub, a DAG
//! for Airflow, an object for Kubernetes or Argo. All of them define the same job:
//!
//! - one run at a time: a run that is due while another is running is skipped, and the project lock prevents other overlaps;
//! - [`DECISIONS`] are not failures, [`TRY_AGAIN`] is tried again, everything else is a failure;
//! - a run ends at its deadline;
//! - secrets are named, never written.
//!
//! `cron` reads the five fields that all dialects agree on, `times` computes the next times, `skipped` finds times that a clock
//! change skips, `zone` has the time zones, `plan` combines options and job, `quote` escapes texts; then one file for each
//! scheduler, and `pod` for what Kubernetes and Argo share.

mod airflow;
mod argo;
mod cron;
mod crontab;
mod definition;
mod error;
mod github;
mod kubernetes;
mod lasting;
mod options;
mod plan;
mod pod;
mod quote;
mod skipped;
mod systemd;
mod times;
mod yaml;
mod zone;

pub use definition::{Definition, DefinitionFile, SchedulerKind, export};
pub use error::ScheduleError;
pub use github::INSTALL;
pub use lasting::Lasting;
pub use options::ScheduleOptions;
pub use plan::{DECISIONS, ScheduledJob, TRY_AGAIN};
pub use skipped::skipped_time;
pub use times::next_times;

#[cfg(test)]
mod tests;
