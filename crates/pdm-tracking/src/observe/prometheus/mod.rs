//! The results of a job in a file for the textfile collector of Prometheus' node exporter.
//!
//! `sample` is one number with its labels and its text form, `families` lists the metrics and their samples for a job,
//! `file` updates a file: samples of other pipelines stay, and so do those the job has no value for.

mod families;
mod file;
mod sample;

pub use file::{MetricsFileError, update};

use families::families_of;
use sample::MetricSample;
