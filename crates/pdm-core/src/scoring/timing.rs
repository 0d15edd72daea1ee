//! Early, on-time and late predictions.

/// Largest lateness that still counts as on time, in cycles.
const ON_TIME_LATEST: f64 = 10.0;
/// Largest earliness that still counts as on time, in cycles.
const ON_TIME_EARLIEST: f64 = 13.0;

/// Shares of predictions that are early, on time and late.
///
/// `early + on_time + harmful_late` is 1: the window of 13 cycles early to 10 cycles late is that of the PHM 2008
/// score's constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Share with `d > 0`: the unit fails earlier than predicted.
    pub late: f64,
    /// Share with `d > 10`.
    pub harmful_late: f64,
    /// Share with `d < −13`.
    pub early: f64,
    /// Share with `−13 ≤ d ≤ 10`.
    pub on_time: f64,
}

impl Timing {
    /// Returns the shares among `errors`; `NaN` without errors.
    pub fn of(errors: &[f64]) -> Self {
        let share = |counts: fn(f64) -> bool| {
            errors.iter().filter(|d| counts(**d)).count() as f64 / errors.len() as f64
        };
        Self {
            late: share(is_late),
            harmful_late: share(is_harmfully_late),
            early: share(is_early),
            on_time: share(is_on_time),
        }
    }
}

pub(super) fn is_late(d: f64) -> bool {
    d > 0.0
}

pub(super) fn is_harmfully_late(d: f64) -> bool {
    d > ON_TIME_LATEST
}

pub(super) fn is_early(d: f64) -> bool {
    d < -ON_TIME_EARLIEST
}

pub(super) fn is_on_time(d: f64) -> bool {
    (-ON_TIME_EARLIEST..=ON_TIME_LATEST).contains(&d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_the_window_are_on_time() {
        let timing = Timing::of(&[-13.0, 10.0, -13.5, 10.5]);
        assert_eq!(
            timing,
            Timing {
                late: 0.5,
                harmful_late: 0.25,
                early: 0.25,
                on_time: 0.5
            }
        );
    }
}
