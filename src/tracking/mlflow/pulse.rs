use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How quickly a server answers now, seen from another thread than the one that asks.
#[derive(Debug, Clone, Default)]
pub(in crate::tracking) struct Pulse(Arc<Mutex<Beat>>);

#[derive(Debug, Default)]
struct Beat {
    /// When the question was asked whose answer is still to come.
    asked: Option<Instant>,
    /// How long the last answer took.
    last: Duration,
}

impl Pulse {
    /// Asks something, and takes the time.
    pub(super) fn timed<T>(&self, ask: impl FnOnce() -> T) -> T {
        let asked = Instant::now();
        self.change(|beat| beat.asked = Some(asked));
        let answer = ask();
        self.change(|beat| *beat = Beat { asked: None, last: asked.elapsed() });
        answer
    }

    /// Returns how long the answer takes that is waited for, or else took the last.
    pub(in crate::tracking) fn delay(&self) -> Duration {
        let mut delay = Duration::ZERO;
        self.change(|beat| delay = beat.asked.map_or(beat.last, |asked| asked.elapsed()));
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
        let pulse = Pulse::default();
        assert_eq!(pulse.delay(), Duration::ZERO);
        let during = pulse.timed(|| {
            std::thread::sleep(Duration::from_millis(20));
            pulse.delay()
        });
        assert!(during >= Duration::from_millis(20) && pulse.delay() >= during);
    }
}
