//! The health index: one number for the state of a unit.

use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

/// Ridge penalty for each training row; standardised sensors have unit variance.
const RIDGE: f64 = 1e-3;

/// One number for the state of a unit: near 1 while healthy, near 0 at failure.
///
/// A ridge regression (Hoerl & Kennard, 1970) of the label, as a share of the largest one, on the standardised sensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct HealthIndex {
    intercept: f64,
    /// One weight per sensor.
    weights: Vec<f64>,
}

impl HealthIndex {
    /// Learns from standardised sensors as `[unit][sensor][row]` and targets as `[unit][row]`.
    pub(super) fn fit(units: &[Vec<Vec<f64>>], targets: &[Vec<f64>]) -> Self {
        let sums = ProductSums::of(units, targets);
        let weights = sums.ridge();
        let intercept = sums.mean(sums.sensors)
            - (0..sums.sensors)
                .map(|i| weights[i] * sums.mean(i))
                .sum::<f64>();
        Self {
            intercept,
            weights: weights.as_slice().to_vec(),
        }
    }

    /// Returns what is inconsistent with this many sensors.
    pub(super) fn problem(&self, sensors: usize) -> Option<String> {
        let weights = self.weights.len();
        (weights != sensors)
            .then(|| format!("has a health index of {weights} weights for {sensors} sensors"))
    }

    /// Returns the index of every row of standardised sensors `[sensor][row]`.
    pub(super) fn of(&self, sensors: &[Vec<f64>]) -> Vec<f64> {
        let mut index = vec![self.intercept; sensors.first().map_or(0, Vec::len)];
        for (weight, column) in self.weights.iter().zip(sensors) {
            for (index, value) in index.iter_mut().zip(column) {
                *index += weight * value;
            }
        }
        index
    }
}

/// Sums over all rows of the columns (the sensors, then the target) and of their products.
struct ProductSums {
    rows: f64,
    sensors: usize,
    columns: Vec<f64>,
    products: DMatrix<f64>,
}

impl ProductSums {
    fn of(units: &[Vec<Vec<f64>>], targets: &[Vec<f64>]) -> Self {
        let sensors = units.first().map_or(0, Vec::len);
        let products = DMatrix::zeros(sensors + 1, sensors + 1);
        let mut sums = Self {
            rows: 0.0,
            sensors,
            columns: vec![0.0; sensors + 1],
            products,
        };
        for (unit, target) in units.iter().zip(targets) {
            let columns: Vec<&[f64]> = unit.iter().chain([target]).map(Vec::as_slice).collect();
            sums.add(&columns);
        }
        sums
    }

    fn add(&mut self, columns: &[&[f64]]) {
        self.rows += columns.last().map_or(0.0, |target| target.len() as f64);
        for (i, a) in columns.iter().enumerate() {
            self.columns[i] += a.iter().sum::<f64>();
            for (j, b) in columns.iter().enumerate().take(i + 1) {
                self.products[(i, j)] += a.iter().zip(*b).map(|(a, b)| a * b).sum::<f64>();
            }
        }
    }

    fn mean(&self, column: usize) -> f64 {
        self.columns[column] / self.rows
    }

    /// Returns Σ (a − mean)(b − mean).
    fn scatter(&self, i: usize, j: usize) -> f64 {
        self.products[(i.max(j), i.min(j))] - self.columns[i] * self.columns[j] / self.rows
    }

    fn ridge(&self) -> DVector<f64> {
        let penalty = |i, j| if i == j { RIDGE * self.rows } else { 0.0 };
        let gram = DMatrix::from_fn(self.sensors, self.sensors, |i, j| {
            self.scatter(i, j) + penalty(i, j)
        });
        let cross = DVector::from_fn(self.sensors, |i, _| self.scatter(i, self.sensors));
        let factor = gram
            .cholesky()
            .expect("a finite scatter matrix plus a positive diagonal is positive definite");
        factor.solve(&cross)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sensor_by_hand() {
        // x = 0..3 and y = 1 − x / 3: the scatter of x is 5, that of x and y is −5/3.
        let (x, y): (Vec<f64>, Vec<f64>) = (0..4)
            .map(|i| (f64::from(i), 1.0 - f64::from(i) / 3.0))
            .unzip();
        let index = HealthIndex::fit(&[vec![x]], &[y]);
        let weight = (-5.0 / 3.0) / (5.0 + 4.0 * RIDGE);
        assert!((index.weights[0] - weight).abs() < 1e-12);
        assert!((index.of(&[vec![1.5]])[0] - 0.5).abs() < 1e-12);
    }

    #[test]
    fn equal_sensors_share_the_weight_and_constant_ones_get_none() {
        let x: Vec<f64> = (0..50).map(|i| f64::from(i) / 25.0 - 1.0).collect();
        let index = HealthIndex::fit(&[vec![x.clone(), x.clone(), vec![0.0; 50]]], &[x]);
        assert!((index.weights[0] - index.weights[1]).abs() < 1e-9 && index.weights[2] == 0.0);
        assert!((index.weights[0] + index.weights[1] - 1.0).abs() < 0.01);
    }

    #[test]
    fn units_are_pooled() {
        let (a, b) = (vec![0.0, 1.0, 5.0], vec![2.0, 3.0]);
        let joined = HealthIndex::fit(
            &[vec![[a.clone(), b.clone()].concat()]],
            &[vec![1.0, 0.9, 0.1, 0.7, 0.5]],
        );
        let apart = HealthIndex::fit(&[vec![a], vec![b]], &[vec![1.0, 0.9, 0.1], vec![0.7, 0.5]]);
        assert!((joined.weights[0] - apart.weights[0]).abs() < 1e-12);
    }
}
