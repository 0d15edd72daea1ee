//! The intervals of gates, whose error rates are close to the stated ones even on few units.
//!
//! The percentile bootstrap of a scorecard is too narrow on few units: two equal models look different in 24 % of the fleets of
//! 2 units, 7 % of 10 and 5 % of 20, instead of 2.5 %. Here each end is the outermost of three: the percentile's, Student's t
//! by the delta method, and the bootstrap-t (Efron and Tibshirani 1993, chapter 12), for positive scores on the scale of their
//! logarithm. Shares have the interval of Korn and Graubard (Survey Methodology 24, 1998): Clopper and Pearson's, with the
//! effective number of trials of the units. `scripts/gate-error-rates` measures the resulting error rates.

use rayon::prelude::*;

use super::bootstrap::{draw, percentile_interval};
use super::options::refuse;
use super::paired::{Pairs, require_spread};
use super::quantiles::{beta, student};
use super::rows::admit;
use super::totals::Totals;
use super::{
    BootstrapOptions, ComparedPredictions, Goal, Metric, PairedDifference, Score, ScoringError,
};
use crate::statistics::quantile;

/// Minimum number of units for a limit on a NASA score. Its penalties are exponential, so with fewer units a limit seems kept
/// more than four times as often as stated, with any interval that was tried.
pub const FEWEST_FOR_PENALTIES: usize = 20;
/// Factor of the tail beyond an end of a NASA score, for the same reason.
const TAIL_OF_PENALTIES: f64 = 0.4;

/// Returns the minimum number of units at this confidence. With fewer, even a model that is better on every unit is so by chance
/// more often than stated: n units all have the same sign with probability 2⁻ⁿ on each side.
pub fn fewest_units(confidence: f64) -> usize {
    (2.0 / (1.0 - confidence)).log2().ceil().max(2.0) as usize
}

/// Returns a score with the interval that a gate judges.
///
/// # Errors
/// The predictions cannot be scored, there are fewer than 2 units, or the metric has no finite value.
pub fn proven_score(
    metric: Metric,
    evidence: ComparedPredictions<'_>,
    options: &BootstrapOptions,
    seed: u64,
) -> Result<Score, ScoringError> {
    refuse(options.problems())?;
    let units = Totals::by_unit(&admit(evidence.predictions, evidence.protocol)?);
    require_spread(units.len())?;
    interval(metric, &units, options, seed).ok_or(ScoringError::Undefined(metric))
}

/// Returns a difference with the interval that a gate judges.
///
/// # Errors
/// Those of [`super::paired`].
pub fn proven_difference(
    metric: Metric,
    challenger: ComparedPredictions<'_>,
    champion: ComparedPredictions<'_>,
    options: &BootstrapOptions,
    seed: u64,
) -> Result<PairedDifference, ScoringError> {
    let pairs = Pairs::of(challenger, champion, options)?;
    let seen = pairs.difference(metric, options, seed)?;
    let tail = tail(metric, options);
    let whole: Vec<_> = (0..seen.units).collect();
    let compare = |drawn: &[usize]| compared(metric, &pairs.challenger, &pairs.champion, drawn);
    let plain = IntervalEnds {
        lower: seen.lower,
        upper: seen.upper,
    };
    let Some(ends) = ends(compare(&whole), compare, seen.units, tail, options, seed) else {
        return Err(ScoringError::Undefined(metric));
    };
    let IntervalEnds { lower, upper } = ends.with(plain);
    Ok(PairedDifference {
        lower,
        upper,
        ..seen
    })
}

/// An interval.
#[derive(Debug, Clone, Copy)]
struct IntervalEnds {
    lower: f64,
    upper: f64,
}

impl IntervalEnds {
    /// Returns the interval that contains both.
    fn with(self, other: Self) -> Self {
        Self {
            lower: self.lower.min(other.lower),
            upper: self.upper.max(other.upper),
        }
    }
}

/// An estimate from some units with its standard error.
#[derive(Debug, Clone, Copy)]
struct Estimate {
    value: f64,
    error: f64,
}

/// Returns the share of the probability beyond each end.
fn tail(metric: Metric, options: &BootstrapOptions) -> f64 {
    let tail = 0.5 * (1.0 - options.confidence);
    if is_penalty(metric) {
        TAIL_OF_PENALTIES * tail
    } else {
        tail
    }
}

