//! Expectations, the findings where data do not meet them, and a log that collects findings.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use pdm_core::codes::Code;

/// Maximum number of findings listed for one expectation and file, to limit memory; further ones are only counted.
pub(super) const LISTED: usize = 100_000;

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The data is not used.
    Error,
    /// The data is used, but someone should look at it.
    Warning,
    /// Worth knowing.
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}

/// What is expected of run-to-failure data, in the order it is checked.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Expectation {
    /// Files are those that were published, or that the options simulate.
    Pinned,
    /// Files are text or Parquet, and complete.
    Complete,
    /// Every row has all columns, and there is no stray header.
    Columns,
    /// Cells hold numbers; counts are whole numbers.
    Types,
    /// No cell is empty, infinite or NaN.
    Finite,
    /// The cycles of a unit ascend.
    AscendingCycles,
    /// The cycles of a unit are 1, 2, 3, ….
    ContiguousCycles,
    /// The rows of a unit are consecutive; C-MAPSS units are numbered 1, 2, 3, ….
    ContiguousUnits,
    /// The numbers of units and rows are those the data set is known to have.
    UnitCounts,
    /// There is one true remaining useful life for each test unit.
    RulRows,
    /// No true remaining useful life is negative or larger than a cycle number can be.
    RulValues,
    /// Values are within the declared ranges.
    Ranges,
    /// No value is so far from all others of its column that no sensor can have measured it.
    ImplausibleValues,
    /// Every unit has a minimum of history.
    MinimumHistory,
    /// Every sensor varies.
    ConstantSensors,
    /// No sensor freezes at the end of a history.
    StuckSensors,
    /// No two rows have the same values.
    DuplicateRows,
    /// No unit has the rows of another one, and no unit is in both the training and the test part.
    CopiedUnits,
}

impl Expectation {
    /// All expectations, in the order they are checked.
    pub const ALL: [Self; Self::VARIANTS.len()] = *Self::VARIANTS
        .first_chunk()
        .expect("the array has the length of the slice");

    /// Returns the error code of its findings.
    pub fn code(self) -> Code {
        match self {
            Self::Pinned => Code::DataNotPinned,
            Self::Complete => Code::DataIncomplete,
            Self::Columns => Code::DataColumns,
            Self::Types => Code::DataTypes,
            Self::Finite => Code::DataNotFinite,
            Self::AscendingCycles => Code::CyclesNotAscending,
            Self::ContiguousCycles => Code::CyclesNotContiguous,
            Self::ContiguousUnits => Code::UnitsNotContiguous,
            Self::UnitCounts => Code::UnitCounts,
            Self::RulRows => Code::RulRows,
            Self::RulValues => Code::RulValues,
            Self::Ranges => Code::OutOfRange,
            Self::ImplausibleValues => Code::Implausible,
            Self::MinimumHistory => Code::ShortHistory,
            Self::ConstantSensors => Code::ConstantSensor,
            Self::StuckSensors => Code::StuckSensor,
            Self::DuplicateRows => Code::DuplicateRows,
            Self::CopiedUnits => Code::CopiedUnits,
        }
    }

    /// Returns the name used in reports and in `[validate.severity]`.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One thing noticed about the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its severity.
    pub severity: Severity,
    /// The expectation that is not met.
    pub expectation: Expectation,
    /// The file, as named in the project; absent if the finding concerns the whole data set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Line of the file, from 1; the row's number in Parquet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Name of the column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// What was found, as a lower-case fragment.
    pub message: String,
}

impl fmt::Display for Finding {
    /// Writes `file:line: message`, which editors and terminals turn into a link.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => write!(f, "{file}:{line}: {}", self.message),
            (Some(file), None) => write!(f, "{file}: {}", self.message),
            _ => f.write_str(&self.message),
        }
    }
}

/// Location of a finding.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FindingLocation<'a> {
    pub(super) file: Option<&'a str>,
    pub(super) line: Option<u64>,
    pub(super) column: Option<&'a str>,
}

impl<'a> FindingLocation<'a> {
    pub(super) fn file(file: &'a str) -> Self {
        Self {
            file: Some(file),
            ..Self::default()
        }
    }

