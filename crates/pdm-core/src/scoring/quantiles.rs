//! Quantiles of the beta distribution and of Student's, by the regularised incomplete beta function.

/// Relative change at which the continued fraction has converged.
const PRECISION: f64 = 1e-15;
/// Maximum number of steps; it converges in about √max(a, b).
const MOST_STEPS: usize = 10_000;
/// Number of halvings of [0, 1] for full precision.
const HALVINGS: usize = 200;
/// Replaces zero in a denominator.
const TINY: f64 = 1e-300;

/// Returns the quantile of the beta distribution with parameters above zero.
pub(super) fn beta(share: f64, a: f64, b: f64) -> f64 {
    let mut low = 0.0;
    let mut high = 1.0;
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        if incomplete_beta(middle, a, b) < share {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}

/// Returns the value that Student's t with `freedom` degrees of freedom exceeds with probability `tail`.
pub(super) fn student(tail: f64, freedom: f64) -> f64 {
    let x = beta(2.0 * tail, 0.5 * freedom, 0.5);
    (freedom * (1.0 - x) / x).sqrt()
}

/// Returns the regularised incomplete beta function: the probability below `x`.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    // The fraction converges fast only on this side of the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front =
        libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    front.exp() * fraction(x, a, b) / a
}

/// Lentz's evaluation of the continued fraction (Abramowitz and Stegun 26.5.8).
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for step in 1..MOST_STEPS {
        let m = step as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            change = c * d;
            value *= change;
        }
        if (change - 1.0).abs() < PRECISION {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_scipy() {
        // scipy.stats.beta.ppf and scipy.stats.t.isf
        let betas = [
            (beta(0.975, 1.0, 100.0), 0.036_216_692_645_176_41),
            (beta(0.025, 90.0, 11.0), 0.823_777_402_259_977_3),
            (beta(0.5, 2.5, 0.5), 0.904_474_181_962_178_9),
        ];
        let students = [
            (student(0.025, 1.0), 12.706_204_736_174_705),
            (student(0.025, 5.0), 2.570_581_835_636_315_5),
            (student(0.01, 11.0), 2.718_079_183_813_862_7),
            (student(0.025, 1000.0), 1.962_339_080_826_408_5),
        ];
        for (found, expected) in betas.into_iter().chain(students) {
            assert!(
                (found - expected).abs() < 1e-9 * expected,
                "{found} {expected}"
            );
        }
    }
}