fn is_penalty(metric: Metric) -> bool {
    matches!(metric, Metric::NasaScore | Metric::NasaMean)
}

fn interval(
    metric: Metric,
    units: &[Totals],
    options: &BootstrapOptions,
    seed: u64,
) -> Option<Score> {
    let value = metric.value(&Totals::sum(units));
    let tail = tail(metric, options);
    let values: Vec<_> = (0..options.resamples as u64)
        .into_par_iter()
        .map(|stream| {
            let drawn = draw(units.len(), seed, stream).map(|unit| &units[unit]);
            metric.value(&Totals::sum(drawn))
        })
        .collect();
    let (lower, upper) = percentile_interval(values, options.confidence);
    let plain = IntervalEnds { lower, upper };
    let ends = if metric.measure().is_share() {
        share(metric, units, tail)
    } else {
        mean(metric, units, tail, options, seed)?
    };
    let IntervalEnds { lower, upper } = ends.with(plain);
    [value, lower, upper]
        .iter()
        .all(|v| v.is_finite())
        .then_some(Score {
            metric,
            value,
            lower,
            upper,
        })
}

/// The interval of a mean, on the scale of its logarithm if it cannot be negative.
fn mean(
    metric: Metric,
    units: &[Totals],
    tail: f64,
    options: &BootstrapOptions,
    seed: u64,
) -> Option<IntervalEnds> {
    let whole: Vec<_> = (0..units.len()).collect();
    let on_scale = |drawn: &[usize]| {
        let Estimate { value, error } = ratio(metric, units, drawn);
        match metric.goal() {
            Goal::Zero => Estimate { value, error },
            Goal::Low | Goal::High => Estimate {
                value: value.ln(),
                error: error / value,
            },
        }
    };
    let own = on_scale(&whole);
    if !own.value.is_finite() {
        // Every error is zero: there is no scale, and the percentiles suffice.
        let value = metric.value(&Totals::sum(units));
        return Some(IntervalEnds {
            lower: value,
            upper: value,
        });
    }
    let IntervalEnds { lower, upper } = ends(own, on_scale, units.len(), tail, options, seed)?;
    let scaled = |end: f64| {
        let mean = if metric.goal() == Goal::Zero {
            end
        } else {
            end.exp()
        };
        let sum = if metric == Metric::NasaScore {
            mean * units.len() as f64
        } else {
            mean
        };
        // A report must be readable as JSON: an infinite end is replaced by the largest number.
        metric.of_mean(sum).clamp(f64::MIN, f64::MAX)
    };
    Some(IntervalEnds {
        lower: scaled(lower),
        upper: scaled(upper),
    })
}

/// Returns the outermost of Student's interval and the bootstrap-t's.
fn ends(
    own: Estimate,
    of_resample: impl Fn(&[usize]) -> Estimate + Sync,
    units: usize,
    tail: f64,
    options: &BootstrapOptions,
    seed: u64,
) -> Option<IntervalEnds> {
    let Estimate { value, error } = own;
    if !(value.is_finite() && error.is_finite()) {
        return None;
    }
    if error == 0.0 {
        return Some(IntervalEnds {
            lower: value,
            upper: value,
        });
    }
    let reach = student(tail, units as f64 - 1.0) * error;
    let studentised = |stream: u64| {
        let drawn: Vec<_> = draw(units, seed, stream).collect();
        let found = of_resample(&drawn);
        (found.value - value) / found.error
    };
    let ratios: Vec<f64> = (0..options.resamples as u64)
        .into_par_iter()
        .map(studentised)
        .collect();
    // If all drawn units are equal there is no ratio. Each end uses the worst value for itself.
    let end = |worst: f64, share: f64| {
        let mut sorted: Vec<_> = ratios
            .iter()
            .map(|ratio| if ratio.is_finite() { *ratio } else { worst })
            .collect();
        sorted.sort_by(f64::total_cmp);
        (value - quantile(&sorted, share) * error).clamp(f64::MIN, f64::MAX)
    };
    let upper = end(f64::MIN, tail);
    let lower = end(f64::MAX, 1.0 - tail);
    Some(IntervalEnds { lower, upper }.with(IntervalEnds {
        lower: value - reach,
        upper: value + reach,
    }))
}

