/// Model inputs of one unit: `[rows, width]`, row-major, one row a cycle.
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
}
