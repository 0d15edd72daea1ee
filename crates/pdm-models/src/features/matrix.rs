//! A matrix of model inputs.

use std::ops::Range;

/// Model inputs of one unit: `[rows, width]`, row-major, one row per cycle.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Matrix {
    /// Number of features in a row.
    pub width: usize,
    /// Values, `rows × width` of them.
    pub values: Vec<f32>,
}

impl Matrix {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Returns one row, of length `width`.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// Returns a range of columns.
    ///
    /// # Panics
    /// If the range is out of bounds.
    pub fn columns(&self, columns: Range<usize>) -> Self {
        let rows = (0..self.rows()).flat_map(|row| &self.row(row)[columns.clone()]);
        Self {
            width: columns.len(),
            values: rows.copied().collect(),
        }
    }

    /// Makes a matrix of columns of equal length.
    pub(super) fn from_columns(columns: &[Vec<f64>]) -> Self {
        let rows = columns.first().map_or(0, Vec::len);
        let mut values = Vec::with_capacity(rows * columns.len());
        for row in 0..rows {
            values.extend(columns.iter().map(|column| column[row] as f32));
        }
        Self {
            width: columns.len(),
            values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        let matrix = Matrix::from_columns(&[vec![1.0, 2.0, 3.0], vec![10.0, 20.0, 30.0]]);
        assert_eq!((matrix.rows(), matrix.width), (3, 2));
        assert_eq!(matrix.row(1), [2.0, 20.0]);
        assert_eq!(
            matrix.columns(1..2),
            Matrix {
                width: 1,
                values: vec![10.0, 20.0, 30.0]
            }
        );
        assert_eq!(Matrix::from_columns(&[Vec::new()]).rows(), 0);
    }
}
