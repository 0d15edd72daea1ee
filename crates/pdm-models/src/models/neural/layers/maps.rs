//! Convolutions along time over maps of features.

use crate::models::neural::kernel::{Simd, WithSimd, vectorised};
use crate::models::neural::layout::{Init, ParameterLayout, Vector, Weights};

/// Spare numbers at the end of all maps, so that two vectors can be read at any position.
const SPARE: usize = 32;
/// Number of output maps, or taps, that are computed together: with two vectors each they fit the registers of AVX2.
const GROUP: usize = 5;

/// A convolution along time with filters shared by all features (Li, Ding, Sun, RESS 172, 2018: filters of `taps × 1`).
///
/// Outputs are as long as inputs, which are padded with zeros as by PyTorch's `padding="same"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct MapConv {
    /// `[taps, inputs, outputs]`
    pub(crate) weight: Vector,
    /// `[outputs]`
    pub(crate) bias: Vector,
    pub(crate) inputs: usize,
    pub(crate) taps: usize,
}

/// Maps of one window, `[maps, steps, features]`, with zero padding before and after the steps of each.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Maps {
    values: Vec<f32>,
    maps: usize,
    steps: usize,
    features: usize,
    before: usize,
    after: usize,
}

impl Maps {
    /// Returns maps of zeros with this padding before and after the steps.
    pub(crate) fn new([maps, steps, features]: [usize; 3], [before, after]: [usize; 2]) -> Self {
        let values = vec![0.0; maps * (before + steps + after) * features + SPARE];
        Self {
            values,
            maps,
            steps,
            features,
            before,
            after,
        }
    }

    /// Returns one map without its padding, `[steps, features]`.
    pub(crate) fn map(&self, map: usize) -> &[f32] {
        let start = self.start(map);
        &self.values[start..start + self.steps * self.features]
    }

    /// Returns one map mutably.
    pub(crate) fn map_mut(&mut self, map: usize) -> &mut [f32] {
        let (start, len) = (self.start(map), self.steps * self.features);
        &mut self.values[start..start + len]
    }

    /// Applies a function to each map, `[steps, features]`.
    pub(crate) fn each(&mut self, mut change: impl FnMut(usize, &mut [f32])) {
        (0..self.maps).for_each(|map| change(map, self.map_mut(map)));
    }

    /// Sets the first steps to zero: those before a short history.
    pub(crate) fn mask(&mut self, steps: usize) {
        let masked = steps * self.features;
        self.each(|_, values| values[..masked].fill(0.0));
    }

    fn start(&self, map: usize) -> usize {
        map * self.padded() + self.before * self.features
    }

    fn padded(&self) -> usize {
        (self.before + self.steps + self.after) * self.features
    }
}

impl MapConv {
    /// Adds the layer to a network.
    pub(crate) fn new(
        layout: &mut ParameterLayout,
        name: &str,
        [inputs, outputs]: [usize; 2],
        taps: usize,
    ) -> Self {
        let init = Init::of_fan(inputs * taps);
        let weight = layout.vector(&format!("{name}.weight"), &[taps, inputs, outputs], init);
        let bias = layout.vector(&format!("{name}.bias"), &[outputs], init);
        Self {
            weight,
            bias,
            inputs,
            taps,
        }
    }

    /// Returns the zero steps that inputs need before and after them.
    pub(crate) fn padding(&self) -> [usize; 2] {
        [(self.taps - 1) / 2, self.taps / 2]
    }

    /// Returns the zero steps that the gradient by the outputs needs around it.
    pub(crate) fn padding_back(&self) -> [usize; 2] {
        let [before, after] = self.padding();
        [after, before]
    }

    /// Writes the outputs for inputs with [`Self::padding`].
    pub(crate) fn apply(&self, weights: &Weights, inputs: &Maps, outputs: &mut Maps) {
        let bias = self.bias.of(&weights.parameters);
        outputs.each(|map, values| values.fill(bias[map]));
        let weight = self.weight.of(&weights.parameters);
        let at = |output: usize, input: usize, tap: usize| weight[self.at(tap, input, output)];
        convolve(inputs, self.taps, at, outputs);
    }

