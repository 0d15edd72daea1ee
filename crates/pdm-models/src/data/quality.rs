use serde::{Deserialize, Serialize};

use super::causes::{Cause, causes};
use super::findings::FindingLog;
use super::ingest::{FileContent, RawPart};
use super::{Expectation, Finding, Role, Severity};
use pdm_core::codes::Code;
use pdm_core::content::Digest;

/// What validation found out about a data set.
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
    /// What was noticed, errors first; at most the first 100,000 for each expectation and file.
    pub findings: Vec<Finding>,
    /// How many findings there are, listed or not.
    pub counts: FindingCounts,
}

/// One file of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    /// What the file is for.
    pub role: Role,
    /// Which of the pooled data sets it belongs to, where several are pooled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Path, relative to the project where it lies within.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
    /// Size in bytes.
    pub bytes: u64,
    /// Whether it is the published file.
    pub pinned: Pinned,
    /// Rows that could be read.
    pub rows: u64,
    /// Different units in them.
    pub units: u64,
}

/// Whether a file is the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pinned {
    /// It has the published digest.
    Matches,
    /// It has another digest.
    Differs,
    /// The digest was not compared, as the options say.
    Unchecked,
    /// No digest is published.
    Unknown,
}

/// What came of one expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was expected.
    pub expectation: Expectation,
    /// How it went.
    pub outcome: CheckOutcome,
    /// What was examined, such as `20631 rows`; or why nothing was.
    pub scope: String,
    /// Findings in all.
    pub findings: u64,
    /// Findings that are listed in [`QualityReport::findings`].
    pub listed: u64,
}

/// How an expectation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// Nothing worse than information was found.
    Pass,
    /// There are warnings.
    Warn,
    /// There are errors.
    Fail,
    /// It was not examined.
    Skipped,
}

/// How many findings there are of each severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FindingCounts {
    /// Findings that make the data invalid.
    pub errors: u64,
    /// Findings someone should look at.
    pub warnings: u64,
    /// Findings worth knowing.
    pub infos: u64,
}

impl QualityReport {
    /// Returns whether the data may be used.
    pub fn is_valid(&self) -> bool {
        self.counts.errors == 0
    }

    /// Returns which kind of error the report as a whole is: a leak where there is one, whatever else is wrong.
    pub fn code(&self) -> Code {
        if self.codes().contains(&Code::CopiedUnits) {
            Code::CopiedUnits
        } else {
            Code::DataInvalid
        }
    }

    /// Returns what a reader of scores should know: of each kind of copies that are only suspected or let pass the first, and how
    /// many there are.
    pub fn suspicions(&self) -> Vec<String> {
        let suspected = self
            .findings
            .iter()
            .filter(|finding| finding.expectation == Expectation::CopiedUnits);
        let suspected: Vec<Finding> = suspected.cloned().collect();
        let told = |cause: Cause| {
            let more = match cause.count {
                0 | 1 => String::new(),
                2 => " (and 1 more unit)".to_owned(),
                count => format!(" (and {} more units)", count - 1),
            };
            format!("scores may be too good: {}{more}", cause.first)
        };
        causes(&suspected).into_iter().map(told).collect()
    }

    /// Returns which kinds of errors there are.
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
            FileContent::Unread => (0, 0),
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
