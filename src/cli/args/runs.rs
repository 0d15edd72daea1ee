//! Arguments of `runs list` and `runs gc`.

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use super::{PipelineArgs, RunStoreArgs};
use pdm_tracking::tracking::RunStatus;

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pdm-ml runs list --since 7d --limit 20\n  pdm-ml runs list --status failed,killed\n\nThe table shows the RMSE out of fold, the RMSE on the part that gates judge, and the overrides of the command line."
)]
pub(in crate::cli) struct RunsListArgs {
    /// List only runs started within this time, such as 7d, or since a date, such as 2026-11-23
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) since: Option<Since>,
    /// List only runs with this status; may be repeated, or a comma-separated list
    #[arg(long, value_enum, value_name = "STATUS", value_delimiter = ',')]
    pub(in crate::cli) status: Vec<StatusArg>,
    /// List only the newest N runs
    #[arg(long, value_name = "N")]
    pub(in crate::cli) limit: Option<usize>,
    #[command(flatten)]
    pub(in crate::cli) store: RunStoreArgs,
}

#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("which").required(true).multiple(true).args(["keep", "older_than", "status"]),
    after_help = "Examples:\n  pdm-ml runs gc --keep 20 --older-than 30d --dry-run\n  pdm-ml runs gc --status failed,killed --older-than 7d --yes\n\nA run is removed if all given conditions apply. Running runs, and runs that made a registered version, are kept. Runs that\nthe pipeline's MLflow server does not have yet are only removed with --force."
)]
pub(in crate::cli) struct RunsGcArgs {
    #[command(flatten)]
    pub(in crate::cli) pipeline: PipelineArgs,
    /// Keep the newest N runs, whatever their status
    #[arg(long, value_name = "N")]
    pub(in crate::cli) keep: Option<usize>,
    /// Remove only runs that ended longer ago than this, such as 30d
    #[arg(long, value_name = "TIME", value_parser = age)]
    pub(in crate::cli) older_than: Option<SignedDuration>,
    /// Remove only runs with this status; may be repeated, or a comma-separated list
    #[arg(long, value_enum, value_name = "STATUS", value_delimiter = ',')]
    pub(in crate::cli) status: Vec<EndedArg>,
    /// Also remove runs that the MLflow server does not have yet, and runs that made a version of another registry
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// Only list what would be removed
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long, conflicts_with = "dry_run")]
    pub(in crate::cli) yes: bool,
    #[command(flatten)]
    pub(in crate::cli) store: RunStoreArgs,
}

/// The status of a run.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum StatusArg {
    Running,
    Finished,
    Failed,
    Killed,
}

/// The status of a run that ended.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum EndedArg {
    Finished,
    Failed,
    Killed,
}

impl From<StatusArg> for RunStatus {
    fn from(status: StatusArg) -> Self {
        match status {
            StatusArg::Running => Self::Running,
            StatusArg::Finished => Self::Finished,
            StatusArg::Failed => Self::Failed,
            StatusArg::Killed => Self::Killed,
        }
    }
}

impl From<EndedArg> for RunStatus {
    fn from(status: EndedArg) -> Self {
        match status {
            EndedArg::Finished => Self::Finished,
            EndedArg::Failed => Self::Failed,
            EndedArg::Killed => Self::Killed,
        }
    }
}

/// The start of a period that ends now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Since {
    /// This long ago.
    Ago(SignedDuration),
    /// At this time.
    At(Timestamp),
}

impl Since {
    pub(in crate::cli) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(age) => now.checked_sub(age).unwrap_or(Timestamp::MIN),
            Self::At(time) => time,
        }
    }
}

impl std::str::FromStr for Since {
    type Err = String;

    /// Reads `7d`, `2026-11-23` (midnight in UTC), or `2026-11-23T12:00:00Z`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse::<Timestamp>() {
            return Ok(Self::At(time));
        }
        if let Ok(date) = text.parse::<Date>() {
            let begins = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
            return begins.map(Self::At).map_err(|error| error.to_string());
        }
        let expected =
            "expected a time such as 7d or 12h, a date such as 2026-11-23, or 2026-11-23T12:00:00Z";
        age(text).map(Self::Ago).map_err(|_| expected.to_owned())
    }
}

/// Reads `30d`, `2 weeks` or `72h`.
fn age(text: &str) -> Result<SignedDuration, String> {
    let span = text.parse::<Span>();
    let age = span.and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let age = age.ok().filter(|age| !age.is_negative());
    age.ok_or_else(|| "expected a time such as 30d or 12h".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_people_write_it() {
        assert_eq!(
            "7d".parse(),
            Ok(Since::Ago(SignedDuration::from_hours(168)))
        );
        let day = Since::At("2026-11-23T00:00:00Z".parse().unwrap());
        assert_eq!("2026-11-23".parse(), Ok(day));
        assert_eq!("2026-11-23T00:00:00Z".parse(), Ok(day));
        assert!("yesterday".parse::<Since>().is_err() && "-7d".parse::<Since>().is_err());
        assert_eq!(
            Since::Ago(SignedDuration::MAX).before(Timestamp::MAX),
            Timestamp::MIN
        );
    }
}
