//! The current time in milliseconds.

use jiff::Timestamp;

/// Returns the current time in whole milliseconds, as journals and trackers store it.
pub(super) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