    /// Writes the gradient by the inputs, given the gradient by the outputs with [`Self::padding_back`].
    pub(crate) fn back(&self, weights: &Weights, by_outputs: &Maps, by_inputs: &mut Maps) {
        by_inputs.each(|_, values| values.fill(0.0));
        let weight = self.weight.of(&weights.parameters);
        let last = self.taps - 1;
        let at =
            |input: usize, output: usize, tap: usize| weight[self.at(last - tap, input, output)];
        convolve(by_outputs, self.taps, at, by_inputs);
    }

    /// Adds the gradient by the parameters.
    pub(crate) fn learn(&self, inputs: &Maps, by_outputs: &Maps, gradient: &mut [f32]) {
        let weight = self.weight.of_mut(gradient);
        for output in (0..self.bias.len).step_by(2) {
            let other = (output + 1).min(self.bias.len - 1);
            for input in 0..self.inputs {
                let signal = &inputs.values[input * inputs.padded()..(input + 1) * inputs.padded()];
                let (mut first, mut second) = (vec![0.0; self.taps], vec![0.0; self.taps]);
                let with = [by_outputs.map(output), by_outputs.map(other)];
                vectorised(Correlate {
                    signal,
                    shift: inputs.features,
                    with,
                    sums: [&mut first, &mut second],
                });
                first
                    .iter()
                    .enumerate()
                    .for_each(|(tap, sum)| weight[self.at(tap, input, output)] += sum);
                if other > output {
                    second
                        .iter()
                        .enumerate()
                        .for_each(|(tap, sum)| weight[self.at(tap, input, other)] += sum);
                }
            }
        }
        for (map, bias) in self.bias.of_mut(gradient).iter_mut().enumerate() {
            *bias += by_outputs.map(map).iter().sum::<f32>();
        }
    }
}

impl MapConv {
    fn at(&self, tap: usize, input: usize, output: usize) -> usize {
        (tap * self.inputs + input) * self.bias.len + output
    }
}

/// Adds the convolution of padded maps; `weight` gives the factor of an output, an input and a tap.
fn convolve(
    inputs: &Maps,
    taps: usize,
    weight: impl Fn(usize, usize, usize) -> f32,
    outputs: &mut Maps,
) {
    let lanes = outputs.steps * outputs.features;
    let starts =
        |input: usize| (0..taps).map(move |tap| input * inputs.padded() + tap * inputs.features);
    let starts: Vec<usize> = (0..inputs.maps).flat_map(starts).collect();
    for first in (0..outputs.maps).step_by(GROUP) {
        let count = (outputs.maps - first).min(GROUP);
        let factor = |i: usize, input, tap| {
            if i < count {
                weight(first + i, input, tap)
            } else {
                0.0
            }
        };
        let mut factors = Vec::with_capacity(starts.len());
        for input in 0..inputs.maps {
            factors.extend((0..taps).map(|tap| std::array::from_fn(|i| factor(i, input, tap))));
        }
        let maps = (0..count).map(|i| outputs.start(first + i)).collect();
        let (signal, result) = (&inputs.values[..], &mut outputs.values[..]);
        vectorised(Convolve {
            signal,
            starts: &starts,
            factors: &factors,
            result,
            maps,
            lanes,
        });
    }
}

/// Computes up to [`GROUP`] output maps at once.
struct Convolve<'a> {
    signal: &'a [f32],
    /// Start of the lanes of each input and tap.
    starts: &'a [usize],
    factors: &'a [[f32; GROUP]],
    result: &'a mut [f32],
    /// Start of the lanes of each output.
    maps: Vec<usize>,
    lanes: usize,
}

impl WithSimd for Convolve<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.maps.len() {
            1 => self.maps::<S, 1>(simd),
            _ => self.maps::<S, GROUP>(simd),
        }
    }
}

