//! Recognises how points in time are written, and reads them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// How points in time are written in a column of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::data) struct TimeForm {
    /// The format in the notation of `strftime`; `None` for ISO 8601.
    pub(in crate::data) format: Option<String>,
    /// Whether every text names its offset from UTC.
    pub(in crate::data) has_offset: bool,
    /// Whether day and month could be exchanged, so that the order of the rows decided.
    pub(in crate::data) is_ambiguous: bool,
}

const DATES: [&str; 11] = [
    "%d.%m.%Y", "%Y/%m/%d", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y.%m.%d", "%d.%m.%y",
    "%m/%d/%y", "%d %b %Y", "%d-%b-%Y",
];
const TIMES: [&str; 6] = [
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S%.f",
    " %I:%M %p",
    " %I:%M:%S %p",
];

/// Reads all texts as points in time: seconds since 1970, date-times without an offset as UTC. `None` if a text is no time in
/// the form of the others.
pub(in crate::data) fn read_all(texts: &[String]) -> Option<(TimeForm, Vec<f64>)> {
    let first = texts.first()?;
    if !may_be_time(first) {
        return None;
    }
    if let Some(found) = iso(texts) {
        return Some(found);
    }
    let formats = DATES
        .iter()
        .flat_map(|date| TIMES.iter().map(move |time| format!("{date}{time}")));
    let readings = formats
        .filter(|format| by_format(first, format).is_some())
        .filter_map(|format| Some((read_by(texts, &format)?, format)));
    let readings: Vec<(Vec<f64>, String)> = readings.collect();
    let mut best: Option<&(Vec<f64>, String)> = None;
    for reading in &readings {
        if best.is_none_or(|best| rises(&reading.0) > rises(&best.0)) {
            best = Some(reading);
        }
    }
    let (seconds, format) = best?;
    let is_ambiguous = readings.iter().any(|(other, _)| other != seconds);
    let form = TimeForm {
        format: Some(format.clone()),
        has_offset: false,
        is_ambiguous,
    };
    Some((form, seconds.clone()))
}

/// Every time has digits, and a mark between them.
fn may_be_time(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    digits >= 4 && text.contains(['-', '.', '/', ':', ' '])
}

fn iso(texts: &[String]) -> Option<(TimeForm, Vec<f64>)> {
    let form = |has_offset| TimeForm {
        format: None,
        has_offset,
        is_ambiguous: false,
    };
    let with_offset: Option<Vec<f64>> = texts
        .iter()
        .map(|text| Some(seconds_of(text.parse().ok()?)))
        .collect();
    if let Some(seconds) = with_offset {
        return Some((form(true), seconds));
    }
    let without: Option<Vec<f64>> = texts
        .iter()
        .map(|text| as_utc(text.parse().ok()?))
        .collect();
    without.map(|seconds| (form(false), seconds))
}

fn read_by(texts: &[String], format: &str) -> Option<Vec<f64>> {
    texts.iter().map(|text| by_format(text, format)).collect()
}

fn by_format(text: &str, format: &str) -> Option<f64> {
    let parsed = strtime::parse(format, text).ok()?;
    let date_time = parsed.to_datetime().or_else(|_| {
        parsed
            .to_date()
            .map(|date| date.to_datetime(jiff::civil::Time::midnight()))
    });
    as_utc(date_time.ok()?)
}

fn as_utc(date_time: DateTime) -> Option<f64> {
    TimeZone::UTC.to_timestamp(date_time).ok().map(seconds_of)
}

fn seconds_of(timestamp: Timestamp) -> f64 {
    timestamp.as_second() as f64 + f64::from(timestamp.subsec_nanosecond()) * 1e-9
}

/// Returns how many values are followed by a larger one.
fn rises(seconds: &[f64]) -> usize {
    seconds.windows(2).filter(|pair| pair[1] > pair[0]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Option<(TimeForm, Vec<f64>)> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        read_all(&texts)
    }

    #[test]
    fn times_are_read_in_many_forms() {
        let cases = [
            (
                ["1970-01-01T00:00:00Z", "1970-01-01T01:00:00+00:00"],
                None,
                3600.0,
            ),
            (["1970-01-01 00:00", "1970-01-01 00:10"], None, 600.0),
            (["1970-01-01", "1970-01-02"], None, 86_400.0),
            (
                ["01.01.1970 00:00", "01.01.1970 00:05"],
                Some("%d.%m.%Y %H:%M"),
                300.0,
            ),
            (
                ["1/1/1970 12:00:00 AM", "1/1/1970 6:00:00 AM"],
                Some("%m/%d/%Y %I:%M:%S %p"),
                21_600.0,
            ),
            (
                ["01.01.1970 00:00:00.000", "01.01.1970 00:00:00.250"],
                Some("%d.%m.%Y %H:%M:%S%.f"),
                0.25,
            ),
        ];
        for (texts, format, second) in cases {
            let (form, seconds) = read(&texts).unwrap_or_else(|| panic!("{texts:?}"));
            assert_eq!(form.format.as_deref(), format, "{texts:?}");
            assert_eq!(seconds, [0.0, second], "{texts:?}");
        }
        for texts in [
            ["pump 7-1", "pump 8-1"],
            ["1.5", "2.5"],
            ["01.01.1970", "later"],
        ] {
            assert!(read(&texts).is_none(), "{texts:?}");
        }
    }

    #[test]
    fn the_order_of_the_rows_decides_between_day_and_month() {
        let (form, _) = read(&["01/02/2026", "02/02/2026", "03/02/2026", "01/03/2026"]).unwrap();
        assert_eq!(form.format.as_deref(), Some("%d/%m/%Y"));
        assert!(form.is_ambiguous);
        let (form, _) = read(&["01/30/2026", "01/31/2026", "02/01/2026"]).unwrap();
        assert_eq!(
            (form.format.as_deref(), form.is_ambiguous),
            (Some("%m/%d/%Y"), false)
        );
    }
}
