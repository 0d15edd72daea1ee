//! The expectations of run-to-failure data; each one logs where it is not met.

mod copies;
mod counts;
mod duplicates;
mod options;
mod order;
mod plausible;
mod read;
mod stuck;
mod values;

pub use options::{Level, SeverityOptions, ValidateOptions};
pub(super) use order::{ascending, together};

use super::findings::FindingLog;
use super::ingest::RawDataset;
use super::quality::{Check, CheckOutcome};
use super::{Expectation, Severity};

/// What an expectation examined.
enum Scope {
    /// The extent, such as `20631 rows`.
    Examined(String),
    /// The reason why nothing was examined.
    Skipped(String),
}

/// The input of an expectation: the data, the options, and the severity of its findings.
struct Subject<'a> {
    raw: &'a RawDataset,
    options: &'a ValidateOptions,
    severity: Severity,
}

/// Checks every expectation, in order.
pub(super) fn check_all(
    raw: &RawDataset,
    options: &ValidateOptions,
    log: &mut FindingLog,
) -> Vec<Check> {
    Expectation::ALL
        .into_iter()
        .map(|expectation| check(expectation, raw, options, log))
        .collect()
}

fn check(
    expectation: Expectation,
    raw: &RawDataset,
    options: &ValidateOptions,
    log: &mut FindingLog,
) -> Check {
    let scope = match options.severity.of(expectation) {
        Some(severity) => expect(
            expectation,
            &Subject {
                raw,
                options,
                severity,
            },
            log,
        ),
        None => Scope::Skipped("switched off".to_owned()),
    };
    let outcome = match log.worst(expectation) {
        Some(Severity::Error) => CheckOutcome::Fail,
        Some(Severity::Warning) => CheckOutcome::Warn,
        Some(Severity::Info) | None => match &scope {
            Scope::Skipped(_) => CheckOutcome::Skipped,
            Scope::Examined(_) => CheckOutcome::Pass,
        },
    };
    let (Scope::Examined(scope) | Scope::Skipped(scope)) = scope;
    Check {
        expectation,
        outcome,
        scope,
        findings: log.total(expectation),
        listed: log.listed(expectation),
    }
}

fn expect(expectation: Expectation, subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    match expectation {
        Expectation::Pinned => read::pinned(subject),
        Expectation::Complete => read::files(subject),
        Expectation::Columns => read::rows(subject),
        Expectation::Types => read::cells(subject),
        Expectation::Finite => {
            plausible::computable(subject, log);
            read::cells(subject)
        }
        Expectation::AscendingCycles => order::ascending_cycles(subject, log),
        Expectation::ContiguousCycles => order::contiguous_cycles(subject, log),
        Expectation::ContiguousUnits => order::contiguous_units(subject, log),
        Expectation::UnitCounts => counts::unit_counts(subject, log),
        Expectation::RulRows => counts::rul_rows(subject, log),
        Expectation::RulValues => counts::rul_values(subject, log),
        Expectation::Ranges => values::ranges(subject, log),
        Expectation::ImplausibleValues => plausible::implausible_values(subject, log),
        Expectation::MinimumHistory => values::minimum_history(subject, log),
        Expectation::ConstantSensors => values::constant_sensors(subject, log),
        Expectation::StuckSensors => stuck::stuck_sensors(subject, log),
        Expectation::DuplicateRows => duplicates::duplicate_rows(subject, log),
        Expectation::CopiedUnits => copies::copied_units(subject, log),
    }
}

impl Subject<'_> {
    fn scope_of_rows(&self) -> Scope {
        let rows: usize = self.raw.histories().map(|(_, rows)| rows.len()).sum();
        Scope::Examined(format!("{rows} rows"))
    }

    fn scope_of_units(&self) -> Scope {
        let units: usize = self.raw.histories().map(|(_, rows)| rows.units()).sum();
        Scope::Examined(format!("{units} units"))
    }
}
