//! What a fit tells of its looks at held-back rows, for tests.

use std::sync::{Arc, Mutex};

use pdm_core::events::{Event, Observer, Reporter};

/// Remembers step and RMSE of every look.
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
    /// Returns a memory, and a reporter that fills it.
    pub(super) fn new() -> (Arc<Self>, Reporter) {
        let looks = Arc::new(Self::default());
        (looks.clone(), Reporter::silent().with(looks))
    }

    /// Returns all looks, in order.
    pub(super) fn told(&self) -> Vec<(u64, f64)> {
        self.0.lock().unwrap().clone()
    }

    pub(super) fn best(&self) -> (u64, f64) {
        self.told()
            .into_iter()
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap()
    }
}