/// Returns a metric's mean over the drawn units, before its root, with its standard error.
fn ratio(metric: Metric, units: &[Totals], drawn: &[usize]) -> Estimate {
    let mut sum = 0.0;
    let mut weight = 0.0;
    for unit in drawn {
        let (s, w) = of_unit(metric, &units[*unit]);
        sum += s;
        weight += w;
    }
    let value = sum / weight;
    let mut squares = 0.0;
    for unit in drawn {
        let (s, w) = of_unit(metric, &units[*unit]);
        squares += (s - value * w).powi(2);
    }
    let n = drawn.len() as f64;
    Estimate {
        value,
        error: (squares * n / (n - 1.0)).sqrt() / weight,
    }
}

/// Returns a unit's contribution to a metric and its weight. The NASA sum is its mean times the fixed number of units.
fn of_unit(metric: Metric, unit: &Totals) -> (f64, f64) {
    match metric {
        Metric::NasaScore => Metric::NasaMean.sum_and_weight(unit),
        Metric::Rmse
        | Metric::Mae
        | Metric::Bias
        | Metric::NasaMean
        | Metric::LateRate
        | Metric::HarmfulLateRate
        | Metric::EarlyRate
        | Metric::OnTimeRate
        | Metric::Coverage
        | Metric::IntervalWidth => metric.sum_and_weight(unit),
    }
}

/// How much worse the challenger is on the drawn units, with its standard error.
fn compared(
    metric: Metric,
    challenger: &[Totals],
    champion: &[Totals],
    drawn: &[usize],
) -> Estimate {
    let ours = ProofSide::of(metric, challenger, drawn);
    let theirs = ProofSide::of(metric, champion, drawn);
    let mut squares = 0.0;
    for unit in drawn {
        squares += (ours.pull(&challenger[*unit]) - theirs.pull(&champion[*unit])).powi(2);
    }
    let n = drawn.len() as f64;
    Estimate {
        value: ours.loss - theirs.loss,
        error: (squares * n / (n - 1.0)).sqrt() / n,
    }
}

/// One side of a comparison.
struct ProofSide {
    metric: Metric,
    loss: f64,
    mean: f64,
    /// Derivative of the loss by the mean, for a unit of mean weight.
    slope: f64,
}

impl ProofSide {
    fn of(metric: Metric, units: &[Totals], drawn: &[usize]) -> Self {
        let mut sum = 0.0;
        let mut weight = 0.0;
        for unit in drawn {
            let (s, w) = of_unit(metric, &units[*unit]);
            sum += s;
            weight += w;
        }
        let n = drawn.len() as f64;
        let mean = sum / weight;
        let scale = if metric == Metric::NasaScore { n } else { 1.0 };
        let value = metric.of_mean(mean * scale);
        let rise = match metric.goal() {
            Goal::Low => 1.0,
            Goal::High => -1.0,
            Goal::Zero => value.signum(),
        };
        // The derivative of a root, at a mean that is zero if no unit has an error.
        let root = if metric == Metric::Rmse && value > 0.0 {
            0.5 / value
        } else {
            1.0
        };
        Self {
            metric,
            loss: metric.goal().loss(value),
            mean,
            slope: rise * scale * root * n / weight,
        }
    }

    /// Returns the influence of a unit on the loss.
    fn pull(&self, unit: &Totals) -> f64 {
        let (sum, weight) = of_unit(self.metric, unit);
        self.slope * (sum - self.mean * weight)
    }
}

/// The interval of a share.
fn share(metric: Metric, units: &[Totals], tail: f64) -> IntervalEnds {
    let whole: Vec<_> = (0..units.len()).collect();
    let Estimate { value, error } = ratio(metric, units, &whole);
    let rows = Totals::sum(units).rows;
    let n = units.len() as f64;
    // If no unit differs, the effective number of trials is unknown: at least one per unit.
    let worth = if error > 0.0 {
        value * (1.0 - value) / error.powi(2)
    } else {
        n
    };
    let known = (student(tail, rows - 1.0) / student(tail, n - 1.0)).powi(2);
    let trials = (worth * known).min(rows);
    let hits = value * trials;
    let lower = if hits > 0.0 {
        beta(tail, hits, trials - hits + 1.0)
    } else {
        0.0
    };
    let upper = if hits < trials {
        beta(1.0 - tail, hits + 1.0, trials - hits)
    } else {
        1.0
    };
    IntervalEnds { lower, upper }
}
