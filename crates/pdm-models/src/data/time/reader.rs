//! Reads the cells of a time column.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, fmt::strtime};

use super::super::Expectation;
use super::super::number::{self, BadCell, shown};
use super::length::TICKS;
use super::{Epoch, TimeKind, TimeOptions};

/// Reads times as ticks: microseconds since 1970-01-01 UTC, or millionths of the unit of a numeric time column.
#[derive(Debug, Clone)]
pub(in super::super) struct TimeReader {
    kind: TimeKind,
    format: Option<String>,
    epoch: Option<Epoch>,
    zone: TimeZone,
}

/// The time of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct RowTime {
    /// Ticks.
    pub(in super::super) at: i64,
    /// The later of the two times that a date-time means while clocks are set back.
    pub(in super::super) or_at: Option<i64>,
    /// Whether clocks skip this date-time; it is read as if they did not.
    pub(in super::super) is_skipped: bool,
}

impl RowTime {
    pub(in super::super) fn exactly(at: i64) -> Self {
        Self {
            at,
            or_at: None,
            is_skipped: false,
        }
    }
}

/// Largest number of ticks; sums and differences of times cannot overflow.
const MOST_TICKS: f64 = 4e18;

impl TimeReader {
    /// Returns the reader of a time column; a zone that is not known is UTC, and [`TimeOptions::problems`] reports it.
    pub(in super::super) fn of(options: &TimeOptions) -> Self {
        let zone = options.zone.as_ref();
        Self {
            kind: options.kind,
            format: options.format.clone(),
            epoch: options.epoch,
            zone: zone
                .and_then(|zone| TimeZone::get(zone).ok())
                .unwrap_or(TimeZone::UTC),
        }
    }

    /// Returns whether the column holds numbers.
    pub(in super::super) fn is_numeric(&self) -> bool {
        match self.kind {
            TimeKind::Timestamp => self.epoch.is_some(),
            TimeKind::Number | TimeKind::Counter => true,
        }
    }

    /// Reads a cell of text; `column` is the column as messages describe it.
    pub(in super::super) fn read(&self, text: &str, column: &str) -> Result<RowTime, BadCell> {
        if text.is_empty() {
            return Err(BadCell {
                expectation: Expectation::Finite,
                message: format!("{column} is empty"),
            });
        }
        match self.kind {
            TimeKind::Timestamp if self.epoch.is_none() => self.date_time(text, column),
            TimeKind::Timestamp | TimeKind::Number => {
                let value = number::finite(text, column)?;
                self.number(value)
                    .map_err(|problem| bad(text, column, problem))
            }
            TimeKind::Counter => {
                let count = number::whole(text, column)?;
                Ok(RowTime::exactly(i64::from(count) * TICKS as i64))
            }
        }
    }

    /// Reads a number.
    pub(in super::super) fn number(&self, value: f64) -> Result<RowTime, &'static str> {
        if self.kind == TimeKind::Counter {
            number::as_whole(value)?;
        }
        let scale = match (self.kind, self.epoch) {
            (TimeKind::Number | TimeKind::Counter, _) => TICKS,
            (TimeKind::Timestamp, Some(Epoch::S)) => 1e6,
            (TimeKind::Timestamp, Some(Epoch::Ms)) => 1e3,
            (TimeKind::Timestamp, Some(Epoch::Us)) => 1.0,
            (TimeKind::Timestamp, Some(Epoch::Ns)) => 1e-3,
            (TimeKind::Timestamp, None) => {
                return Err(
                    "is a number, not a date-time: write `epoch = \"s\"` under [dataset.time] if it counts seconds since 1970",
                );
            }
        };
        let ticks = (value * scale).round();
        if ticks.is_finite() && ticks.abs() <= MOST_TICKS {
            Ok(RowTime::exactly(ticks as i64))
        } else {
            Err("is too large for a time")
        }
    }

    /// Reads a date-time of the column's zone, in microseconds since 1970-01-01 00:00.
    pub(in super::super) fn local(&self, micros: i64) -> Option<RowTime> {
        let utc = Timestamp::from_microsecond(micros).ok()?;
        self.in_zone(TimeZone::UTC.to_datetime(utc))
    }

    fn date_time(&self, text: &str, column: &str) -> Result<RowTime, BadCell> {
        let read = match &self.format {
            Some(format) => self.formatted(format, text),
            None => self.iso(text),
        };
        read.ok_or_else(|| {
            let problem = match &self.format {
                Some(format) => {
                    format!("is not a date-time of the form {format:?}, which `format` gives")
                }
                None => {
                    "is not a date-time in ISO 8601: write `format = \"…\"` under [dataset.time], \
                    such as \"%d.%m.%Y %H:%M\""
                        .to_owned()
                }
            };
            bad(text, column, &problem)
        })
    }

    fn formatted(&self, format: &str, text: &str) -> Option<RowTime> {
        let parsed = strtime::parse(format, text).ok()?;
        if let Ok(timestamp) = parsed.to_timestamp() {
            return Some(RowTime::exactly(timestamp.as_microsecond()));
        }
        let civil = match parsed.to_datetime() {
            Ok(civil) => civil,
            Err(_) => parsed
                .to_date()
                .ok()?
                .to_datetime(jiff::civil::Time::midnight()),
        };
        self.in_zone(civil)
    }

    fn iso(&self, text: &str) -> Option<RowTime> {
        if let Ok(timestamp) = text.parse::<Timestamp>() {
            return Some(RowTime::exactly(timestamp.as_microsecond()));
        }
        let civil = match text.parse::<DateTime>() {
            Ok(civil) => civil,
            Err(_) => text
                .parse::<Date>()
                .ok()?
                .to_datetime(jiff::civil::Time::midnight()),
        };
        self.in_zone(civil)
    }

    fn in_zone(&self, civil: DateTime) -> Option<RowTime> {
        let ambiguous = self.zone.to_ambiguous_timestamp(civil);
        let offset = ambiguous.offset();
        let at = ambiguous.compatible().ok()?.as_microsecond();
        Some(match offset {
            AmbiguousOffset::Unambiguous { .. } => RowTime::exactly(at),
            AmbiguousOffset::Fold { .. } => RowTime {
                at,
                or_at: Some(ambiguous.later().ok()?.as_microsecond()),
                is_skipped: false,
            },
            AmbiguousOffset::Gap { .. } => RowTime {
                at,
                or_at: None,
                is_skipped: true,
            },
        })
    }
}

