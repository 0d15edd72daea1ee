//! Measures how quickly a server answers.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How quickly a server answers; readable from other threads than the one that sends requests.
#[derive(Debug, Clone, Default)]
pub(in crate::tracking) struct Latency(Arc<Mutex<LatencyState>>);

#[derive(Debug, Default)]
struct LatencyState {
    /// When the pending request was sent.
    sent: Option<Instant>,
    /// Additional time for the upload of a file.
    allowed: Duration,
    /// How long the last answer took.
    last: Duration,
}

impl LatencyState {
    fn so_far(&self, sent: Instant) -> Duration {
        sent.elapsed().saturating_sub(self.allowed)
    }
}

/// Expected speed of an upload, in bytes per second.
const UPLOAD_SPEED: u64 = 8 << 20;

impl Latency {
    /// Sets the bytes that are uploaded with the next request.
    pub(super) fn allow(&self, bytes: u64) {
        self.change(|state| {
            state.allowed = Duration::from_millis(bytes.saturating_mul(1000) / UPLOAD_SPEED)
        });
    }

    /// Sends a request, and measures its time.
    pub(super) fn timed<T>(&self, request: impl FnOnce() -> T) -> T {
        let sent = Instant::now();
        self.change(|state| state.sent = Some(sent));
        let answer = request();
        self.change(|state| {
            *state = LatencyState {
                last: state.so_far(sent),
                ..LatencyState::default()
            }
        });
        answer
    }

    /// Returns the time of the last request, or the time so far of the pending one, if that is more.
    pub(in crate::tracking) fn delay(&self) -> Duration {
        let mut delay = Duration::ZERO;
        self.change(|state| {
            delay = state
                .sent
                .map_or(Duration::ZERO, |sent| state.so_far(sent))
                .max(state.last)
        });
        delay
    }

    fn change(&self, change: impl FnOnce(&mut LatencyState)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_that_of_the_answer_under_way_or_of_the_last() {
        let latency = Latency::default();
        assert_eq!(latency.delay(), Duration::ZERO);
        let wait = || std::thread::sleep(Duration::from_millis(20));
        let during = latency.timed(|| {
            wait();
            latency.delay()
        });
        assert!(during >= Duration::from_millis(20) && latency.delay() >= during);
        assert!(
            latency.timed(|| latency.delay()) >= during,
            "what was slow is slow until it shows otherwise"
        );
        latency.allow(u64::MAX / 2000);
        latency.timed(wait);
        assert_eq!(latency.delay(), Duration::ZERO, "a file takes its time");
    }
}
