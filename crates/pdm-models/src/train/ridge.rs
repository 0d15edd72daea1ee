//! Ridge regression.

use nalgebra::{DMatrix, DVector};

use super::TrainError;
use crate::features::Matrix;
use crate::models::linear::WHEN_DIVERGED;
use crate::models::{Linear, LinearOptions};

/// Mean and standard deviation of every feature; a zero deviation marks a constant feature.
struct Scaling {
    means: Vec<f64>,
    deviations: Vec<f64>,
}

/// Fits ridge regression (Hoerl and Kennard, Technometrics 1970) to rows `[rows, width]` and their labels.
///
/// Minimises `Σ (y − w₀ − w · x)² + l2 · rows · |w|²` over standardised features; the intercept is not penalised.
///
/// # Errors
/// There are no rows, or values are too large to add.
pub fn fit_ridge(
    rows: &Matrix,
    labels: &[f64],
    options: &LinearOptions,
) -> Result<Linear, TrainError> {
    if labels.is_empty() {
        return Err(TrainError::TooLittleData {
            what: "rows to fit a linear model",
            have: 0,
            need: 1,
        });
    }
    let scaling = Scaling::of(rows);
    let label_mean = mean(labels.iter().copied(), labels.len());
    let (gram, moment) = normal_equations(rows, labels, label_mean, &scaling);
    let solution = solve(gram, moment, options.l2 * labels.len() as f64).ok_or(DIVERGED)?;
    let coefficients: Vec<f64> = scaling.raw(solution.as_slice());
    let intercept = label_mean
        - coefficients
            .iter()
            .zip(&scaling.means)
            .map(|(c, m)| c * m)
            .sum::<f64>();
    Ok(Linear::new(intercept, coefficients))
}

const DIVERGED: TrainError = TrainError::diverged("linear", 0, WHEN_DIVERGED);

impl Scaling {
    fn of(rows: &Matrix) -> Self {
        let n = rows.rows();
        let column = |j: usize| (0..n).map(move |row| f64::from(rows.row(row)[j]));
        let means: Vec<f64> = (0..rows.width).map(|j| mean(column(j), n)).collect();
        let spread = |(j, m): (usize, &f64)| mean(column(j).map(|x| (x - m).powi(2)), n).sqrt();
        let deviations = means.iter().enumerate().map(spread).collect();
        Self { means, deviations }
    }

    fn standardise(&self, row: &[f32], output: &mut [f64]) {
        let scales = self.means.iter().zip(&self.deviations);
        for ((out, x), (mean, deviation)) in output.iter_mut().zip(row).zip(scales) {
            *out = if *deviation > 0.0 {
                (f64::from(*x) - mean) / deviation
            } else {
                0.0
            };
        }
    }

    fn raw(&self, coefficients: &[f64]) -> Vec<f64> {
        let scaled = coefficients.iter().zip(&self.deviations);
        scaled
            .map(|(c, deviation)| if *deviation > 0.0 { c / deviation } else { 0.0 })
            .collect()
    }
}

/// Returns `XᵀX` (its lower triangle) and `Xᵀ(y − ȳ)` of the standardised features.
fn normal_equations(
    rows: &Matrix,
    labels: &[f64],
    label_mean: f64,
    scaling: &Scaling,
) -> (DMatrix<f64>, DVector<f64>) {
    let width = rows.width;
    let mut gram = DMatrix::zeros(width, width);
    let mut moment = DVector::zeros(width);
    let mut x = vec![0.0; width];
    for (row, label) in labels.iter().enumerate() {
        scaling.standardise(rows.row(row), &mut x);
        for (j, xj) in x.iter().enumerate() {
            moment[j] += xj * (label - label_mean);
            let mut column = gram.column_mut(j);
            for (sum, xi) in column.as_mut_slice()[j..].iter_mut().zip(&x[j..]) {
                *sum += xi * xj;
            }
        }
    }
    (gram, moment)
}

