use jiff::Timestamp;

/// Returns the time in whole milliseconds, which is what journals and trackers keep.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
