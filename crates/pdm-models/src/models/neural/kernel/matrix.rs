//! Products of matrices.

use std::ops::Range;

use super::{Work, vectorised};

/// Number of columns of a packed panel: two AVX2 vectors.
const PANEL: usize = 16;
/// Number of rows that are computed together: with two vectors each they fill the registers of AVX2.
const TILE: usize = 6;
/// Number of products that are summed in registers before they are added to the result.
const DEPTH: usize = 256;

/// A matrix in a slice, with any distance from row to row and from column to column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// Returns the rows of this width that a slice holds.
    pub(crate) fn new(values: &'a [f32], columns: usize) -> Self {
        Self::strided(values, values.len() / columns, columns, columns)
    }

    /// Returns `rows` rows that start `row_stride` apart; they may overlap.
    pub(crate) fn strided(
        values: &'a [f32],
        rows: usize,
        columns: usize,
        row_stride: usize,
    ) -> Self {
        Self {
            values,
            rows,
            columns,
            row_stride,
            column_stride: 1,
        }
    }

    /// Returns the same matrix with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        let Self {
            values,
            rows,
            columns,
            row_stride,
            column_stride,
        } = self;
        Self {
            values,
            rows: columns,
            columns: rows,
            row_stride: column_stride,
            column_stride: row_stride,
        }
    }

    #[inline(always)]
    fn start(&self, row: usize, column: usize) -> usize {
        row * self.row_stride + column * self.column_stride
    }

    /// Returns up to 16 numbers of a row, filled up with zeros.
    #[inline(always)]
    fn lanes(&self, row: usize, column: usize, width: usize) -> [f32; PANEL] {
        let values = &self.values[self.start(row, column)..];
        match values.first_chunk() {
            Some(lanes) if width == PANEL && self.column_stride == 1 => *lanes,
            _ => std::array::from_fn(|j| {
                if j < width {
                    values[j * self.column_stride]
                } else {
                    0.0
                }
            }),
        }
    }
}

/// The right factor of a product, `[inner, columns]`, cut into panels of 16 columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packed {
    inner: usize,
    columns: usize,
    /// `[panels][inner]`; the last panel is filled up with zeros.
    panels: Vec<[f32; PANEL]>,
}

impl Packed {
    /// Packs a matrix.
    pub(crate) fn of(matrix: View<'_>) -> Self {
        let (inner, columns) = (matrix.rows, matrix.columns);
        let mut panels = Vec::with_capacity(inner * columns.div_ceil(PANEL));
        for first in (0..columns).step_by(PANEL) {
            let width = PANEL.min(columns - first);
            panels.extend((0..inner).map(|k| matrix.lanes(k, first, width)));
        }
        Self {
            inner,
            columns,
            panels,
        }
    }
}

/// Adds `a · b` to the rows of `result`, which start `row_stride` apart.
///
/// # Panics
/// If the shapes do not match.
pub(crate) fn multiply_add(a: View<'_>, b: &Packed, result: &mut [f32], row_stride: usize) {
    assert_eq!(
        a.columns, b.inner,
        "the inner widths of a product are equal"
    );
    vectorised(Product {
        a,
        b,
        result,
        row_stride,
    });
}

struct Product<'a, 'r> {
    a: View<'a>,
    b: &'a Packed,
    result: &'r mut [f32],
    row_stride: usize,
}

impl Work for Product<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn call(mut self) {
        if self.a.rows == 1 && self.a.column_stride == 1 {
            return self.single();
        }
        let mut left = [[0.0; TILE]; DEPTH];
        let mut row = 0;
        while row < self.a.rows {
            // The last rows are divided so that no band has only one row, if possible.
            row += match self.a.rows - row {
                1 => self.band::<1>(row, &mut left),
                2 => self.band::<2>(row, &mut left),
                3 => self.band::<3>(row, &mut left),
                4 | 7 | 8 => self.band::<4>(row, &mut left),
                5 | 10 => self.band::<5>(row, &mut left),
                _ => self.band::<TILE>(row, &mut left),
            };
        }
    }
}

impl Product<'_, '_> {
    /// Computes a single row: four panels at once, because the sums of one panel would wait for each other.
    ///
    /// It sums in the same order as a band, so that a single row gives the same bits as among others.
    #[inline(always)]
    fn single(&mut self) {
        for from in (0..self.b.inner).step_by(DEPTH) {
            self.single_block(from..self.b.inner.min(from + DEPTH));
        }
    }

    /// Adds the products of some of the inner columns.
    #[inline(always)]
    fn single_block(&mut self, block: Range<usize>) {
        let inner = self.b.inner;
        let row = &self.a.values[block.clone()];
        let (fours, rest) = self
            .b
            .panels
            .split_at(self.b.panels.len() / (4 * inner) * 4 * inner);
        let mut column = 0;
        for panels in fours.chunks_exact(4 * inner) {
            let ((a, b), (c, d)) = {
                let (low, high) = panels.split_at(2 * inner);
                (low.split_at(inner), high.split_at(inner))
            };
            let [a, b, c, d] = [a, b, c, d].map(|panel| &panel[block.clone()]);
            let [mut sum_a, mut sum_b, mut sum_c, mut sum_d] = [[0.0f32; PANEL]; 4];
            for ((x, (a, b)), (c, d)) in row.iter().zip(a.iter().zip(b)).zip(c.iter().zip(d)) {
                for j in 0..PANEL {
                    sum_a[j] = x.mul_add(a[j], sum_a[j]);
                    sum_b[j] = x.mul_add(b[j], sum_b[j]);
                    sum_c[j] = x.mul_add(c[j], sum_c[j]);
                    sum_d[j] = x.mul_add(d[j], sum_d[j]);
                }
            }
            for sums in [sum_a, sum_b, sum_c, sum_d] {
                self.add::<1>(0, column, &[sums]);
                column += PANEL;
            }
        }
        for panel in rest.chunks_exact(inner) {
            let mut sums = [0.0f32; PANEL];
            for (x, b) in row.iter().zip(&panel[block.clone()]) {
                for j in 0..PANEL {
                    sums[j] = x.mul_add(b[j], sums[j]);
                }
            }
            self.add::<1>(0, column, &[sums]);
            column += PANEL;
        }
    }

