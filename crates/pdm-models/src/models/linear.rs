//! Ridge regression: options, the fitted model and its weights.

use serde::{Deserialize, Serialize};

use super::family::{FamilyOptions, FitExtent};
use super::weights::{open, read, read_shaped, write, wrong};
use super::{Family, InputKind, ModelError, Predictor};
use crate::features::Matrix;
use pdm_core::domain::Problem;

/// Options of ridge regression on the feature table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct LinearOptions {
    /// Penalty on the squared coefficients of the standardised features, relative to the number of rows; at least 0.
    pub l2: f64,
}

impl Default for LinearOptions {
    fn default() -> Self {
        Self { l2: 1e-3 }
    }
}

impl LinearOptions {
    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let valid = self.l2.is_finite() && self.l2 >= 0.0;
        if valid {
            Vec::new()
        } else {
            vec![Problem::new(
                "l2",
                format!("must be at least 0, not {}", self.l2),
            )]
        }
    }
}

/// What to try if the normal equations overflow.
pub(crate) const WHEN_DIVERGED: &str =
    "a feature is too large to add: find it with `pdm-ml features --output table.csv`";

impl FamilyOptions for LinearOptions {
    fn input(&self) -> InputKind {
        InputKind::Table
    }

    fn memory(&self, extent: &FitExtent) -> u64 {
        let width = extent.width(self.input());
        let normal_equations = 16 * width * width;
        extent.inputs(width) + extent.table(width) + normal_equations
    }

    fn needs_less(&self) -> &'static str {
        "fewer features, or a larger train.row_stride"
    }

    fn learns_by_loss(&self) -> bool {
        false
    }

    fn never_stops_early(&self) -> Option<&'static str> {
        Some("a linear model is solved in one step and cannot stop early")
    }

    fn small() -> Self {
        Self::default()
    }
}

/// A fitted linear model: `intercept + coefficients · row`.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    pub(crate) intercept: f64,
    pub(crate) coefficients: Vec<f64>,
}

const FAMILY: &str = "linear";
const INTERCEPT: &str = "intercept";
const COEFFICIENTS: &str = "coefficients";

impl Linear {
    /// Returns the model with these weights, which apply to the features of the table without scaling.
    pub(crate) fn new(intercept: f64, coefficients: Vec<f64>) -> Self {
        Self {
            intercept,
            coefficients,
        }
    }

    /// Reads a model from its weights.
    ///
    /// # Errors
    /// The bytes are not safetensors, or not those of a linear model.
    pub fn load(weights: &[u8]) -> Result<Self, ModelError> {
        let tensors = open(FAMILY, weights)?;
        let intercept = read_shaped(&tensors, INTERCEPT, &[1])?[0];
        let (shape, coefficients) = read(&tensors, COEFFICIENTS)?;
        match shape.len() {
            1 => Ok(Self {
                intercept,
                coefficients,
            }),
            rank => Err(wrong(COEFFICIENTS, format!("has {rank} dimensions, not 1"))),
        }
    }

    fn value(&self, row: &[f32]) -> f64 {
        self.intercept
            + self
                .coefficients
                .iter()
                .zip(row)
                .map(|(c, x)| c * f64::from(*x))
                .sum::<f64>()
    }
}

impl Predictor for Linear {
    fn input(&self) -> InputKind {
        InputKind::Table
    }

    fn predict(&self, history: &Matrix) -> Vec<f64> {
        (0..history.rows())
            .map(|row| self.value(history.row(row)))
            .collect()
    }

    fn predict_last(&self, history: &Matrix) -> f64 {
        history
            .rows()
            .checked_sub(1)
            .map_or(f64::NAN, |last| self.value(history.row(last)))
    }

    fn weights(&self) -> Vec<u8> {
        write(
            FAMILY,
            &[
                (INTERCEPT, &[1], &[self.intercept]),
                (COEFFICIENTS, &[self.coefficients.len()], &self.coefficients),
            ],
        )
    }

    fn family(&self) -> Option<Family<'_>> {
        Some(Family::Linear(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_come_back() {
        let model = Linear::new(1.5, vec![2.0, -0.25]);
        let history = Matrix {
            width: 2,
            values: vec![1.0, 4.0, 0.0, 2.0],
        };
        assert_eq!(model.predict(&history), [2.5, 1.0]);
        assert_eq!(model.predict_last(&history), 1.0);
        assert!(
            model
                .predict_last(&Matrix {
                    width: 2,
                    values: Vec::new()
                })
                .is_nan()
        );
        assert_eq!(Linear::load(&model.weights()).unwrap(), model);
        assert!(matches!(
            Linear::load(b"nothing of the kind"),
            Err(ModelError::Format(_))
        ));
    }

    #[test]
    fn a_negative_penalty_is_a_problem() {
        assert!(LinearOptions::default().problems().is_empty());
        for l2 in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(LinearOptions { l2 }.problems()[0].path, "l2");
        }
    }
}
