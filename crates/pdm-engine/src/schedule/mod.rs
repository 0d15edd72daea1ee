//! When a pipeline runs by itself: the table `[schedule]`, and the definitions it is written as for schedulers.
//!
//! pdm-ml runs no scheduler. It writes what one reads: a line for cron, units for systemd, a workflow for GitHub, a DAG for
//! Airflow, an object for Kubernetes or Argo. All of them say the same:
//!
//! - one run at a time: a run that is due while another goes on is left out, and the project's own lock guards the rest;
//! - [`DECISIONS`] are no failures, [`TRY_AGAIN`] is tried again, everything else is a failure to look at;
//! - a run ends at its deadline;
//! - secrets are named, never written.
//!
//! `cron` understands five fields and what the dialects agree on, `times` counts what comes next, `skipped` finds the nights a clock jumps over, `zone` knows the time zones,
//! `plan` puts options and job together, `quote` makes text safe for who reads it; then one file per kind, and `pod` for
//! what Kubernetes and Argo share.

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
pub use skipped::skipped_night;
pub use times::next_times;

#[cfg(test)]
mod tests;
