//! Replaces the outputs of a job whose arguments are invalid, as far as the arguments can be read.
//!
//! Otherwise the summary, report or metrics of an earlier run could be mistaken for those of this run.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::args::ReportTarget;
use super::error::CliError;
use super::watch::{JOBS, Watch};
use super::{environment, gate_reports, summary};
use pdm_core::codes::Code;

/// The arguments of a job, read without checking them.
#[derive(Debug, Default, PartialEq, Eq)]
struct JobArguments {
    command: String,
    pipeline: Option<PathBuf>,
    summary: Option<PathBuf>,
    metrics_file: Option<PathBuf>,
    reports: Vec<String>,
}

/// Other flags that are followed by a value.
const WITH_VALUE: [&str; 11] = [
    "--format",
    "--color",
    "--threads",
    "--log-format",
    "--log-level",
    "--wait",
    "--profile",
    "-p",
    "--set",
    "--if",
    "--model",
];

/// Replaces the files that this job would have written; `refusal` is the error of the argument parser.
pub(super) fn replace_outputs(refusal: &str) {
    let Some(job) = JobArguments::read(std::env::args().skip(1)) else {
        return;
    };
    let message = refusal.trim().trim_start_matches("error: ").to_owned();
    let error = CliError::new(
        Code::Arguments,
        message.lines().next().unwrap_or_default().to_owned(),
    );
    if job.command == "retrain" {
        summary::failed_early(
            job.summary.as_deref(),
            job.pipeline.as_deref(),
            &error,
            Duration::ZERO,
        );
    }
    let targets: Vec<_> = job
        .reports
        .iter()
        .filter_map(|text| ReportTarget::read(text).ok())
        .collect();
    let files: Vec<_> = targets
        .into_iter()
        .filter(|target| target.file.is_some())
        .collect();
    gate_reports::replace(&files, job.pipeline.as_deref(), &error);
    let named = environment::variable(environment::METRICS_FILE).map(PathBuf::from);
    if let Some(path) = job.metrics_file.or(named) {
        Watch::measure_refusal(&path, &job.command, Code::Arguments.exit());
    }
}

impl JobArguments {
    /// Reads the arguments of a job; `None` if they are those of another command.
    fn read(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let (mut job, mut folder) = (Self::default(), PathBuf::new());
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let (flag, own) = match argument.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => {
                    (flag.to_owned(), Some(value.to_owned()))
                }
                _ => (argument.clone(), None),
            };
            let mut value = || own.clone().or_else(|| arguments.next());
            match flag.as_str() {
                "-C" | "--directory" => folder = value()?.into(),
                "--summary" => job.summary = value().map(PathBuf::from),
                "--metrics-file" => job.metrics_file = value().map(PathBuf::from),
                "--report" => job.reports.extend(value()),
                flag if WITH_VALUE.contains(&flag) => drop(value()),
                flag if flag.starts_with('-') => {}
                word if job.command.is_empty() => job.command = word.to_owned(),
                _ => job.pipeline = job.pipeline.or(Some(argument.into())),
            }
        }
        let within = |path: Option<PathBuf>| path.map(|path| folder.join(path));
        let reports = job
            .reports
            .iter()
            .map(|report| placed(report, &folder))
            .collect();
        JOBS.contains(&job.command.as_str()).then(|| Self {
            pipeline: within(job.pipeline),
            summary: within(job.summary),
            metrics_file: within(job.metrics_file),
            reports,
            ..job
        })
    }
}

/// Returns a report's `FORMAT=FILE` with the file relative to the current folder.
fn placed(report: &str, folder: &Path) -> String {
    if folder.as_os_str().is_empty() {
        return report.to_owned();
    }
    match report.split_once('=') {
        Some((format, file)) => format!("{format}={}", folder.join(file).display()),
        None => folder.join(report).display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<JobArguments> {
        JobArguments::read(line.split(' ').map(ToOwned::to_owned))
    }

    #[test]
    fn what_a_job_would_have_written_is_read_from_wrong_arguments() {
        let job =
            read("-C plant retrain --format jsn p.toml --summary=summary.json --metrics-file a.prom --frob").unwrap();
        assert_eq!(job.command, "retrain");
        assert_eq!(job.summary, Some("plant/summary.json".into()));
        assert_eq!(job.metrics_file, Some("plant/a.prom".into()));
        assert_eq!(job.pipeline, Some("plant/p.toml".into()));
        let job = read("gate --set a=b --report junit=gate.xml --report gate.md").unwrap();
        assert_eq!(job.reports, ["junit=gate.xml", "gate.md"]);
        assert_eq!(read("registry list --summary x.json"), None);
    }
}
