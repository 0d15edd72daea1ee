//! Measures the most memory that this process holds during a step.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::resident::{Resident, resident};

/// Time between two measurements, which take some microseconds each.
const INTERVAL: Duration = Duration::from_millis(20);

/// Measures how much main memory this process holds, from the beginning until the peak is taken.
///
/// Where the peak that the system records has risen since the beginning, that is the peak; otherwise the process held more
/// before, and the highest measurement counts.
pub(super) struct MemoryWatch {
    before: Option<Resident>,
    watcher: Option<(Sender<()>, JoinHandle<u64>)>,
}

impl MemoryWatch {
    /// Begins to measure. Where the system gives no thread for it, only the beginning and the end are measured.
    pub(super) fn begin() -> Self {
        let before = resident();
        let watcher = match before {
            Some(_) => spawn_watcher(),
            None => None,
        };
        Self { before, watcher }
    }

    /// Stops and returns the most this process held meanwhile, in bytes; none where the system does not report it.
    pub(super) fn peak(self) -> Option<u64> {
        let mut measured = None;
        if let Some((stop, thread)) = self.watcher {
            drop(stop);
            measured = thread.join().ok();
        }
        let before = self.before?;
        let after = resident()?;
        if let (Some(peak_before), Some(peak)) = (before.peak, after.peak)
            && peak > peak_before
        {
            return Some(peak);
        }
        Some(before.now.max(after.now).max(measured.unwrap_or(0)))
    }
}

fn spawn_watcher() -> Option<(Sender<()>, JoinHandle<u64>)> {
    let (stop, stopped) = channel();
    let watch = move || {
        let mut most = 0;
        while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            if let Some(resident) = resident() {
                most = resident.now.max(most);
            }
        }
        most
    };
    let thread = thread::Builder::new()
        .name("memory".to_owned())
        .spawn(watch)
        .ok()?;
    Some((stop, thread))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn memory_held_in_between_is_measured_even_after_a_higher_peak() {
        drop(std::hint::black_box(vec![1_u8; 256 << 20]));
        let watch = MemoryWatch::begin();
        let held = std::hint::black_box(vec![1_u8; 96 << 20]);
        thread::sleep(5 * INTERVAL);
        drop(held);
        assert!(watch.peak().unwrap() >= 96 << 20);
    }
}