    pub(super) fn line(self, line: u64) -> Self {
        Self {
            line: Some(line),
            ..self
        }
    }

    pub(super) fn column(self, column: &'a str) -> Self {
        Self {
            column: Some(column),
            ..self
        }
    }
}

/// Collects findings: lists the first of each kind and file, and counts all.
#[derive(Debug, Clone, Default)]
pub(super) struct FindingLog {
    findings: Vec<Finding>,
    listed: BTreeMap<(Expectation, Option<String>), usize>,
    totals: BTreeMap<(Expectation, Severity), u64>,
}

impl FindingLog {
    pub(super) fn error(
        &mut self,
        expectation: Expectation,
        location: FindingLocation<'_>,
        message: impl Into<String>,
    ) {
        self.add(Severity::Error, expectation, location, message);
    }

    pub(super) fn add(
        &mut self,
        severity: Severity,
        expectation: Expectation,
        location: FindingLocation<'_>,
        message: impl Into<String>,
    ) {
        *self.totals.entry((expectation, severity)).or_default() += 1;
        let file = location.file.map(str::to_owned);
        let listed = self.listed.entry((expectation, file.clone())).or_default();
        if *listed == LISTED {
            return;
        }
        *listed += 1;
        let line = location.line;
        let column = location.column.map(str::to_owned);
        self.findings.push(Finding {
            severity,
            expectation,
            file,
            line,
            column,
            message: message.into(),
        });
    }

    /// Adds the findings of another log after these.
    pub(super) fn append(&mut self, other: Self) {
        for (key, count) in other.totals {
            *self.totals.entry(key).or_default() += count;
        }
        for finding in other.findings {
            let key = (finding.expectation, finding.file.clone());
            let listed = self.listed.entry(key).or_default();
            if *listed < LISTED {
                *listed += 1;
                self.findings.push(finding);
            }
        }
    }

    pub(super) fn total(&self, expectation: Expectation) -> u64 {
        let of_kind = self
            .totals
            .iter()
            .filter(|((kind, _), _)| *kind == expectation);
        of_kind.map(|(_, count)| count).sum()
    }

    /// Returns the severity of the worst finding.
    pub(super) fn worst(&self, expectation: Expectation) -> Option<Severity> {
        self.totals
            .keys()
            .find(|(kind, _)| *kind == expectation)
            .map(|(_, severity)| *severity)
    }

    pub(super) fn count(&self, severity: Severity) -> u64 {
        self.totals
            .iter()
            .filter(|((_, of), _)| *of == severity)
            .map(|(_, count)| count)
            .sum()
    }

    pub(super) fn listed(&self, expectation: Expectation) -> u64 {
        self.findings
            .iter()
            .filter(|finding| finding.expectation == expectation)
            .count() as u64
    }

    /// Returns the listed findings in order of severity, then expectation, then location.
    pub(super) fn into_findings(mut self) -> Vec<Finding> {
        self.findings
            .sort_by_key(|finding| (finding.severity, finding.expectation));
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_are_listed_and_all_are_counted() {
        let mut log = FindingLog::default();
        for line in 1..=LISTED as u64 + 30 {
            log.error(
                Expectation::Types,
                FindingLocation::file("a").line(line),
                "x",
            );
        }
        log.add(
            Severity::Info,
            Expectation::ConstantSensors,
            FindingLocation::file("b"),
            "y",
        );
        assert_eq!(
            (
                log.total(Expectation::Types),
                log.listed(Expectation::Types)
            ),
            (100_030, 100_000)
        );
        assert_eq!(
            (log.count(Severity::Error), log.count(Severity::Info)),
            (100_030, 1)
        );
        assert_eq!(log.into_findings()[0].to_string(), "a:1: x");
    }

    #[test]
    fn all_lists_every_expectation_in_order() {
        assert!(Expectation::ALL.is_sorted());
        for expectation in Expectation::ALL {
            assert_eq!(
                serde_json::to_value(expectation).unwrap(),
                expectation.name()
            );
        }
    }
}
