//! The report of a validation.

use serde::{Deserialize, Serialize};

use super::causes::{Cause, causes};
use super::findings::FindingLog;
use super::ingest::{FileContent, RawPart};
use super::{Expectation, Finding, PreparationReport, Role, Severity};
use pdm_core::codes::Code;
use pdm_core::content::Digest;

/// Most suspected copies that a scorecard names.
const MOST_SUSPICIONS: usize = 10;

/// The result of validating a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityReport {
    /// Name of the data set.
    pub dataset: String,
    /// Digest of its columns and of the contents of all parts.
    pub digest: Digest,
    /// The files, in the order train, test, RUL, then by group.
    pub files: Vec<FileReport>,
    /// Every expectation, in the order they were checked.
    pub checks: Vec<Check>,
    /// The findings, errors first; at most the first 100,000 for each expectation and file.
    pub findings: Vec<Finding>,
    /// Numbers of findings, listed or not.
    pub counts: FindingCounts,
    /// Lives, and what was changed to put the rows on a grid; absent without a time column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparation: Option<PreparationReport>,
}

/// One file of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// Its role.
    pub role: Role,
    /// The group it belongs to in a pooled data set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Path, relative to the project if it is inside it.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Size in bytes.
    pub bytes: u64,
    /// Whether it is the published file.
    pub pinned: Pinned,
    /// Rows that could be read.
    pub rows: u64,
    /// Number of different units in them.
    pub units: u64,
}

/// Whether a file is the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pinned {
    /// It has the published digest.
    Matches,
    /// It has a different digest.
    Differs,
    /// The digest was not compared, since the options disable that.
    Unchecked,
    /// No digest is published.
    Unknown,
}

/// The result of checking one expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The expectation.
    pub expectation: Expectation,
    /// The outcome.
    pub outcome: CheckOutcome,
    /// What was examined, such as `20631 rows`, or why it was skipped.
    pub scope: String,
    /// Number of all findings.
    pub findings: u64,
    /// Number of findings listed in [`QualityReport::findings`].
    pub listed: u64,
}

/// The outcome of checking an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// There are neither warnings nor errors.
    Pass,
    /// There are warnings.
    Warn,
    /// There are errors.
    Fail,
    /// It was not examined.
    Skipped,
}

/// Numbers of findings by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FindingCounts {
    /// Findings that make the data invalid.
    pub errors: u64,
    /// Findings that someone should look at.
    pub warnings: u64,
    /// Findings worth knowing.
    pub infos: u64,
}

impl QualityReport {
    /// Returns whether the data may be used.
    pub fn is_valid(&self) -> bool {
        self.counts.errors == 0
    }

    /// Returns the error code of the report as a whole; a leak takes precedence.
    pub fn code(&self) -> Code {
        if self.codes().contains(&Code::CopiedUnits) {
            Code::CopiedUnits
        } else {
            Code::DataInvalid
        }
    }

    /// Returns warnings for readers of scores: for each kind of suspected or accepted copies the first one, and their number.
    pub fn suspicions(&self) -> Vec<String> {
        let suspected = self
            .findings
            .iter()
            .filter(|finding| finding.expectation == Expectation::CopiedUnits);
        let suspected: Vec<Finding> = suspected.cloned().collect();
        let describe = |cause: Cause| {
            let more = match cause.count {
                0 | 1 => String::new(),
                2 => " (and 1 more unit)".to_owned(),
                count => format!(" (and {} more units)", count - 1),
            };
            format!("scores may be too good: {}{more}", cause.first)
        };
        let causes = causes(&suspected);
        let hidden = causes.len().saturating_sub(MOST_SUSPICIONS);
        let mut described: Vec<String> = causes
            .into_iter()
            .take(MOST_SUSPICIONS)
            .map(describe)
            .collect();
        if hidden > 0 {
            described.push(format!(
                "scores may be too good: {hidden} more causes of suspected copies are in the quality report"
            ));
        }
        described
    }

    /// Returns the error codes of the failed expectations.
    pub fn codes(&self) -> Vec<Code> {
        let failed = self
            .checks
            .iter()
            .filter(|check| check.outcome == CheckOutcome::Fail);
        failed.map(|check| check.expectation.code()).collect()
    }
}

impl FileReport {
    pub(super) fn of(part: &RawPart) -> Self {
        let (rows, units) = match &part.content {
            FileContent::Histories(rows) => (rows.len(), rows.units()),
            FileContent::Rul(rows) => (rows.len(), rows.len()),
            FileContent::Events(_) | FileContent::Joined | FileContent::Unread => (0, 0),
        };
        let (rows, units) = match part.own {
            Some(own) => (own.rows as usize, own.units as usize),
            None => (rows, units),
        };
        Self {
            role: part.role,
            group: part.group.clone(),
            path: part.file.clone(),
            sha256: part.sha256,
            bytes: part.bytes,
            pinned: part.pinned,
            rows: rows as u64,
            units: units as u64,
        }
    }
}

impl FindingCounts {
    pub(super) fn of(log: &FindingLog) -> Self {
        Self {
            errors: log.count(Severity::Error),
            warnings: log.count(Severity::Warning),
            infos: log.count(Severity::Info),
        }
    }
}
