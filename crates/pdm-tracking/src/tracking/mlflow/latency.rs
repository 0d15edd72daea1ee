use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How quickly a server answers now, seen from another thread than the one that asks.
#[derive(Debug, Clone, Default)]
pub(in crate::tracking) struct Latency(Arc<Mutex<Beat>>);

#[derive(Debug, Default)]
struct Beat {
    /// When the question was asked whose answer is still to come.
    asked: Option<Instant>,
    /// How much longer than usual it may take, because a file goes with it.
    allowed: Duration,
    /// How long the last answer took.
    last: Duration,
}

impl Beat {
    fn so_far(&self, asked: Instant) -> Duration {
        asked.elapsed().saturating_sub(self.allowed)
    }
}

/// What a line should carry that is not slow, in bytes a second.
const LINE: u64 = 8 << 20;

impl Latency {
    /// Says how many bytes go with the next question.
    pub(super) fn allow(&self, bytes: u64) {
        self.change(|beat| beat.allowed = Duration::from_millis(bytes.saturating_mul(1000) / LINE));
    }

    /// Asks something, and takes the time.
    pub(super) fn timed<T>(&self, ask: impl FnOnce() -> T) -> T {
        let asked = Instant::now();
        self.change(|beat| beat.asked = Some(asked));
        let answer = ask();
        self.change(|beat| {
            *beat = Beat {
                last: beat.so_far(asked),
                ..Beat::default()
            }
        });
        answer
    }

    /// Returns how long the last answer took, or the one that is waited for takes, if that is more.
    pub(in crate::tracking) fn delay(&self) -> Duration {
        let mut delay = Duration::ZERO;
        self.change(|beat| {
            delay = beat
                .asked
                .map_or(Duration::ZERO, |asked| beat.so_far(asked))
                .max(beat.last)
        });
        delay
    }

    fn change(&self, change: impl FnOnce(&mut Beat)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_is_that_of_the_answer_under_way_or_of_the_last() {
        let pulse = Latency::default();
        assert_eq!(pulse.delay(), Duration::ZERO);
        let wait = || std::thread::sleep(Duration::from_millis(20));
        let during = pulse.timed(|| {
            wait();
            pulse.delay()
        });
        assert!(during >= Duration::from_millis(20) && pulse.delay() >= during);
        assert!(
            pulse.timed(|| pulse.delay()) >= during,
            "what was slow is slow until it shows otherwise"
        );
        pulse.allow(u64::MAX / 2000);
        pulse.timed(wait);
        assert_eq!(pulse.delay(), Duration::ZERO, "a file takes its time");
    }
}
