use super::TrainOptions;
use crate::features::Matrix;

/// What a model learns from one unit: an input and a label for every row.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnitExamples {
    /// The model input, `[rows, width]`.
    pub input: Matrix,
    /// The label of each row, in cycles.
    pub labels: Vec<f64>,
}

impl UnitExamples {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }
}

/// Returns the rows and labels that models on the feature table learn from.
///
/// Unit `i` gives the rows `first_row + i mod row_stride` and every `row_stride`-th after it, so that together the
/// units give every cycle; a unit too short for that gives its last row.
pub(super) fn table_rows(units: &[UnitExamples], options: &TrainOptions) -> (Matrix, Vec<f64>) {
    let width = units.first().map_or(0, |unit| unit.input.width);
    let (mut rows, mut labels) = (Matrix { width, values: Vec::new() }, Vec::new());
    for (i, unit) in units.iter().enumerate().filter(|(_, unit)| unit.rows() > 0) {
        let first = (options.first_row - 1 + i % options.row_stride).min(unit.rows() - 1);
        for row in (first..unit.rows()).step_by(options.row_stride) {
            rows.values.extend_from_slice(unit.input.row(row));
            labels.push(unit.labels[row]);
        }
    }
    (rows, labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(rows: usize) -> UnitExamples {
        let values = (1..=rows).map(|row| row as f32).collect();
        UnitExamples { input: Matrix { width: 1, values }, labels: (1..=rows).map(|row| -(row as f64)).collect() }
    }

    #[test]
    fn units_take_turns_and_short_ones_give_their_last_row() {
        let options = TrainOptions { first_row: 3, row_stride: 2, ..Default::default() };
        let (rows, labels) = table_rows(&[unit(6), unit(8), unit(2), unit(0)], &options);
        assert_eq!(rows.values, [3.0, 5.0, 4.0, 6.0, 8.0, 2.0]);
        assert!(rows.values.iter().zip(&labels).all(|(x, y)| f64::from(-x) == *y));
    }
}