fn bad(text: &str, column: &str, problem: &str) -> BadCell {
    BadCell {
        expectation: Expectation::Types,
        message: format!("{} in {column} {problem}", shown(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(options: &str) -> TimeReader {
        TimeReader::of(&toml::from_str(options).unwrap())
    }

    fn at(options: &str, text: &str) -> i64 {
        reader(options).read(text, "column 1 (t)").unwrap().at
    }

    const HOUR: i64 = 3_600_000_000;

    #[test]
    fn iso_and_declared_formats_are_read() {
        let base = 1_767_225_600_000_000; // 2026-01-01T00:00Z
        assert_eq!(at("", "2026-01-01T00:00:00Z"), base);
        assert_eq!(at("", "2026-01-01 01:00:00+01:00"), base);
        assert_eq!(at("", "2026-01-01 02:00"), base + 2 * HOUR);
        assert_eq!(at("", "2026-01-01"), base);
        assert_eq!(at("zone = 'Europe/Berlin'", "2026-01-01 01:00"), base);
        assert_eq!(
            at("format = '%d.%m.%Y %H:%M'", "01.01.2026 05:30"),
            base + 5 * HOUR + HOUR / 2
        );
        assert_eq!(at("format = '%d.%m.%Y'", "01.01.2026"), base);
        assert_eq!(
            at("format = '%Y-%m-%d %H:%M %z'", "2026-01-01 03:00 +0100"),
            base + 2 * HOUR
        );
    }

    #[test]
    fn numbers_count_since_1970_or_in_their_own_unit() {
        assert_eq!(at("epoch = 's'", "1.5"), 1_500_000);
        assert_eq!(at("epoch = 'ms'", "1500"), 1_500_000);
        assert_eq!(at("epoch = 'ns'", "1500000000"), 1_500_000);
        assert_eq!(at("kind = 'number'", "12.25"), 12_250_000);
        assert_eq!(at("kind = 'counter'", "7"), 7_000_000);
        let refused = |options, text| {
            reader(options)
                .read(text, "column 1 (t)")
                .unwrap_err()
                .message
        };
        assert_eq!(
            refused("kind = 'counter'", "7.5"),
            "`7.5` in column 1 (t) is not a whole number"
        );
        assert_eq!(
            refused("kind = 'number'", "1e300"),
            "`1e300` in column 1 (t) is too large for a time"
        );
        assert!(refused("", "31.01.2026").contains("write `format = "));
        assert!(refused("", "").ends_with("is empty"));
    }

    #[test]
    fn hours_that_clocks_repeat_or_skip_are_marked() {
        let reader = reader("zone = 'Europe/Berlin'");
        let read = |text| reader.read(text, "c").unwrap();
        let repeated = read("2026-10-25 02:30");
        assert_eq!(repeated.or_at, Some(repeated.at + HOUR));
        assert_eq!(repeated.at, read("2026-10-25 00:30").at + 2 * HOUR);
        assert!(read("2026-03-29 02:30").is_skipped);
        assert!(!read("2026-03-29 03:30").is_skipped);
    }
}
