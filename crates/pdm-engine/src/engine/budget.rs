//! Stops work that exceeds the memory or the time of `[project.budget]`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::EngineError;
use super::resident::{Resident, resident};
use crate::config::{BudgetOptions, MemoryLimit, StepName, TimeLimit};
use pdm_core::events::{BudgetExceeded, Guard, Interrupted, Reporter};

/// Time between two checks of the memory: one takes some microseconds, as long as a short training round.
const CHECK_INTERVAL: Duration = Duration::from_millis(50);

/// A suggested memory limit is a multiple of this many bytes.
const SUGGESTED_STEP: u64 = 64 << 20;

/// Watches what the work of one command uses: memory throughout, time while it trains.
///
/// The memory is that of the whole process. Where the system records a peak, a rise of it since the work began counts, too,
/// so that nothing between two checks is missed.
struct Budget {
    memory: Option<u64>,
    time: Option<Duration>,
    started: Instant,
    before: Option<u64>,
    next_check_ms: AtomicU64,
}

/// Returns a reporter under which work stops once the process uses more memory than its budget allows.
///
/// A budget that cannot be enforced on this system is a warning.
pub(super) fn within_memory(options: &BudgetOptions, reporter: &Reporter) -> Reporter {
    let Some(limit) = options.memory else {
        return reporter.clone();
    };
    if resident().is_none() {
        reporter.warn(
            "the memory budget is not enforced: this system does not report the memory of a process",
        );
    }
    reporter.guarded(Arc::new(Budget::start(Some(limit), None)))
}

/// Returns a reporter under which work stops once it has taken longer than its budget; the clock starts now.
pub(super) fn within_time(options: &BudgetOptions, reporter: &Reporter) -> Reporter {
    match options.time {
        Some(limit) => reporter.guarded(Arc::new(Budget::start(None, Some(limit)))),
        None => reporter.clone(),
    }
}

impl Budget {
    fn start(memory: Option<MemoryLimit>, time: Option<TimeLimit>) -> Self {
        Self {
            memory: memory.map(MemoryLimit::bytes),
            time: time.map(TimeLimit::duration),
            started: Instant::now(),
            before: resident().and_then(|resident| resident.peak),
            next_check_ms: AtomicU64::new(0),
        }
    }

    fn check_time(&self, used: Duration) -> Result<(), BudgetExceeded> {
        match self.time {
            Some(limit) if used > limit => Err(BudgetExceeded::Time { used, limit }),
            _ => Ok(()),
        }
    }

    fn check_memory(&self, resident: Resident) -> Result<(), BudgetExceeded> {
        let risen = resident
            .peak
            .filter(|peak| self.before.is_some_and(|before| *peak > before));
        let used = risen.unwrap_or(resident.now).max(resident.now);
        match self.memory {
            Some(limit) if used > limit => Err(BudgetExceeded::Memory { used, limit }),
            _ => Ok(()),
        }
    }

    /// Returns whether it is time to check the memory; of several threads, only one gets `true`.
    fn is_check_due(&self, used: Duration) -> bool {
        let now = u64::try_from(used.as_millis()).unwrap_or(u64::MAX);
        let next = self.next_check_ms.load(Ordering::Relaxed);
        let after = now.saturating_add(CHECK_INTERVAL.as_millis() as u64);
        now >= next
            && self
                .next_check_ms
                .compare_exchange(next, after, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }
}

impl Guard for Budget {
    fn check(&self) -> Result<(), Interrupted> {
        let used = self.started.elapsed();
        self.check_time(used)?;
        if self.memory.is_none() || !self.is_check_due(used) {
            return Ok(());
        }
        if let Some(resident) = resident() {
            self.check_memory(resident)?;
        }
        Ok(())
    }
}

/// Returns the error for a step that a budget stopped, or would stop.
pub(super) fn over_budget(step: StepName, exceeded: BudgetExceeded) -> EngineError {
    let next = match exceeded {
        BudgetExceeded::MemoryBefore { needed, .. } => {
            format!("allow more: {}", allow_memory(needed))
        }
        BudgetExceeded::Memory { used, .. } => {
            format!("allow more: {}", allow_memory(used + used / 4))
        }
        BudgetExceeded::Time { .. } => "allow more: `--set project.budget.time=…`".to_owned(),
    };
    EngineError::OverBudget {
        stage: step,
        exceeded,
        next,
    }
}

/// Returns what to type for a memory budget of at least `bytes`.
pub(super) fn allow_memory(bytes: u64) -> String {
    let mebibytes = bytes.next_multiple_of(SUGGESTED_STEP) >> 20;
    format!("`--set project.budget.memory={mebibytes}MiB`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn budget(memory: Option<&str>, time: Option<&str>) -> BudgetOptions {
        let mut options = json!({});
        if let Some(limit) = memory {
            options["memory"] = json!(limit);
        }
        if let Some(limit) = time {
            options["time"] = json!(limit);
        }
        serde_json::from_value(options).unwrap()
    }

    fn start(options: BudgetOptions) -> Budget {
        Budget::start(options.memory, options.time)
    }

    #[test]
    fn a_limit_below_what_the_process_holds_stops_the_work() {
        let reporter = within_memory(&budget(Some("1KiB"), None), &Reporter::silent());
        let stopped = reporter.check().unwrap_err();
        assert!(matches!(
            stopped,
            Interrupted::Budget(BudgetExceeded::Memory { limit: 1024, .. })
        ));
        assert!(
            within_memory(&budget(Some("1TiB"), None), &Reporter::silent())
                .check()
                .is_ok()
        );
    }

    #[test]
    fn a_peak_counts_from_the_beginning_of_the_work() {
        let start = Budget {
            before: Some(500),
            ..start(budget(Some("100B"), None))
        };
        let holds = |now, peak| start.check_memory(Resident { now, peak });
        assert!(
            holds(90, Some(500)).is_ok()
                && holds(90, None).is_ok()
                && holds(100, Some(400)).is_ok()
        );
        assert_eq!(
            holds(90, Some(501)),
            Err(BudgetExceeded::Memory {
                used: 501,
                limit: 100
            })
        );
        assert_eq!(
            holds(101, Some(500)),
            Err(BudgetExceeded::Memory {
                used: 101,
                limit: 100
            })
        );
    }

    #[test]
    fn a_length_of_time_is_enough_until_it_has_passed() {
        let budget = start(budget(None, Some("2s")));
        let limit = Duration::from_secs(2);
        let used = Duration::from_millis(2001);
        assert!(budget.check_time(limit).is_ok());
        assert_eq!(
            budget.check_time(used),
            Err(BudgetExceeded::Time { used, limit })
        );
    }

    #[test]
    fn the_memory_is_checked_now_and_then() {
        let budget = start(budget(Some("1GiB"), None));
        let checks =
            [0, 10, 49, 50, 60, 99, 100].map(|ms| budget.is_check_due(Duration::from_millis(ms)));
        assert_eq!(checks, [true, false, false, true, false, false, true]);
    }

    #[test]
    fn without_a_budget_nothing_is_checked() {
        let none = BudgetOptions::default();
        assert!(
            within_memory(&none, &within_time(&none, &Reporter::silent()))
                .check()
                .is_ok()
        );
    }
}
