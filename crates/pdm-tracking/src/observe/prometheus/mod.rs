//! What a job came to, in a file that the textfile collector of Prometheus' node exporter reads.
//!
//! `sample` is one number with its labels and how it is written, `families` says what each name means and what a job
//! says under it, `file` brings a file up to date: numbers of other pipelines stay, and so does what this job did not
//! find out.

mod families;
mod file;
mod sample;

pub use file::{MetricsFileError, update};

use families::families_of;
use sample::MetricSample;