impl Convolve<'_> {
    /// Adds to at most `M` output maps.
    #[inline(always)]
    fn maps<S: Simd, const M: usize>(mut self, simd: S) {
        let wide = 2 * S::F32_LANES;
        for lane in (0..self.lanes).step_by(wide) {
            let sums = self.sums::<S, M>(simd, lane);
            let width = wide.min(self.lanes - lane);
            for (map, sums) in sums.into_iter().enumerate().take(self.maps.len()) {
                self.add(simd, self.maps[map] + lane, width, sums);
            }
        }
    }

    /// Adds two vectors, or the `width` first numbers of them, to the result.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, start: usize, width: usize, sums: [S::f32s; 2]) {
        let result = &mut self.result[start..start + width];
        match S::as_mut_simd_f32s(result) {
            ([x, y], []) => [*x, *y] = [simd.add_f32s(*x, sums[0]), simd.add_f32s(*y, sums[1])],
            _ => {
                let (first, second) = result.split_at_mut(width.min(S::F32_LANES));
                simd.partial_store_f32s(
                    first,
                    simd.add_f32s(simd.partial_load_f32s(first), sums[0]),
                );
                simd.partial_store_f32s(
                    second,
                    simd.add_f32s(simd.partial_load_f32s(second), sums[1]),
                );
            }
        }
    }

    /// Returns two vectors of each of the first `M` output maps.
    #[inline(always)]
    fn sums<S: Simd, const M: usize>(&self, simd: S, lane: usize) -> [[S::f32s; 2]; M] {
        let mut sums = [[simd.splat_f32s(0.0); 2]; M];
        for (start, factors) in self.starts.iter().zip(self.factors) {
            let (signal, _) =
                S::as_simd_f32s(&self.signal[start + lane..start + lane + 2 * S::F32_LANES]);
            let [x, y] = [signal[0], signal[1]];
            for (sums, factor) in sums.iter_mut().zip(factors) {
                let factor = simd.splat_f32s(*factor);
                *sums = [
                    simd.mul_add_f32s(factor, x, sums[0]),
                    simd.mul_add_f32s(factor, y, sums[1]),
                ];
            }
        }
        sums
    }
}

/// Adds to `sums[m][k]` the product of `with[m]` and the signal from `k · shift` on.
struct Correlate<'a> {
    signal: &'a [f32],
    shift: usize,
    with: [&'a [f32]; 2],
    sums: [&'a mut [f32]; 2],
}

impl WithSimd for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let taps = self.sums[0].len();
        let whole = taps / GROUP * GROUP;
        (0..whole)
            .step_by(GROUP)
            .for_each(|first| self.taps::<S, GROUP>(simd, first));
        (whole..taps).for_each(|first| self.taps::<S, 1>(simd, first));
    }
}

impl Correlate<'_> {
    /// Computes `N` taps from one on.
    #[inline(always)]
    fn taps<S: Simd, const N: usize>(&mut self, simd: S, first: usize) {
        let length = self.with[0].len();
        let shifted: [_; N] = std::array::from_fn(|k| {
            let start = (first + k) * self.shift;
            S::as_simd_f32s(&self.signal[start..start + length])
        });
        let with = self.with.map(|with| S::as_simd_f32s(with));
        let mut sums = [[simd.splat_f32s(0.0); N]; 2];
        for at in 0..length / S::F32_LANES {
            for k in 0..N {
                let x = shifted[k].0[at];
                sums[0][k] = simd.mul_add_f32s(x, with[0].0[at], sums[0][k]);
                sums[1][k] = simd.mul_add_f32s(x, with[1].0[at], sums[1][k]);
            }
        }
        for (m, sums) in sums.into_iter().enumerate() {
            for (k, sum) in sums.into_iter().enumerate() {
                let rest: f32 = with[m].1.iter().zip(shifted[k].1).map(|(a, b)| a * b).sum();
                self.sums[m][first + k] += simd.reduce_sum_f32s(sum) + rest;
            }
        }
    }
}
