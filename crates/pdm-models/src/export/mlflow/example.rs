//! The input example of an exported MLflow model.

use crate::bundle::ModelBundle;
use crate::data::Trajectory;
use pdm_core::domain::{Cycle, UnitId};

/// Number of cycles of the example: enough for a network to read several steps.
const CYCLES: u32 = 20;
const MEDIAN: f64 = 0.5;

/// Returns a unit whose channels have their medians in the regime with the most training rows.
pub(super) fn typical(bundle: &ModelBundle) -> Trajectory {
    let profile = bundle.profile();
    let regime = (0..profile.rows.len())
        .max_by_key(|regime| (profile.rows[*regime], std::cmp::Reverse(*regime)));
    let median = profile.levels.iter().position(|level| *level == MEDIAN);
    let value = |channel: &str| {
        let known = profile
            .channels
            .iter()
            .find(|known| Some(known.regime) == regime && known.channel == channel);
        // The features replace NaN by the mean of its regime.
        known
            .and_then(|known| known.quantiles.get(median?).copied())
            .unwrap_or(f64::NAN)
    };
    Trajectory {
        rest: 0,
        unit: UnitId::new("typical"),
        cycles: (1..=CYCLES).map(Cycle).collect(),
        channels: bundle
            .manifest()
            .schema
            .channels()
            .map(|name| vec![value(name); CYCLES as usize])
            .collect(),
    }
}
