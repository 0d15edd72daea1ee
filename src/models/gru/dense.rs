/// A fully connected layer: `output = bias + input · weight`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dense {
    /// `[inputs, outputs]`, row-major.
    pub(crate) weight: Vec<f32>,
    /// `[outputs]`.
    pub(crate) bias: Vec<f32>,
}

impl Dense {
    /// Returns the width of the input.
    pub(crate) fn inputs(&self) -> usize {
        self.weight.len() / self.bias.len()
    }

    /// Writes the output for one input row.
    pub(crate) fn apply(&self, input: &[f32], output: &mut [f32]) {
        output.copy_from_slice(&self.bias);
        accumulate(&self.weight, input, output);
    }
}

/// Adds `input · weight` to `output`, with `weight` as `[input, output]`.
///
/// Four rows of the weight at a time, so that each output is loaded and stored once for four products.
pub(crate) fn accumulate(weight: &[f32], input: &[f32], output: &mut [f32]) {
    let width = output.len();
    let (blocks, rest) = input.as_chunks::<4>();
    let (block_weight, rest_weight) = weight.split_at(blocks.len() * 4 * width);
    for (x, block) in blocks.iter().zip(block_weight.chunks_exact(4 * width)) {
        let (ab, cd) = block.split_at(2 * width);
        let ((a, b), (c, d)) = (ab.split_at(width), cd.split_at(width));
        let rows = a.iter().zip(b).zip(c.iter().zip(d));
        for (out, ((a, b), (c, d))) in output.iter_mut().zip(rows) {
            *out += (x[0] * a + x[1] * b) + (x[2] * c + x[3] * d);
        }
    }
    for (x, row) in rest.iter().zip(rest_weight.chunks_exact(width)) {
        output.iter_mut().zip(row).for_each(|(out, w)| *out += x * w);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn equals_the_sum_of_products(inputs in 0usize..11, outputs in 1usize..9, seed in -2.0f32..2.0) {
            let value = |i: usize| (seed + i as f32 * 0.37).sin();
            let dense = Dense {
                weight: (0..inputs * outputs).map(value).collect(),
                bias: (0..outputs).map(|i| value(i + 7)).collect(),
            };
            let input: Vec<f32> = (0..inputs).map(|i| value(i + 3)).collect();
            let mut output = vec![f32::NAN; outputs];
            dense.apply(&input, &mut output);
            for (j, output) in output.iter().enumerate() {
                let sum: f32 = (0..inputs).map(|i| input[i] * dense.weight[i * outputs + j]).sum();
                prop_assert!((output - dense.bias[j] - sum).abs() < 1e-5);
            }
        }
    }
}
