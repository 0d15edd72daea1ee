//! Finds scheduled times that a clock change skips.

use jiff::civil::{DateTime, Weekday};
use jiff::{SignedDuration, Timestamp};

use super::cron::Cron;
use super::definition::SchedulerKind;
use super::error::ScheduleError;
use super::options::ScheduleOptions;

/// How far to look ahead: every zone that changes its clock does so within this time.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 400);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Returns a sentence about the next scheduled time that a clock change skips, and what the scheduler does then; none where no
/// time is skipped.
///
/// # Errors
/// The options have problems.
pub fn skipped_time(
    kind: SchedulerKind,
    options: &ScheduleOptions,
    now: Timestamp,
) -> Result<Option<String>, ScheduleError> {
    let Some(time) = next_skipped(options, now)? else {
        return Ok(None);
    };
    let day = time.date();
    let hour = time.strftime("%H:%M");
    let follows = match kind {
        SchedulerKind::Cron => "cron starts the run right after the clock change",
        SchedulerKind::Systemd | SchedulerKind::Kubernetes | SchedulerKind::Argo => {
            "no run is started for that time"
        }
        SchedulerKind::Github | SchedulerKind::Airflow => "the run comes later or not at all",
    };
    let zone = &options.timezone;
    Ok(Some(format!(
        "on {day} the clock in {zone} skips {hour}: {follows}; to avoid that, set another hour in `cron`, or \
         `timezone = \"UTC\"`"
    )))
}

/// Returns the first scheduled time that a clock change skips.
fn next_skipped(
    options: &ScheduleOptions,
    now: Timestamp,
) -> Result<Option<DateTime>, ScheduleError> {
    let zone = options.zone()?;
    let cron = options.expression()?;
    for transition in zone.following(now) {
        let at = transition.timestamp();
        if at.duration_since(now) > AHEAD {
            break;
        }
        let before = zone.to_offset(at - MINUTE);
        let mut time = before.to_datetime(at);
        let end = transition.offset().to_datetime(at);
        while time < end {
            if cron.matches(time) {
                return Ok(Some(time));
            }
            time = time.saturating_add(MINUTE);
        }
    }
    Ok(None)
}

impl Cron {
    /// Returns whether the expression matches a minute.
    fn matches(&self, time: DateTime) -> bool {
        let holds = |values: std::collections::BTreeSet<u8>, value: i8| {
            values.contains(&value.unsigned_abs())
        };
        let day = holds(self.day.values(), time.day());
        let weekday = holds(self.weekday.values(), sunday_is_0(time.weekday()));
        let is_on_the_day = if self.either_day() {
            day || weekday
        } else {
            day && weekday
        };
        is_on_the_day
            && holds(self.month.values(), time.month())
            && holds(self.hour.values(), time.hour())
            && holds(self.minute.values(), time.minute())
    }
}

fn sunday_is_0(day: Weekday) -> i8 {
    day.to_sunday_zero_offset()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(cron: &str, zone: &str, kind: SchedulerKind) -> Option<String> {
        let options: ScheduleOptions =
            toml::from_str(&format!("cron = '{cron}'\ntimezone = '{zone}'")).unwrap();
        skipped_time(kind, &options, "2026-11-30T12:00:00Z".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_time_that_a_clock_change_skips_is_reported() {
        let warning = sentence("30 2 * * *", "Europe/Berlin", SchedulerKind::Systemd).unwrap();
        assert!(
            warning.starts_with("on 2027-03-28 the clock in Europe/Berlin skips 02:30: no run"),
            "{warning}"
        );
        assert!(
            sentence("30 2 * * SUN", "America/New_York", SchedulerKind::Cron)
                .unwrap()
                .contains("2027-03-14")
        );
        for (cron, zone) in [
            ("30 2 * * *", "UTC"),
            ("30 3 * * *", "Europe/Berlin"),
            // The jump is on a Sunday in March.
            ("30 2 * * MON", "Europe/Berlin"),
            ("30 2 * 4 *", "Europe/Berlin"),
            ("30 2 * * *", "Asia/Tokyo"),
        ] {
            assert_eq!(
                sentence(cron, zone, SchedulerKind::Systemd),
                None,
                "{cron} {zone}"
            );
        }
    }
}