    /// Computes `M` rows of the result.
    #[inline(always)]
    fn band<const M: usize>(&mut self, row: usize, left: &mut [[f32; TILE]; DEPTH]) -> usize {
        for from in (0..self.b.inner).step_by(DEPTH) {
            let left = &mut left[..DEPTH.min(self.b.inner - from)];
            self.pack_left::<M>(row, from, left);
            for (p, panel) in self.b.panels.chunks_exact(self.b.inner).enumerate() {
                let sums = tile::<M>(left, &panel[from..from + left.len()]);
                self.add::<M>(row, p * PANEL, &sums);
            }
        }
        M
    }

    /// Interleaves `M` rows of `a`, from a column on.
    #[inline(always)]
    fn pack_left<const M: usize>(&self, row: usize, from: usize, left: &mut [[f32; TILE]]) {
        let View {
            values,
            row_stride,
            column_stride,
            ..
        } = self.a;
        if row_stride == 1 {
            for (k, left) in left.iter_mut().enumerate() {
                let start = row + (from + k) * column_stride;
                left[..M].copy_from_slice(&values[start..start + M]);
            }
            return;
        }
        for i in 0..M {
            let values = values[self.a.start(row + i, from)..].iter();
            left.iter_mut()
                .zip(values.step_by(column_stride))
                .for_each(|(left, value)| left[i] = *value);
        }
    }

    #[inline(always)]
    fn add<const M: usize>(&mut self, row: usize, column: usize, sums: &[[f32; PANEL]; M]) {
        let width = PANEL.min(self.b.columns - column);
        for (i, sums) in sums.iter().enumerate() {
            let start = (row + i) * self.row_stride + column;
            let result = &mut self.result[start..start + width];
            match result.as_mut_array::<PANEL>() {
                Some(result) => (0..PANEL).for_each(|j| result[j] += sums[j]),
                None => result
                    .iter_mut()
                    .zip(sums)
                    .for_each(|(result, sum)| *result += sum),
            }
        }
    }
}

/// Returns `M` rows of the product of a packed left and a packed right factor.
#[inline(always)]
fn tile<const M: usize>(left: &[[f32; TILE]], right: &[[f32; PANEL]]) -> [[f32; PANEL]; M] {
    let mut sums = [[0.0f32; PANEL]; M];
    for (a, b) in left.iter().zip(right) {
        for i in 0..M {
            for j in 0..PANEL {
                sums[i][j] = a[i].mul_add(b[j], sums[i][j]);
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(count: usize, phase: f32) -> Vec<f32> {
        (0..count).map(|i| (phase + 1.7 * i as f32).sin()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn equals_the_sum_of_products(
            rows in 1usize..15, inner in 1usize..300, columns in 1usize..40, across: [bool; 2],
        ) {
            let (a, b) = (values(rows * inner, 0.1), values(inner * columns, 0.7));
            let left = if across[0] { View::new(&a, rows).transposed() } else { View::new(&a, inner) };
            let right = if across[1] { View::new(&b, inner).transposed() } else { View::new(&b, columns) };
            let mut result = vec![0.5; rows * columns];
            multiply_add(left, &Packed::of(right), &mut result, columns);
            for row in 0..rows {
                for column in 0..columns {
                    let at = |view: View<'_>, i, j| f64::from(view.values[view.start(i, j)]);
                    let sum: f64 = (0..inner).map(|k| at(left, row, k) * at(right, k, column)).sum();
                    prop_assert!((f64::from(result[row * columns + column]) - 0.5 - sum).abs() < 1e-3);
                }
            }
        }
    }

    /// The prediction for the last row alone must equal its prediction among all rows.
    #[test]
    fn a_row_alone_has_the_bits_it_has_among_others() {
        for (inner, columns) in [(7, 5), (256, 80), (257, 70), (720, 100), (1000, 33)] {
            let (a, b) = (values(9 * inner, 0.1), values(inner * columns, 0.7));
            let right = Packed::of(View::new(&b, columns));
            let mut all = vec![0.25; 9 * columns];
            multiply_add(View::new(&a, inner), &right, &mut all, columns);
            for (row, among) in a.chunks_exact(inner).zip(all.chunks_exact(columns)) {
                let mut alone = vec![0.25; columns];
                multiply_add(View::new(row, inner), &right, &mut alone, columns);
                assert_eq!(alone, among, "{inner} x {columns}");
            }
        }
    }

    #[test]
    fn rows_may_overlap() {
        let (signal, mut result) = ([1.0, 2.0, 3.0, 4.0], [0.0; 3]);
        multiply_add(
            View::strided(&signal, 3, 2, 1),
            &Packed::of(View::new(&[10.0, 1.0], 1)),
            &mut result,
            1,
        );
        assert_eq!(result, [12.0, 23.0, 34.0]);
    }
}