/// Solves `(G + penalty · 1) w = m`; a constant feature gets a unit diagonal and so a zero weight.
fn solve(mut gram: DMatrix<f64>, moment: DVector<f64>, penalty: f64) -> Option<DVector<f64>> {
    let smallest = 1e-10 * gram.diagonal().amax();
    for j in 0..gram.nrows() {
        let diagonal = &mut gram[(j, j)];
        *diagonal += if *diagonal == 0.0 {
            1.0
        } else {
            penalty.max(smallest)
        };
    }
    let solution = gram.cholesky()?.solve(&moment);
    solution.iter().all(|w| w.is_finite()).then_some(solution)
}

fn mean(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    values.sum::<f64>() / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Predictor;

    fn fit(width: usize, values: &[f32], labels: &[f64], l2: f64) -> Linear {
        fit_ridge(
            &Matrix {
                width,
                values: values.to_vec(),
            },
            labels,
            &LinearOptions { l2 },
        )
        .unwrap()
    }

    /// One feature has a closed form: with standardised x, `w = cov(x, y) / (1 + l2)`.
    #[test]
    fn one_feature_has_the_closed_form() {
        let (x, y) = ([1.0f32, 2.0, 4.0, 7.0], [3.0, 5.0, 4.0, 9.0]);
        let (mean_x, mean_y) = (3.5, 5.25);
        let cov: f64 = x
            .iter()
            .zip(&y)
            .map(|(x, y)| (f64::from(*x) - mean_x) * (y - mean_y))
            .sum::<f64>()
            / 4.0;
        let variance: f64 = x
            .iter()
            .map(|x| (f64::from(*x) - mean_x).powi(2))
            .sum::<f64>()
            / 4.0;
        for l2 in [0.0, 0.5, 2.0] {
            let slope = cov / variance / (1.0 + l2);
            let model = fit(1, &x, &y, l2);
            let at = |x: f32| {
                model.predict_last(&Matrix {
                    width: 1,
                    values: vec![x],
                })
            };
            assert!(
                (at(10.0) - (mean_y + slope * (10.0 - mean_x))).abs() < 1e-8,
                "l2 = {l2}"
            );
        }
    }

    /// From the two normal equations with `0.01 · 5` on the diagonal, solved by Cramer's rule in Python.
    #[test]
    fn two_features_follow_cramers_rule() {
        let values = [1.0, 2.0, 2.0, 1.0, 3.0, 5.0, 4.0, 3.0, 5.0, 8.0];
        let model = fit(2, &values, &[1.0, 4.0, 2.0, 7.0, 5.0], 0.01);
        let prediction = model.predict_last(&Matrix {
            width: 2,
            values: vec![6.0, 4.0],
        });
        assert!((prediction - CRAMER).abs() < 1e-8, "{prediction}");
    }

    const CRAMER: f64 = 10.601_375_403_161_668;

    #[test]
    fn constant_and_repeated_features_do_no_harm() {
        let values = [1.0, 5.0, 1.0, 2.0, 5.0, 2.0, 4.0, 5.0, 4.0];
        let model = fit(3, &values, &[2.0, 4.0, 8.0], 0.0);
        let prediction = model.predict_last(&Matrix {
            width: 3,
            values: vec![3.0, 5.0, 3.0],
        });
        assert!((prediction - 6.0).abs() < 1e-6);
        let constant = fit(1, &[5.0, 5.0], &[1.0, 3.0], 1e-3);
        assert_eq!(
            constant.predict_last(&Matrix {
                width: 1,
                values: vec![9.0]
            }),
            2.0
        );
    }

    #[test]
    fn no_rows_is_an_error() {
        let error = fit_ridge(&Matrix::default(), &[], &LinearOptions::default()).unwrap_err();
        assert!(matches!(error, TrainError::TooLittleData { have: 0, .. }));
    }
}
