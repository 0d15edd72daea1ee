//! The tensors that an exported model reads and returns.

use serde::Serialize;

use super::ExportError;
use crate::bundle::ModelBundle;
use crate::data::Trajectory;
use crate::features::{InputKind, Matrix};

pub(super) const FEATURES: &str = "features";
pub(super) const LENGTHS: &str = "lengths";
pub(super) const RUL: &str = "rul";

/// An input or output tensor of an exported model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TensorSpec {
    /// Its name.
    pub name: &'static str,
    /// The type of its numbers.
    pub dtype: Dtype,
    /// Its dimensions.
    pub shape: Vec<DimensionSize>,
}

/// A type of numbers, by numpy's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dtype {
    /// Single precision.
    Float32,
    /// Double precision.
    Float64,
    /// Whole numbers.
    Int64,
}

impl Dtype {
    /// Returns numpy's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Int64 => "int64",
        }
    }
}

/// The size of a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum DimensionSize {
    /// A named size that the caller chooses.
    Free(&'static str),
    /// A fixed size.
    Fixed(usize),
}

const BATCH: DimensionSize = DimensionSize::Free("batch");

/// Returns the inputs of the exported model.
///
/// A model on the feature table reads rows `[batch, columns]`. A model on histories reads `[batch, cycles, columns]`, one row
/// per cycle from the first recorded one, and the number of rows of each history; rows after the end of a history are ignored.
pub fn input_specs(bundle: &ModelBundle) -> Vec<TensorSpec> {
    let width = DimensionSize::Fixed(bundle.features().input_names(bundle.model().input()).len());
    let features = |shape| TensorSpec {
        name: FEATURES,
        dtype: Dtype::Float32,
        shape,
    };
    match bundle.model().input() {
        InputKind::Table => vec![features(vec![BATCH, width])],
        InputKind::Sequence | InputKind::Both => vec![
            features(vec![BATCH, DimensionSize::Free("cycles"), width]),
            TensorSpec {
                name: LENGTHS,
                dtype: Dtype::Int64,
                shape: vec![BATCH],
            },
        ],
    }
}

/// Returns the output of the exported model: remaining useful life in cycles, `[batch]`; NaN for a history whose length is not
/// from 1 to `cycles`.
pub fn output_spec() -> TensorSpec {
    TensorSpec {
        name: RUL,
        dtype: Dtype::Float64,
        shape: vec![BATCH],
    }
}

/// The model inputs for some units, at the last recorded cycle of each.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelInputs {
    /// `[batch, columns]`, or `[batch, cycles, columns]` with zeros after the shorter histories.
    features: Features,
    /// Rows of each history.
    #[serde(skip_serializing_if = "Option::is_none")]
    lengths: Option<Vec<usize>>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Features {
    Rows(Vec<Vec<f32>>),
    Histories(Vec<Vec<Vec<f32>>>),
}

/// A request to the scoring server of MLflow.
#[derive(Serialize)]
struct ScoringRequest<'a> {
    inputs: &'a ModelInputs,
}

impl ModelInputs {
    /// Returns the tensors by name, as nested lists in JSON.
    pub fn to_json(&self) -> Vec<u8> {
        json(self)
    }

    /// Returns them as a request to the scoring server of MLflow.
    pub fn to_request(&self) -> Vec<u8> {
        json(&ScoringRequest { inputs: self })
    }
}

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).expect("lists of numbers have a JSON form")
}

/// Returns the model inputs for these units, in their order; units without a row are left out, as in
/// [`ModelBundle::predict`].
///
/// # Errors
/// No unit has a row.
///
/// # Panics
/// If a history lacks a channel of the schema.
pub fn inputs(bundle: &ModelBundle, units: &[Trajectory]) -> Result<ModelInputs, ExportError> {
    let histories: Vec<Matrix> = units
        .iter()
        .filter(|unit| !unit.is_empty())
        .map(|unit| bundle.input(unit))
        .collect();
    let Some(longest) = histories.iter().map(Matrix::rows).max() else {
        return Err(ExportError::Empty);
    };
    Ok(match bundle.model().input() {
        InputKind::Table => {
            let last = |history: &Matrix| history.row(history.rows() - 1).to_vec();
            ModelInputs {
                features: Features::Rows(histories.iter().map(last).collect()),
                lengths: None,
            }
        }
        InputKind::Sequence | InputKind::Both => ModelInputs {
            features: Features::Histories(
                histories
                    .iter()
                    .map(|history| padded(history, longest))
                    .collect(),
            ),
            lengths: Some(histories.iter().map(Matrix::rows).collect()),
        },
    })
}

fn padded(history: &Matrix, rows: usize) -> Vec<Vec<f32>> {
    let row = |row| {
        if row < history.rows() {
            history.row(row).to_vec()
        } else {
            vec![0.0; history.width]
        }
    };
    (0..rows).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_histories_are_filled_up_at_the_end() {
        let history = Matrix {
            width: 2,
            values: vec![1.0, 2.0, 3.0, 4.0],
        };
        assert_eq!(padded(&history, 3), [[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]);
    }
}
