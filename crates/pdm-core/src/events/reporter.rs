//! Sends events to observers, and checks for interruption.

use std::sync::Arc;

use super::{Event, Guard, InputData, Interrupt, Interrupted};

/// Observes events.
pub trait Observer: Send + Sync {
    /// Handles an event. It must not fail: an observer reports its own errors elsewhere.
    fn on(&self, event: &Event);
}

/// Passed to every room that computes: sends events to observers, and stops the work on request.
#[derive(Clone, Default)]
pub struct Reporter {
    observers: Vec<Arc<dyn Observer>>,
    guards: Vec<Arc<dyn Guard>>,
    interrupt: Interrupt,
    scope: String,
}

impl Reporter {
    /// Returns a reporter without observers that stops when `interrupt` is raised.
    pub fn new(interrupt: Interrupt) -> Self {
        Self {
            interrupt,
            ..Self::default()
        }
    }

    /// Returns a reporter without observers that never stops, for tests and examples.
    pub fn silent() -> Self {
        Self::default()
    }

    /// Returns this reporter with one more observer.
    #[must_use]
    pub fn with(&self, observer: Arc<dyn Observer>) -> Self {
        let mut more = self.clone();
        more.observers.push(observer);
        more
    }

    /// Returns this reporter with one more guard for [`Self::check`].
    #[must_use]
    pub fn guarded(&self, guard: Arc<dyn Guard>) -> Self {
        let mut more = self.clone();
        more.guards.push(guard);
        more
    }

    /// Returns a reporter whose metrics have a prefix, such as `fold-1/`, to distinguish the parts of a fit.
    #[must_use]
    pub fn scoped(&self, part: &str) -> Self {
        Self {
            scope: format!("{}{part}/", self.scope),
            ..self.clone()
        }
    }

    /// Reports that a part with a record of its own begins, and returns its reporter, [`Self::scoped`] to it.
    #[must_use]
    pub fn begin_part(&self, part: &str, params: &[(&str, String)]) -> Self {
        let scoped = self.scoped(part);
        let params = params
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect();
        scoped.emit(Event::PartStarted {
            part: scoped.part(),
            params,
        });
        scoped
    }

    /// Reports that the part of this reporter succeeded; a part that fails or is stopped reports nothing.
    pub fn end_part(&self) {
        self.emit(Event::PartFinished { part: self.part() });
    }

    /// Reports the input data of the run or of the part of this reporter.
    pub fn input(&self, data: InputData) {
        self.emit(Event::Input {
            part: self.part(),
            data,
        });
    }

    fn part(&self) -> String {
        self.scope.trim_end_matches('/').to_owned()
    }

    /// Returns the interrupt, for code that waits without a loop.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Sends an event to every observer, without the secrets in its texts.
    pub fn emit(&self, event: Event) {
        let event = event.redacted();
        for observer in self.observers.iter() {
            observer.on(&event);
        }
    }

    /// Reports the progress of a long task.
    pub fn progress(&self, task: &str, done: u64, total: u64, note: impl Into<String>) {
        self.emit(Event::Progress {
            task: task.to_owned(),
            done,
            total,
            note: note.into(),
        });
    }

    /// Logs a number at a step.
    pub fn metric(&self, key: impl Into<String>, step: u64, value: f64) {
        let key = format!("{}{}", self.scope, key.into());
        self.emit(Event::Metric { key, step, value });
    }

    /// Informs the user.
    pub fn note(&self, message: impl Into<String>) {
        self.emit(Event::Note {
            message: message.into(),
        });
    }

    /// Warns the user; the work continues.
    pub fn warn(&self, message: impl Into<String>) {
        self.emit(Event::Warning {
            message: message.into(),
        });
    }

    /// Fails once the work should stop; call it in every long loop.
    ///
    /// # Errors
    /// The signal's number, or the exceeded budget.
    pub fn check(&self) -> Result<(), Interrupted> {
        self.interrupt.check()?;
        self.guards.iter().try_for_each(|guard| guard.check())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::events::BudgetExceeded;

    struct Count(Mutex<usize>);

    impl Observer for Count {
        fn on(&self, _: &Event) {
            *self.0.lock().unwrap() += 1;
        }
    }

    #[test]
    fn every_listener_hears_every_event() {
        let (a, b) = (
            Arc::new(Count(Mutex::new(0))),
            Arc::new(Count(Mutex::new(0))),
        );
        let reporter = Reporter::silent().with(a.clone()).with(b.clone());
        reporter.metric("loss", 1, 0.5);
        reporter.warn("few units");
        assert_eq!((*a.0.lock().unwrap(), *b.0.lock().unwrap()), (2, 2));
    }

    #[test]
    fn a_scope_is_a_prefix_of_the_name_of_a_metric() {
        struct RecordedKeys(Mutex<Vec<String>>);
        impl Observer for RecordedKeys {
            fn on(&self, event: &Event) {
                if let Event::Metric { key, .. } = event {
                    self.0.lock().unwrap().push(key.clone());
                }
            }
        }
        let keys = Arc::new(RecordedKeys(Mutex::default()));
        let reporter = Reporter::silent().with(keys.clone());
        reporter
            .scoped("fold-1")
            .scoped("gru")
            .metric("loss", 0, 1.0);
        reporter.metric("loss", 0, 1.0);
        assert_eq!(*keys.0.lock().unwrap(), ["fold-1/gru/loss", "loss"]);
    }

    #[test]
    fn a_part_begins_and_ends_by_its_whole_name() {
        struct RecordedParts(Mutex<Vec<String>>);
        impl Observer for RecordedParts {
            fn on(&self, event: &Event) {
                self.0.lock().unwrap().push(match event {
                    Event::PartStarted { part, params } => format!("{part} begins {params:?}"),
                    Event::PartFinished { part } => format!("{part} ends"),
                    _ => return,
                });
            }
        }
        let parts = Arc::new(RecordedParts(Mutex::default()));
        let fold = Reporter::silent()
            .with(parts.clone())
            .begin_part("fold-1", &[]);
        fold.begin_part("seed-2", &[("seed", "7".to_owned())])
            .end_part();
        let expected = [
            "fold-1 begins []",
            "fold-1/seed-2 begins [(\"seed\", \"7\")]",
            "fold-1/seed-2 ends",
        ];
        assert_eq!(*parts.0.lock().unwrap(), expected);
    }

    #[test]
    fn a_signal_stops_the_work() {
        let interrupt = Interrupt::default();
        let reporter = Reporter::new(interrupt.clone());
        assert!(reporter.check().is_ok());
        interrupt.cell().store(15, Ordering::Relaxed);
        assert_eq!(reporter.check(), Err(Interrupted::Signal { signal: 15 }));
    }

    #[test]
    fn every_guard_is_asked_in_every_scope() {
        struct TestLimit(usize);
        impl Guard for TestLimit {
            fn check(&self) -> Result<(), Interrupted> {
                let exceeded = BudgetExceeded::Memory {
                    used: 100,
                    limit: self.0 as u64,
                };
                if self.0 >= 100 {
                    Ok(())
                } else {
                    Err(exceeded.into())
                }
            }
        }
        let reporter = Reporter::silent().guarded(Arc::new(TestLimit(100)));
        assert!(reporter.check().is_ok());
        let stopped = reporter
            .guarded(Arc::new(TestLimit(99)))
            .scoped("fold-1")
            .check();
        assert_eq!(
            stopped,
            Err(BudgetExceeded::Memory {
                used: 100,
                limit: 99
            }
            .into())
        );
    }
}
