//! The rows that models learn from.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::TrainOptions;
use crate::features::Matrix;

/// The training examples of one unit: an input and a label for every row.
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
/// Unit `i` gives the row `first_row + i mod row_stride` and every `row_stride`-th after it, so that all units together
/// cover every cycle; a shorter unit gives its last row.
pub(super) fn table_rows(units: &[&UnitExamples], options: &TrainOptions) -> (Matrix, Vec<f64>) {
    let width = units.first().map_or(0, |unit| unit.input.width);
    let first_row = options.first_row();
    let stride = options.row_stride();
    let mut rows = Matrix {
        width,
        values: Vec::new(),
    };
    let mut labels = Vec::new();
    for (i, unit) in units.iter().enumerate().filter(|(_, unit)| unit.rows() > 0) {
        let first = (first_row - 1 + i % stride).min(unit.rows() - 1);
        for row in (first..unit.rows()).step_by(stride) {
            rows.values.extend_from_slice(unit.input.row(row));
            labels.push(unit.labels[row]);
        }
    }
    (rows, labels)
}

/// Divides units into those to learn from and those to hold back, at least one of each; none are held back if the options
/// ask for none or there is only one unit.
pub(super) fn divide<'a>(
    mut units: Vec<&'a UnitExamples>,
    options: &TrainOptions,
    seed: u64,
) -> (Vec<&'a UnitExamples>, Vec<&'a UnitExamples>) {
    if options.validation <= 0.0 || units.len() < 2 {
        return (units, Vec::new());
    }
    units.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let back =
        ((units.len() as f64 * options.validation).round() as usize).clamp(1, units.len() - 1);
    let held_back = units.split_off(units.len() - back);
    (units, held_back)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_core::domain::FromData;

    fn unit(rows: usize) -> UnitExamples {
        let values = (1..=rows).map(|row| row as f32).collect();
        UnitExamples {
            input: Matrix { width: 1, values },
            labels: (1..=rows).map(|row| -(row as f64)).collect(),
        }
    }

    #[test]
    fn units_take_turns_and_short_ones_give_their_last_row() {
        let options = TrainOptions {
            first_row: FromData::Set(3),
            row_stride: FromData::Set(2),
            ..Default::default()
        };
        let (rows, labels) = table_rows(&[&unit(6), &unit(8), &unit(2), &unit(0)], &options);
        assert_eq!(rows.values, [3.0, 5.0, 4.0, 6.0, 8.0, 2.0]);
        assert!(
            rows.values
                .iter()
                .zip(&labels)
                .all(|(x, y)| f64::from(-x) == *y)
        );
    }

    #[test]
    fn whole_units_are_held_back_and_somebody_is_left() {
        let units: Vec<UnitExamples> = (0..10)
            .map(|i| UnitExamples {
                input: Matrix {
                    width: 1,
                    values: vec![i as f32],
                },
                labels: vec![f64::from(i)],
            })
            .collect();
        let all: Vec<_> = units.iter().collect();
        let with = |validation| TrainOptions {
            validation,
            ..Default::default()
        };
        for (validation, expected) in [(0.0, 0), (0.01, 1), (0.2, 2), (0.5, 5)] {
            let (learnt, held_back) = divide(all.clone(), &with(validation), 1);
            assert_eq!((learnt.len(), held_back.len()), (10 - expected, expected));
            assert!(held_back.iter().all(|unit| !learnt.contains(unit)));
        }
        assert_eq!(divide(all[..1].to_vec(), &with(0.5), 1).1.len(), 0);
        assert_ne!(
            divide(all.clone(), &with(0.5), 1).1,
            divide(all, &with(0.5), 2).1
        );
    }
}
