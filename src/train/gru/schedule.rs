use std::f64::consts::PI;

/// Returns the learning rate of step `step` of `steps`: a rise to the peak and a fall to almost nothing, both cosines.
///
/// The one-cycle policy (Smith and Topin, 2017) with the factors of PyTorch's `OneCycleLR`: from `peak / 25` to `peak`
/// in the first `warmup` of the steps, then to `peak / 250 000`.
pub(super) fn one_cycle(step: usize, steps: usize, peak: f64, warmup: f64) -> f64 {
    let last = steps.saturating_sub(1) as f64;
    let top = warmup * last;
    let step = step as f64;
    if step < top {
        cosine(peak / 25.0, peak, step / top)
    } else {
        cosine(peak, peak / 250_000.0, fall(step, top, last))
    }
}

fn fall(step: f64, top: f64, last: f64) -> f64 {
    if last > top { (step - top) / (last - top) } else { 0.0 }
}

fn cosine(from: f64, to: f64, fraction: f64) -> f64 {
    to + (from - to) * 0.5 * (1.0 + (PI * fraction).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_low_peaks_once_and_ends_near_zero() {
        let rates: Vec<f64> = (0..101).map(|step| one_cycle(step, 101, 0.5, 0.2)).collect();
        for (step, rate) in [(0, 0.02), (20, 0.5), (60, 0.250_001), (100, 2e-6)] {
            assert!((rates[step] - rate).abs() < 1e-9, "{step}");
        }
        assert!(rates[..=20].is_sorted() && rates[20..].is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn a_single_step_or_no_warm_up_starts_at_the_peak() {
        assert_eq!(one_cycle(0, 1, 0.5, 0.2), 0.5);
        assert_eq!(one_cycle(0, 10, 0.5, 0.0), 0.5);
    }
}
