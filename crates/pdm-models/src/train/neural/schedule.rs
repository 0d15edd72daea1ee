//! The learning rate of every step.

use std::f64::consts::PI;

use crate::models::Schedule;
use crate::models::neural::FitOptions;

/// Returns the learning rate of step `step` of a fit, counted from 0.
///
/// `OneCycle` has the factors of PyTorch's `OneCycleLR`: from `peak / 25` to `peak` along a cosine during the warm-up,
/// then to `peak / 250 000`. The others rise linearly during the warm-up.
pub(super) fn learning_rate(options: &FitOptions, step: usize) -> f64 {
    let FitOptions {
        steps,
        learning_rate: peak,
        warmup_fraction,
        ..
    } = *options;
    let last = steps.saturating_sub(1) as f64;
    let top = warmup_fraction * last;
    let step = step as f64;
    let fallen = if last > top {
        (step - top) / (last - top)
    } else {
        0.0
    };
    match options.schedule {
        Schedule::OneCycle if step < top => cosine(peak / 25.0, peak, step / top),
        Schedule::OneCycle => cosine(peak, peak / 250_000.0, fallen),
        _ if step < top => peak * (step + 1.0) / (top + 1.0),
        Schedule::Constant => peak,
        Schedule::Cosine => cosine(peak, 0.0, fallen),
    }
}

fn cosine(from: f64, to: f64, fraction: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * fraction).cos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::GruOptions;
    use crate::models::neural::SharedOptions;

    fn rates(schedule: Schedule, steps: usize, warmup_fraction: f64) -> Vec<f64> {
        let options = GruOptions {
            schedule,
            steps,
            warmup_fraction,
            learning_rate: 0.5,
            ..Default::default()
        }
        .fit();
        (0..steps)
            .map(|step| learning_rate(&options, step))
            .collect()
    }

    #[test]
    fn one_cycle_starts_low_peaks_once_and_ends_near_zero() {
        let rates = rates(Schedule::OneCycle, 101, 0.2);
        for (step, rate) in [(0, 0.02), (20, 0.5), (60, 0.250_001), (100, 2e-6)] {
            assert!((rates[step] - rate).abs() < 1e-9, "{step}");
        }
        assert!(rates[..=20].is_sorted() && rates[20..].is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn the_others_rise_straight_to_the_peak() {
        let (constant, cosine) = (
            rates(Schedule::Constant, 101, 0.1),
            rates(Schedule::Cosine, 101, 0.1),
        );
        assert_eq!(constant[..10], cosine[..10]);
        assert!(
            constant[..=10].is_sorted()
                && constant[0] > 0.0
                && constant[10..].iter().all(|rate| *rate == 0.5)
        );
        assert!(
            cosine[10..].is_sorted_by(|a, b| a >= b)
                && cosine[10] == 0.5
                && cosine[100].abs() < 1e-12
        );
    }

    #[test]
    fn a_single_step_or_no_warm_up_starts_at_the_peak() {
        for schedule in [Schedule::OneCycle, Schedule::Constant, Schedule::Cosine] {
            assert_eq!(rates(schedule, 1, 0.5)[0], 0.5);
            assert_eq!(rates(schedule, 10, 0.0)[0], 0.5);
        }
    }
}
