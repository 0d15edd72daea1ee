//! Timeouts and retries of notifications.

use std::time::Duration;

/// Longest wait for a connection.
pub(super) const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for an answer.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
/// Tries in all.
pub(super) const TRIES: u32 = 4;
/// Wait before the second try; doubles with every further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// Longest wait between tries; a receiver that asks for more is not tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Returns how long to wait after try number `tried` (from 1), where the receiver may have asked for some time; none when
/// it was the last.
pub(super) fn wait(tried: u32, asked: Option<Duration>) -> Option<Duration> {
    if tried >= TRIES || asked > Some(LONGEST_WAIT) {
        return None;
    }
    let own = FIRST_WAIT * 2_u32.pow(tried - 1);
    Some(asked.map_or(own, |asked| asked.max(own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_end() {
        let waits: Vec<_> = (1..=4)
            .map(|tried| wait(tried, None).map(|wait| wait.as_millis()))
            .collect();
        assert_eq!(waits, [Some(500), Some(1000), Some(2000), None]);
        let asked = |seconds| wait(1, Some(Duration::from_secs(seconds)));
        assert_eq!(
            [asked(0), asked(3), asked(60)],
            [Some(FIRST_WAIT), Some(Duration::from_secs(3)), None]
        );
    }
}
