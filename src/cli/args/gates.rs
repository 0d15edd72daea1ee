//! Arguments of `gate` and `run` for CI reports and notifications.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{PipelineArgs, StageArgs};
use pdm_core::gates::WhenNoChampion;
use pdm_report::report::gate::GateFormat;

/// A pipeline to run up to its gates, or further.
#[derive(Debug, Clone, Default, Args)]
pub(in crate::cli) struct JudgedArgs {
    #[command(flatten)]
    pub(in crate::cli) stage: StageArgs,
    /// Write a report for CI, whatever the verdict: `github` for annotations on standard output, or a file whose format is
    /// junit, markdown, sarif, json or github if its name does not show it; may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]", value_parser = report_target)]
    pub(in crate::cli) report: Vec<ReportTarget>,
    /// Overwrite files that are not earlier reports (--force does so too)
    #[arg(long, requires = "report")]
    pub(in crate::cli) overwrite: bool,
    /// Verdict of gates that compare with the champion if there is none yet, instead of the pipeline's; use `fail` in CI
    #[arg(long, value_enum, value_name = "VERDICT")]
    pub(in crate::cli) when_no_champion: Option<NoChampion>,
    /// Send the result to the receivers in `[[notify]]`
    #[arg(long)]
    pub(in crate::cli) notify: bool,
}

/// The verdict of a comparison without a champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum NoChampion {
    /// The first model passes
    Pass,
    /// The gate is undecided: exit code 21
    Undecided,
    /// The gate fails: exit code 20
    Fail,
}

impl From<NoChampion> for WhenNoChampion {
    fn from(verdict: NoChampion) -> Self {
        match verdict {
            NoChampion::Pass => Self::Pass,
            NoChampion::Undecided => Self::Undecided,
            NoChampion::Fail => Self::Fail,
        }
    }
}

/// A report and its destination: a file, or standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct ReportTarget {
    pub(in crate::cli) format: GateFormat,
    pub(in crate::cli) file: Option<PathBuf>,
}

impl ReportTarget {
    /// Reads `github`, `junit=gate.xml` or `gate.xml`.
    ///
    /// # Errors
    /// No format, or no file.
    pub(in crate::cli) fn read(text: &str) -> Result<Self, String> {
        report_target(text)
    }
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum NotifyCommand {
    /// Send a test notification to every receiver in `[[notify]]`, whatever it subscribes to
    #[command(after_help = "Example:\n  pdm-ml notify test pipelines/fd001.toml")]
    Test(PipelineArgs),
}

/// Reads `github`, `junit=gate.xml` or `gate.xml`.
fn report_target(text: &str) -> Result<ReportTarget, String> {
    let names = GateFormat::ALL.map(GateFormat::name).join(", ");
    if let Some((name, file)) = text.split_once('=')
        && let Some(format) = GateFormat::named(name)
    {
        let file = Some(file)
            .filter(|file| !file.is_empty())
            .ok_or(format!("`{name}=` needs a file name"))?;
        return Ok(ReportTarget {
            format,
            file: Some(file.into()),
        });
    }
    match GateFormat::named(text) {
        Some(GateFormat::Github) => {
            return Ok(ReportTarget {
                format: GateFormat::Github,
                file: None,
            });
        }
        Some(
            format @ (GateFormat::Junit
            | GateFormat::Markdown
            | GateFormat::Sarif
            | GateFormat::Json),
        ) => {
            return Err(format!(
                "name the file, such as `{}=gate.out`",
                format.name()
            ));
        }
        None => {}
    }
    let format = GateFormat::of_file(text.as_ref());
    let format = format.ok_or(format!(
        "unknown format; write FORMAT=FILE, where FORMAT is one of {names}"
    ))?;
    Ok(ReportTarget {
        format,
        file: Some(text.into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_format_and_a_place() {
        let target = |format, file: Option<&str>| {
            Ok(ReportTarget {
                format,
                file: file.map(PathBuf::from),
            })
        };
        assert_eq!(report_target("github"), target(GateFormat::Github, None));
        assert_eq!(
            report_target("github=notes.txt"),
            target(GateFormat::Github, Some("notes.txt"))
        );
        assert_eq!(
            report_target("junit=a=b.out"),
            target(GateFormat::Junit, Some("a=b.out"))
        );
        assert_eq!(
            report_target("out/gate.sarif"),
            target(GateFormat::Sarif, Some("out/gate.sarif"))
        );
        for wrong in ["junit", "junit=", "gate.txt", "html=gate.html2"] {
            assert!(report_target(wrong).is_err(), "{wrong}");
        }
    }
}
