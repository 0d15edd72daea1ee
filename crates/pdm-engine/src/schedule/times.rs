//! Computes the next times with croner, which handles hours that a clock change skips or repeats like cron.

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::{CivilDateTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::AmbiguousOffset;
use jiff::{SignedDuration, Timestamp, ZonedDateTime};

use super::error::ScheduleError;
use super::options::ScheduleOptions;

/// A time for croner, which supports only an older version of jiff.
#[derive(Debug, Clone)]
struct Moment(ZonedDateTime);

/// Returns the next `count` times after `now`, in the schedule's time zone.
///
/// # Errors
/// The options have problems, or no further time comes.
pub fn next_times(
    options: &ScheduleOptions,
    now: Timestamp,
    count: usize,
) -> Result<Vec<ZonedDateTime>, ScheduleError> {
    let never = |error: CronError| ScheduleError::NeverComes(error.to_string());
    let cron: croner::Cron = options.expression()?.to_string().parse().map_err(never)?;
    let mut moment = Moment(now.to_zoned_datetime(options.zone()?));
    let mut times = Vec::new();
    for _ in 0..count {
        moment = cron.find_next_occurrence(&moment, false).map_err(never)?;
        times.push(moment.0.clone());
    }
    Ok(times)
}

impl CronDateTime for Moment {
    fn to_civil(&self) -> CivilDateTime {
        let at = self.0.datetime();
        let [month, day, hour, minute, second] =
            [at.month(), at.day(), at.hour(), at.minute(), at.second()]
                .map(|part| u32::from(part.unsigned_abs()));
        CivilDateTime::from_ymd_hms_opt(at.year().into(), month, day, hour, minute, second)
            .expect("a date and time of jiff is valid")
    }

    fn civil_weekday(&self) -> Weekday {
        Weekday::from_days_from_sunday(u32::from(
            self.0.weekday().to_sunday_zero_offset().unsigned_abs(),
        ))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let invalid = |_| CronError::InvalidTime;
        let ambiguous = self
            .0
            .time_zone()
            .to_ambiguous_zoned_datetime(datetime(civil)?);
        Ok(match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => {
                Resolution::Single(Self(ambiguous.unambiguous().map_err(invalid)?))
            }
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
            AmbiguousOffset::Fold { .. } => {
                let earlier = ambiguous.clone().earlier().map_err(invalid)?;
                Resolution::Ambiguous(Self(earlier), Self(ambiguous.later().map_err(invalid)?))
            }
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        self.0
            .checked_add(SignedDuration::from_secs(seconds))
            .ok()
            .map(Self)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.0.timestamp().cmp(&other.0.timestamp())
    }
}

fn datetime(civil: CivilDateTime) -> Result<DateTime, CronError> {
    let invalid = |_| CronError::InvalidDate;
    let year = i16::try_from(civil.year()).map_err(invalid)?;
    let part = |part: u32| i8::try_from(part).map_err(invalid);
    DateTime::new(
        year,
        part(civil.month())?,
        part(civil.day())?,
        part(civil.hour())?,
        part(civil.minute())?,
        part(civil.second())?,
        0,
    )
    .map_err(|_| CronError::InvalidDate)
}
