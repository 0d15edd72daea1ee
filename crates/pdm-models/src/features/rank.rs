//! Ranks sensors by their prognostic value.

use serde::{Deserialize, Serialize};

use super::FittedFeatures;
use super::rolling::exponential_mean;
use super::table::DRIFT_HALF_LIFE;
use crate::data::{TrainingUnits, Trajectory};

/// Number of points at which each life is sampled, to compare lives of different length.
const POINTS_OF_LIFE: usize = 100;

/// The prognostic value of a smoothed sensor; each number is from 0 to 1, and 1 is best.
///
/// Defined by Coble & Hines, "Identifying optimal prognostic parameters from data" (Annual Conference of the PHM
/// Society, 2009), and Coble, "Merging data sources to predict remaining useful life" (dissertation, 2010). For units
/// j with values x_j over N_j cycles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SensorRank {
    /// Name of the sensor.
    pub sensor: String,
    /// How steadily it moves in one direction: mean over units of |#rises − #falls| / (N_j − 1).
    pub monotonicity: f64,
    /// How similar its course is in all units: the smallest |correlation| of two units over their relative lives.
    pub trendability: f64,
    /// How similar its last values are in all units: exp(−SD of x_j(N_j) / mean of |x_j(1) − x_j(N_j)|).
    pub prognosability: f64,
}

impl SensorRank {
    /// Returns the mean of the three numbers.
    pub fn fitness(&self) -> f64 {
        (self.monotonicity + self.trendability + self.prognosability) / 3.0
    }
}

/// Ranks the sensors in use by their prognostic value over the training units, best first.
pub fn rank(training: &TrainingUnits<'_>, features: &FittedFeatures) -> Vec<SensorRank> {
    rank_units(training.units(), features)
}

pub(super) fn rank_units(units: &[&Trajectory], features: &FittedFeatures) -> Vec<SensorRank> {
    let half_life = DRIFT_HALF_LIFE * features.options().time_scale();
    let mut lives: Vec<Vec<Vec<f64>>> = vec![Vec::new(); features.sensors().len()];
    for unit in units.iter().filter(|unit| !unit.is_empty()) {
        for (lives, sensor) in lives.iter_mut().zip(features.standardised(unit)) {
            lives.push(exponential_mean(&sensor, half_life));
        }
    }
    let mut ranks: Vec<_> = features
        .sensors()
        .iter()
        .zip(&lives)
        .map(|(sensor, lives)| judge(sensor, lives))
        .collect();
    ranks.sort_by(|a, b| b.fitness().total_cmp(&a.fitness()));
    ranks
}

fn judge(sensor: &str, lives: &[Vec<f64>]) -> SensorRank {
    SensorRank {
        sensor: sensor.to_owned(),
        monotonicity: monotonicity(lives),
        trendability: trendability(lives),
        prognosability: prognosability(lives),
    }
}

fn monotonicity(lives: &[Vec<f64>]) -> f64 {
    let of_life = |life: &Vec<f64>| {
        let signs = life
            .windows(2)
            .map(|pair| f64::from(i8::from(pair[1] > pair[0]) - i8::from(pair[1] < pair[0])));
        signs.sum::<f64>().abs() / (life.len() - 1) as f64
    };
    mean(lives.iter().filter(|life| life.len() > 1).map(of_life))
}

/// Maximum number of units whose pairs are compared; of more units, every n-th. A million pairs take a second per sensor.
const COMPARED_UNITS: usize = 1000;

fn trendability(lives: &[Vec<f64>]) -> f64 {
    let every = lives.len().div_ceil(COMPARED_UNITS).max(1);
    let courses: Vec<_> = lives
        .iter()
        .step_by(every)
        .map(|life| unit_vector(&resampled(life)))
        .collect();
    let pairs = courses
        .iter()
        .enumerate()
        .flat_map(|(i, a)| courses[..i].iter().map(move |b| (a, b)));
    let correlation =
        |(a, b): (&Vec<f64>, &Vec<f64>)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().abs();
    pairs.map(correlation).fold(1.0, f64::min)
}

