//! Errors that ended a run before its gates, for the reports that CI reads.

use super::{CliError, ErrorCause, chain};
use pdm_engine::config::SpecProblem;
use pdm_models::data::{self, QualityReport, Severity, causes};
use pdm_report::report::gate::{EarlyEnd, FileLine};

/// Maximum number of causes in the data that are listed.
const FINDINGS: usize = 10;

/// Maps file names to paths relative to the top of their repository.
pub(in crate::cli) struct RepositoryPaths<'s> {
    /// For a file relative to the current folder, such as a pipeline.
    pub(in crate::cli) from_here: &'s dyn Fn(&str) -> String,
    /// For a file relative to the project folder, such as data.
    pub(in crate::cli) from_project: &'s dyn Fn(&str) -> String,
}

impl CliError {
    /// Returns the errors that ended the run, each with its place if known.
    pub(in crate::cli) fn early_ends(&self, seen: &RepositoryPaths<'_>) -> Vec<EarlyEnd> {
        let kind = self.kind();
        match &self.cause {
            ErrorCause::Spec(errors) => errors
                .problems()
                .iter()
                .map(|problem| of_problem(&kind, problem, seen))
                .collect(),
            ErrorCause::Data(report) => of_data(&kind, report, seen),
            ErrorCause::Error(error) => {
                let message = chain(error.as_ref()).join("\ncaused by: ");
                vec![EarlyEnd {
                    kind,
                    message,
                    hint: self.hint.clone(),
                    place: None,
                }]
            }
        }
    }

    /// Returns the exit in one word, such as `data_invalid`.
    fn kind(&self) -> String {
        let mut word = String::new();
        for c in format!("{:?}", self.exit()).chars() {
            if c.is_uppercase() && !word.is_empty() {
                word.push('_');
            }
            word.extend(c.to_lowercase());
        }
        word
    }
}

fn of_problem(kind: &str, problem: &SpecProblem, seen: &RepositoryPaths<'_>) -> EarlyEnd {
    let SpecProblem {
        message,
        file,
        line,
        column,
        hint,
        ..
    } = problem;
    let place = line.map(|line| FileLine {
        file: (seen.from_here)(file),
        line,
        column: *column,
    });
    // The line and column of an override do not refer to a file.
    let place = place.filter(|_| file != "command line");
    EarlyEnd {
        kind: kind.to_owned(),
        message: message.clone(),
        hint: hint.clone(),
        place,
    }
}

fn of_data(kind: &str, report: &QualityReport, seen: &RepositoryPaths<'_>) -> Vec<EarlyEnd> {
    let mut errors = causes(&report.findings);
    errors.retain(|cause| cause.first.severity == Severity::Error);
    let of_cause = |cause: &data::Cause| {
        let finding = &cause.first;
        let place = finding
            .file
            .as_deref()
            .zip(finding.line)
            .map(|(file, line)| FileLine {
                file: (seen.from_project)(file),
                line: usize::try_from(line).unwrap_or(usize::MAX),
                column: None,
            });
        let times = if cause.count > 1 {
            format!(" ({} times)", cause.count)
        } else {
            String::new()
        };
        let message = format!("{}: {}{times}", finding.expectation, finding.message);
        EarlyEnd {
            kind: kind.to_owned(),
            message,
            hint: None,
            place,
        }
    };
    let mut early_ends: Vec<_> = errors.iter().take(FINDINGS).map(of_cause).collect();
    let listed: u64 = errors.iter().take(FINDINGS).map(|cause| cause.count).sum();
    if report.counts.errors > listed {
        let hint = Some("`pdm-ml data validate --report FILE` writes all of them".to_owned());
        let message = format!(
            "{} more findings in the data of {}",
            report.counts.errors - listed,
            report.dataset
        );
        early_ends.push(EarlyEnd {
            kind: kind.to_owned(),
            message,
            hint,
            place: None,
        });
    }
    early_ends
}
