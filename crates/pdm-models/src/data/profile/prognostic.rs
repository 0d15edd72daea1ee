//! The prognostic value of a column: how well its course over a life could tell the end.

use serde::Serialize;

use super::statistics::{correlation, mean, sample_sd};

/// Points at which lives are sampled, to compare lives of different length.
const POINTS: usize = 100;
/// Units whose pairs are compared; of more units, every n-th.
const COMPARED: usize = 200;

/// Three measures of Coble and Hines, each from 0 to 1, and 1 is best.
///
/// Coble and Hines, "Identifying optimal prognostic parameters from data: a genetic algorithms approach" (Annual Conference of
/// the PHM Society, 2009), for units j with values x_j over N_j rows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Prognostic {
    /// Mean over units of |Σ sign(x_j(i+1) − x_j(i))| / (N_j − 1): how steadily it moves in one direction.
    pub monotonicity: f64,
    /// The smallest |correlation| of two units over their relative lives: how similar its course is in all units.
    pub trendability: f64,
    /// exp(−SD of x_j(N_j) / mean of |x_j(1) − x_j(N_j)|): how similar its last values are in all units.
    pub prognosability: f64,
}

impl Prognostic {
    /// Judges the courses of a column over whole lives; `None` without a life of at least two values.
    pub(super) fn of(lives: &[Vec<f64>]) -> Option<Self> {
        let lives: Vec<&Vec<f64>> = lives.iter().filter(|life| life.len() > 1).collect();
        if lives.is_empty() {
            return None;
        }
        Some(Self {
            monotonicity: monotonicity(&lives),
            trendability: trendability(&lives),
            prognosability: prognosability(&lives),
        })
    }
}

fn monotonicity(lives: &[&Vec<f64>]) -> f64 {
    let mut shares = Vec::with_capacity(lives.len());
    for life in lives {
        let signs = life
            .windows(2)
            .map(|pair| f64::from(i8::from(pair[1] > pair[0]) - i8::from(pair[1] < pair[0])));
        shares.push(signs.sum::<f64>().abs() / (life.len() - 1) as f64);
    }
    mean(&shares)
}

fn trendability(lives: &[&Vec<f64>]) -> f64 {
    let every = lives.len().div_ceil(COMPARED).max(1);
    let courses: Vec<Vec<f64>> = lives
        .iter()
        .step_by(every)
        .map(|life| resampled(life))
        .collect();
    let mut least: Option<f64> = None;
    for (at, course) in courses.iter().enumerate() {
        for other in &courses[..at] {
            let found = correlation(course, other).unwrap_or(0.0).abs();
            least = Some(least.map_or(found, |least| least.min(found)));
        }
    }
    // A single life is like itself.
    least.unwrap_or(1.0)
}

fn prognosability(lives: &[&Vec<f64>]) -> f64 {
    let ends: Vec<f64> = lives.iter().map(|life| life[life.len() - 1]).collect();
    let travels: Vec<f64> = lives
        .iter()
        .map(|life| (life[0] - life[life.len() - 1]).abs())
        .collect();
    let travel = mean(&travels);
    if travel == 0.0 {
        0.0
    } else {
        (-sample_sd(&ends) / travel).exp()
    }
}

/// Samples a life at equal fractions of its length, with linear interpolation between rows.
fn resampled(life: &[f64]) -> Vec<f64> {
    let last = life.len() - 1;
    let mut points = Vec::with_capacity(POINTS);
    for point in 0..POINTS {
        let position = (point * last) as f64 / (POINTS - 1) as f64;
        let row = (position as usize).min(last);
        points.push(life[row] + position.fract() * (life[(row + 1).min(last)] - life[row]));
    }
    points
}

/// Smooths a course by the mean of the last `window` known values; rows before the first known value are left out.
pub(super) fn smoothed(course: &[f64], window: usize) -> Vec<f64> {
    let known: Vec<f64> = course
        .iter()
        .copied()
        .filter(|value| !value.is_nan())
        .collect();
    let mut smooth = Vec::with_capacity(known.len());
    let mut sum = 0.0;
    for (at, value) in known.iter().enumerate() {
        sum += value;
        if at >= window {
            sum -= known[at - window];
        }
        smooth.push(sum / window.min(at + 1) as f64);
    }
    smooth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_perfect_and_noise_is_not() {
        let ramp: Vec<Vec<f64>> = [30, 40, 50]
            .map(|rows| {
                (0..=rows)
                    .map(|row| f64::from(row) / f64::from(rows))
                    .collect()
            })
            .into();
        let found = Prognostic::of(&ramp).unwrap();
        assert!(
            (found.monotonicity - 1.0).abs() < 1e-12 && (found.prognosability - 1.0).abs() < 1e-12,
            "{found:?}"
        );
        assert!(found.trendability > 0.999, "{found:?}");
        let noise: Vec<Vec<f64>> = [7, 11, 13]
            .map(|step: usize| (0..40).map(|row| ((row * step) % 5) as f64).collect())
            .into();
        let found = Prognostic::of(&noise).unwrap();
        assert!(
            found.monotonicity < 0.5 && found.trendability < 0.5,
            "{found:?}"
        );
        assert_eq!(Prognostic::of(&[vec![1.0]]), None);
    }

    #[test]
    fn smoothing_skips_missing_values() {
        assert_eq!(
            smoothed(&[f64::NAN, 2.0, 4.0, f64::NAN, 6.0], 2),
            [2.0, 3.0, 5.0]
        );
    }
}
