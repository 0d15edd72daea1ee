//! The share of units that live longer than a time, with units that are still running.

use serde::Serialize;

use crate::data::ObservedLife;

/// The 97.5 % quantile of the normal distribution, for intervals of 95 %.
const NORMAL: f64 = 1.959_963_984_540_054;

/// A Kaplan–Meier curve.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SurvivalCurve {
    /// Number of lives.
    pub lives: usize,
    /// Lives that ended by failure.
    pub ended: usize,
    /// The time that half of the units survive; absent if the curve stays above one half.
    pub median: Option<f64>,
    /// The steps, in rising order of time.
    pub steps: Vec<SurvivalStep>,
}

/// One step of a curve, at the time of at least one failure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SurvivalStep {
    /// The time.
    pub time: f64,
    /// Units that were alive just before it.
    pub at_risk: usize,
    /// Units that failed at it.
    pub failed: usize,
    /// Estimated share of units that live longer.
    pub survival: f64,
    /// Lower end of the 95 % interval of that share.
    pub lower: f64,
    /// Upper end of that interval.
    pub upper: f64,
}

/// Estimates the survival of units from lives of which some have not ended.
///
/// The product-limit estimator of Kaplan and Meier ("Nonparametric estimation from incomplete observations", J. Am. Stat.
/// Assoc. 53, 1958): S(t) = Π (1 − dᵢ/nᵢ) over the failure times up to t, where a life that is censored at a failure time
/// counts as at risk. The variance is that of Greenwood (1926), and the interval that of the logarithm of −log S
/// (Kalbfleisch and Prentice, 1980), which stays between 0 and 1.
pub fn survival(lives: &[ObservedLife]) -> SurvivalCurve {
    let mut sorted = lives.to_vec();
    sorted.sort_by(|a, b| a.length.total_cmp(&b.length));
    let mut steps = Vec::new();
    let (mut share, mut greenwood) = (1.0, 0.0);
    let mut begin = 0;
    while begin < sorted.len() {
        let time = sorted[begin].length;
        let same = sorted[begin..]
            .iter()
            .take_while(|life| life.length == time);
        let (mut count, mut failed) = (0, 0);
        for life in same {
            count += 1;
            failed += usize::from(life.ended);
        }
        let at_risk = sorted.len() - begin;
        begin += count;
        if failed == 0 {
            continue;
        }
        share *= 1.0 - failed as f64 / at_risk as f64;
        greenwood += failed as f64 / (at_risk as f64 * (at_risk - failed) as f64);
        let [lower, upper] = interval(share, greenwood);
        steps.push(SurvivalStep {
            time,
            at_risk,
            failed,
            survival: share,
            lower,
            upper,
        });
    }
    let half = steps.iter().find(|step| step.survival <= 0.5 + 1e-12);
    SurvivalCurve {
        lives: lives.len(),
        ended: lives.iter().filter(|life| life.ended).count(),
        median: half.map(|step| step.time),
        steps,
    }
}

/// Returns the interval of a share of survivors; that of a share of 0 is a point.
fn interval(share: f64, greenwood: f64) -> [f64; 2] {
    if share <= 0.0 || !greenwood.is_finite() {
        return [0.0, 0.0];
    }
    let log = share.ln();
    let width = NORMAL * greenwood.sqrt() / log.abs();
    [share.powf(width.exp()), share.powf((-width).exp())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(length: f64, ended: bool) -> ObservedLife {
        ObservedLife { length, ended }
    }

    /// The remission times of 6-MP of Freireich et al. (1963), the textbook example; survival and standard error as printed in
    /// Kleinbaum and Klein, "Survival analysis", table 2.1.
    #[test]
    fn agrees_with_the_textbook() {
        let failed = [6.0, 6.0, 6.0, 7.0, 10.0, 13.0, 16.0, 22.0, 23.0];
        let running = [
            6.0, 9.0, 10.0, 11.0, 17.0, 19.0, 20.0, 25.0, 32.0, 32.0, 34.0, 35.0,
        ];
        let lives: Vec<_> = failed
            .map(|length| life(length, true))
            .into_iter()
            .chain(running.map(|length| life(length, false)))
            .collect();
        let curve = survival(&lives);
        let found: Vec<_> = curve
            .steps
            .iter()
            .map(|step| (step.time, step.at_risk, (step.survival * 1e4).round() / 1e4))
            .collect();
        let expected = [
            (6.0, 21, 0.8571),
            (7.0, 17, 0.8067),
            (10.0, 15, 0.7529),
            (13.0, 12, 0.6902),
            (16.0, 11, 0.6275),
            (22.0, 7, 0.5378),
            (23.0, 6, 0.4482),
        ];
        assert_eq!(found, expected);
        assert_eq!(
            (curve.lives, curve.ended, curve.median),
            (21, 9, Some(23.0))
        );
        // R: survfit(Surv(time, status) ~ 1, conf.type = "log-log") at time 6.
        let [lower, upper] = [curve.steps[0].lower, curve.steps[0].upper];
        assert!(
            (lower - 0.6197).abs() < 1e-3 && (upper - 0.9516).abs() < 1e-3,
            "{lower} {upper}"
        );
    }

    #[test]
    fn without_failures_the_curve_has_no_step() {
        let curve = survival(&[life(5.0, false), life(7.0, false)]);
        assert_eq!((curve.steps.len(), curve.median), (0, None));
        let all = survival(&[life(1.0, true), life(2.0, true)]);
        assert_eq!((all.median, all.steps[1].survival), (Some(1.0), 0.0));
    }
}
