//! Quantiles of a sample.

/// Returns a quantile of ascending values by linear interpolation, numpy's default; `NaN` without values.
pub fn quantile(ascending: &[f64], share: f64) -> f64 {
    let Some(last) = ascending.len().checked_sub(1) else {
        return f64::NAN;
    };
    let position = share * last as f64;
    let below = (position.floor() as usize).min(last);
    let low = ascending[below];
    let high = ascending[(below + 1).min(last)];
    low + (high - low) * (position - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_as_numpy_does() {
        let values = [1.0, 2.0, 4.0, 8.0];
        let seen = [0.0, 0.1, 0.5, 0.9, 1.0].map(|share| quantile(&values, share));
        // numpy.quantile([1, 2, 4, 8], [0, .1, .5, .9, 1])
        let expected = [1.0, 1.3, 3.0, 6.8, 8.0];
        assert!(
            seen.iter()
                .zip(expected)
                .all(|(a, b)| (a - b).abs() < 1e-12),
            "{seen:?}"
        );
    }
}
