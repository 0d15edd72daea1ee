//! Records the evaluations of held-back rows during a fit, for tests.

use std::sync::{Arc, Mutex};

use pdm_core::events::{Event, Observer, Reporter};

/// Records step and RMSE of every evaluation.
#[derive(Default)]
pub(super) struct LookLog(Mutex<Vec<(u64, f64)>>);

impl Observer for LookLog {
    fn on(&self, event: &Event) {
        if let Event::Metric { key, step, value } = event
            && key.ends_with("validation_rmse")
        {
            self.0.lock().unwrap().push((*step, *value));
        }
    }
}

impl LookLog {
    /// Returns a log, and a reporter that fills it.
    pub(super) fn new() -> (Arc<Self>, Reporter) {
        let looks = Arc::new(Self::default());
        (looks.clone(), Reporter::silent().with(looks))
    }

    /// Returns all evaluations, in order.
    pub(super) fn all(&self) -> Vec<(u64, f64)> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn best(&self) -> (u64, f64) {
        self.all()
            .into_iter()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap()
    }
}