fn prognosability(lives: &[Vec<f64>]) -> f64 {
    let ends = || lives.iter().filter_map(|life| life.last().copied());
    let travel = mean(
        lives
            .iter()
            .map(|life| (life[0] - life[life.len() - 1]).abs()),
    );
    if travel == 0.0 {
        0.0
    } else {
        (-sample_sd(ends()) / travel).exp()
    }
}

/// Samples a life at equal fractions of its length, with linear interpolation between rows.
fn resampled(life: &[f64]) -> Vec<f64> {
    let last = life.len() - 1;
    let at = |point: usize| {
        let position = (point * last) as f64 / (POINTS_OF_LIFE - 1) as f64;
        let row = (position as usize).min(last);
        let share = position.fract();
        life[row] + share * (life[(row + 1).min(last)] - life[row])
    };
    (0..POINTS_OF_LIFE).map(at).collect()
}

/// Normalises values to mean 0 and length 1, so that the product of two vectors is their correlation; zeros if constant.
fn unit_vector(values: &[f64]) -> Vec<f64> {
    let mean = mean(values.iter().copied());
    let length = values
        .iter()
        .map(|x| (x - mean).powi(2))
        .sum::<f64>()
        .sqrt();
    values
        .iter()
        .map(|x| {
            if length > 0.0 {
                (x - mean) / length
            } else {
                0.0
            }
        })
        .collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

fn sample_sd(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let center = mean(values.clone());
    let count = values.clone().count();
    if count < 2 {
        0.0
    } else {
        (values.map(|x| (x - center).powi(2)).sum::<f64>() / (count - 1) as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(actual: f64, expected: f64) {
        assert!(
            (actual - expected).abs() < 1e-9,
            "{actual} is not {expected}"
        );
    }

    #[test]
    fn a_perfect_parameter_scores_one_in_everything() {
        let lives = [10, 25, 200].map(|n| {
            (0..n)
                .map(|t| f64::from(t) / f64::from(n - 1))
                .collect::<Vec<_>>()
        });
        near(monotonicity(&lives), 1.0);
        near(trendability(&lives), 1.0);
        near(prognosability(&lives), 1.0);
    }

    #[test]
    fn monotonicity_by_hand() {
        near(
            monotonicity(&[vec![0.0, 1.0, 2.0, 1.0, 1.0], vec![3.0, 2.0], vec![5.0]]),
            (0.25 + 1.0) / 2.0,
        );
    }

    #[test]
    fn trendability_is_the_correlation_of_the_least_alike_pair() {
        // Correlation of t and t² over 0..=99 at 100 points, from its closed form.
        let (line, curve): (Vec<f64>, Vec<f64>) =
            (0..100).map(|t| (f64::from(t), f64::from(t * t))).unzip();
        let falling = line.iter().map(|x| -x).collect();
        near(trendability(&[line.clone(), falling]), 1.0);
        let power_mean = |p: i32| (0..100).map(|t| f64::from(t).powi(p)).sum::<f64>() / 100.0;
        let (m1, m2, m3, m4) = (power_mean(1), power_mean(2), power_mean(3), power_mean(4));
        let expected = (m3 - m1 * m2) / ((m2 - m1 * m1) * (m4 - m2 * m2)).sqrt();
        near(trendability(&[line.clone(), curve]), expected);
        near(trendability(&[line, vec![1.0; 50]]), 0.0);
    }

    #[test]
    fn only_some_of_many_units_are_compared() {
        let rising: Vec<Vec<f64>> = (0..2001)
            .map(|unit| vec![0.0, 1.0 + f64::from(unit), 2.0])
            .collect();
        let few: Vec<Vec<f64>> = rising.iter().step_by(3).cloned().collect();
        assert_eq!(trendability(&rising), trendability(&few));
    }

    #[test]
    fn prognosability_by_hand() {
        near(
            prognosability(&[vec![0.0, 1.0], vec![0.0, 3.0]]),
            (-(2.0_f64.sqrt()) / 2.0).exp(),
        );
        near(prognosability(&[vec![1.0, 1.0], vec![2.0, 2.0]]), 0.0);
    }

    #[test]
    fn few_rows_and_few_units_have_a_finite_rank() {
        for lives in [&[][..], &[vec![1.0]], &[vec![1.0], vec![2.0, 3.0]]] {
            let rank = judge("s", lives);
            assert!(rank.fitness().is_finite(), "{rank:?}");
        }
    }
}
