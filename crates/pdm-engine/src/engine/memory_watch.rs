use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::resident::{Resident, resident};

/// Time between two looks: one costs some microseconds.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// Watches how much main memory this process holds, from when it begins until it is asked for the peak.
///
/// Where the system's own record of the peak has risen since the beginning, that is the peak; otherwise something before
/// held more, and the most of all looks is taken.
pub(super) struct MemoryWatch {
    before: Option<Resident>,
    looks: Option<(Sender<()>, JoinHandle<u64>)>,
}

impl MemoryWatch {
    /// Begins to look. A system that gives no thread for it is looked at twice, before and after.
    pub(super) fn begin() -> Self {
        let before = resident();
        let (stop, stopped) = channel();
        let look = move || {
            let mut most = 0;
            while stopped.recv_timeout(LOOK_AGAIN) == Err(RecvTimeoutError::Timeout) {
                most = resident().map_or(most, |resident| resident.now.max(most));
            }
            most
        };
        let thread = before.and_then(|_| {
            thread::Builder::new()
                .name("memory".to_owned())
                .spawn(look)
                .ok()
        });
        Self {
            before,
            looks: thread.map(|thread| (stop, thread)),
        }
    }

    /// Ends the looking, and returns the most this process held meanwhile, in bytes; nothing where the system does not tell.
    pub(super) fn peak(self) -> Option<u64> {
        let seen = self.looks.and_then(|(stop, thread)| {
            drop(stop);
            thread.join().ok()
        });
        let (before, after) = (self.before?, resident()?);
        let risen = after
            .peak
            .filter(|peak| before.peak.is_some_and(|before| *peak > before));
        let looks = [Some(before.now), seen, Some(after.now)];
        risen.or_else(|| looks.into_iter().flatten().max())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_held_in_between_is_seen_even_after_a_higher_peak() {
        drop(std::hint::black_box(vec![1_u8; 256 << 20]));
        let watch = MemoryWatch::begin();
        let held = std::hint::black_box(vec![1_u8; 96 << 20]);
        thread::sleep(5 * LOOK_AGAIN);
        drop(held);
        assert!(watch.peak().unwrap() >= 96 << 20);
    }
}
