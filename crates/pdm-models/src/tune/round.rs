//! Rounds numbers that a search tries.

/// Rounds a number to about a thousandth of the width of its range.
pub(super) fn tidy(value: f64, width: f64) -> f64 {
    let exponent = (width / 1000.0).log10().floor();
    if !exponent.is_finite() {
        return value;
    }
    if exponent >= 0.0 {
        let unit = 10_f64.powf(exponent);
        return (value / unit).round() * unit;
    }
    // Via decimal digits, because multiples of 0.001 are not exact.
    format!("{value:.*}", -exponent as usize)
        .parse()
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_follow_the_width() {
        assert_eq!(tidy(0.003_214_987, 0.009), 0.003_215);
        assert_eq!(tidy(0.1 + 0.2, 1.0), 0.3);
        assert_eq!(tidy(123_456.7, 900_000.0), 123_500.0);
        assert_eq!(tidy(100.001_25, 0.001), 100.001_25);
        assert_eq!(tidy(1.5, f64::INFINITY), 1.5);
    }
}
