use super::expectations;
use super::findings::FindingLog;
use super::ingest::{Content, RawDataset};
use super::quality::FileReport;
use super::rows::Rows;
use super::{FindingCounts, QualityReport, Role, TestPart, Trajectory, ValidDataset, ValidateOptions};

/// What validation comes to: always a report, and a data set where the report has no errors.
#[derive(Debug, Clone)]
pub struct Validation {
    /// What was found.
    pub report: QualityReport,
    /// The trusted data set.
    pub dataset: Option<ValidDataset>,
}

/// Holds a data set against its expectations.
pub fn validate(mut raw: RawDataset, options: &ValidateOptions) -> Validation {
    let mut log = std::mem::take(&mut raw.log);
    let checks = expectations::check_all(&raw, options, &mut log);
    let report = report(&raw, checks, log);
    let dataset = if report.is_valid() { trusted(raw) } else { None };
    Validation { report, dataset }
}

fn report(raw: &RawDataset, checks: Vec<super::Check>, log: FindingLog) -> QualityReport {
    QualityReport {
        dataset: raw.name.clone(),
        digest: raw.digest,
        files: raw.parts.iter().map(FileReport::of).collect(),
        checks,
        counts: FindingCounts::of(&log),
        findings: log.into_findings(),
    }
}

/// Turns a data set without errors into a trusted one.
fn trusted(raw: RawDataset) -> Option<ValidDataset> {
    let (mut train, mut test, mut rul) = (None, None, None);
    for part in raw.parts {
        match (part.role, part.content) {
            (Role::Train, Content::Histories(rows)) => train = Some(rows),
            (Role::Test, Content::Histories(rows)) => test = Some(rows),
            (Role::Rul, Content::Rul(rows)) => rul = Some(rows),
            _ => {}
        }
    }
    let test = match (test, rul) {
        (Some(test), Some(rul)) => Some(test_part(test, &rul)?),
        _ => None,
    };
    let train = train?.into_trajectories();
    Some(ValidDataset { name: raw.name, digest: raw.digest, schema: raw.schema, train, test })
}

/// Pairs test units with their truth: by name where the file names them, else by rank.
fn test_part(rows: Rows, rul: &[super::cmapss::RulRow]) -> Option<TestPart> {
    let ranks = rows.runs.iter().map(|run| run.unit.clone()).zip(rul);
    let truth: std::collections::BTreeMap<_, _> =
        ranks.map(|(unit, row)| (row.unit.clone().unwrap_or(unit), row.value)).collect();
    let units: Vec<Trajectory> = rows.into_trajectories();
    let rul = units.iter().map(|unit| truth.get(&unit.unit).copied()).collect::<Option<_>>()?;
    Some(TestPart { units, rul })
}
