//! Quantile outputs.

/// Outputs per output row of a network with quantiles: lower, middle and upper.
pub(crate) const QUANTILES: usize = 3;

/// Returns the outputs of a row as lower, middle and upper; a single output is all three.
///
/// Quantiles that are learnt together may cross. Sorting never moves them further from the true ones (Chernozhukov,
/// Fernández-Val, Galichon, Econometrica 78, 2010).
pub(crate) fn ordered(outputs: &[f32]) -> [f32; QUANTILES] {
    match *outputs {
        [lower, middle, upper] => {
            let mut quantiles = [lower, middle, upper];
            quantiles.sort_by(f32::total_cmp);
            quantiles
        }
        _ => [outputs.first().copied().unwrap_or(f32::NAN); QUANTILES],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossed_outputs_are_sorted_and_one_is_all() {
        assert_eq!(ordered(&[3.0, 1.0, 2.0]), [1.0, 2.0, 3.0]);
        assert_eq!(ordered(&[4.0]), [4.0; 3]);
        assert!(ordered(&[f32::NAN, 1.0, 2.0])[2].is_nan());
    }
}
