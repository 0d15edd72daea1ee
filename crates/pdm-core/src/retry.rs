//! Timeouts and retries of requests to servers.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// Timeouts and retries of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for an answer; an upload gets more, depending on its size.
    pub answer: Duration,
    /// Tries in all.
    pub tries: u32,
    /// Wait before the second try; doubles with each further one.
    pub first_wait: Duration,
    /// Longest wait between tries; if the server asks for more, there is no further try.
    pub longest_wait: Duration,
    /// Largest random addition to a wait, so that many clients do not retry at the same time.
    pub jitter: Duration,
    /// Whether the wait requested by the server is respected.
    pub respects_retry_after: bool,
}

impl RetryPolicy {
    /// For a command that only waits for a tracking server.
    pub const FOREGROUND: Self = Self {
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(10),
        tries: 5,
        first_wait: Duration::from_millis(500),
        longest_wait: Duration::from_secs(20),
        jitter: Duration::from_millis(250),
        respects_retry_after: true,
    };

    /// For a background thread, which repeats its work anyway.
    pub const BACKGROUND: Self = Self {
        connect: Duration::from_secs(3),
        answer: Duration::from_secs(10),
        tries: 1,
        first_wait: Duration::from_millis(500),
        longest_wait: Duration::from_secs(2),
        jitter: Duration::from_millis(250),
        respects_retry_after: true,
    };

    /// For notifications.
    pub const NOTIFICATION: Self = Self {
        connect: Duration::from_secs(5),
        answer: Duration::from_secs(10),
        tries: 4,
        first_wait: Duration::from_millis(500),
        longest_wait: Duration::from_secs(10),
        jitter: Duration::ZERO,
        respects_retry_after: true,
    };

    /// For buckets. Four parts of an upload share a connection, which therefore needs 2.2 Mbit/s. An idle timeout
    /// would have to be shorter than `answer`, because it also counts while a part is being sent. Transient failures are retried
    /// for some seconds only, because the user waits.
    pub const BUCKET: Self = Self {
        connect: Duration::from_secs(10),
        answer: Duration::from_secs(120),
        tries: 9,
        first_wait: Duration::from_millis(100),
        longest_wait: Duration::from_secs(5),
        jitter: Duration::ZERO,
        respects_retry_after: true,
    };

    /// Returns how long to wait after try number `tried` (from 1), if the server requests a wait; `None` after the last try.
    pub fn wait(&self, tried: u32, requested: Option<Duration>) -> Option<Duration> {
        let requested = if self.respects_retry_after {
            requested
        } else {
            None
        };
        if tried >= self.tries || requested > Some(self.longest_wait) {
            return None;
        }
        let own = self
            .first_wait
            .saturating_mul(1 << (tried - 1).min(16))
            .min(self.longest_wait);
        let wait = requested.map_or(own, |requested| requested.max(own));
        Some(wait + self.jitter.mul_f64(random_fraction()))
    }

    /// Returns the timeout of an upload, for at least 256 KiB/s.
    pub fn upload(&self, bytes: u64) -> Duration {
        self.answer + Duration::from_secs(bytes / (256 * 1024))
    }
}

/// Returns a random number from 0 to 1, for jitter only.
fn random_fraction() -> f64 {
    RandomState::new().build_hasher().finish() as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: RetryPolicy = RetryPolicy {
        jitter: Duration::ZERO,
        ..RetryPolicy::FOREGROUND
    };

    #[test]
    fn waits_double_up_to_the_longest_and_end() {
        let waits: Vec<_> = (1..=5).map(|tried| EXACT.wait(tried, None)).collect();
        assert_eq!(
            waits,
            [Some(500), Some(1000), Some(2000), Some(4000), None]
                .map(|ms| ms.map(Duration::from_millis))
        );
    }

    #[test]
    fn notifications_are_tried_four_times() {
        let policy = RetryPolicy::NOTIFICATION;
        let waits: Vec<_> = (1..=4).map(|tried| policy.wait(tried, None)).collect();
        assert_eq!(
            waits,
            [Some(500), Some(1000), Some(2000), None].map(|ms| ms.map(Duration::from_millis))
        );
        let requested = |seconds| policy.wait(1, Some(Duration::from_secs(seconds)));
        assert_eq!(
            [requested(0), requested(3), requested(60)],
            [
                Some(Duration::from_millis(500)),
                Some(Duration::from_secs(3)),
                None
            ]
        );
    }

    #[test]
    fn jitter_adds_to_a_wait_and_takes_nothing() {
        let waits: Vec<_> = (0..50)
            .filter_map(|_| RetryPolicy::FOREGROUND.wait(1, None))
            .collect();
        assert!(
            waits
                .iter()
                .all(|wait| (500..=750).contains(&wait.as_millis())),
            "{waits:?}"
        );
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }

    #[test]
    fn the_wait_requested_by_the_server_is_used_or_ends_the_tries() {
        let requested = |seconds| EXACT.wait(1, Some(Duration::from_secs(seconds)));
        assert_eq!(requested(3), Some(Duration::from_secs(3)));
        assert_eq!(requested(0), Some(Duration::from_millis(500)));
        assert_eq!(requested(3600), None);
        let deaf = RetryPolicy {
            respects_retry_after: false,
            ..EXACT
        };
        assert_eq!(
            deaf.wait(1, Some(Duration::from_secs(3600))),
            Some(Duration::from_millis(500))
        );
    }
}
