use safetensors::SafeTensors;

use super::dense::Dense;
use super::layer::{Gates, GruLayer};
use crate::features::Matrix;
use crate::models::weights::{open, read, read_shaped, write, wrong};
use crate::models::{InputKind, ModelError, Predictor};

/// A fitted recurrent network.
///
/// The state at row `t` has seen the rows `t`, `t − stride`, `t − 2 · stride`, …, so predictions for every row take
/// `stride` interleaved passes.
#[derive(Debug, Clone, PartialEq)]
pub struct Gru {
    pub(crate) layer: GruLayer,
    pub(crate) head: Dense,
    pub(crate) output: Dense,
    /// Cycles from one step to the next.
    pub(crate) stride: usize,
    /// The remaining useful life that an output of one stands for, in cycles.
    pub(crate) label_scale: f32,
}

const FAMILY: &str = "gru";
const STRIDE: &str = "stride";
const LABEL_SCALE: &str = "label_scale";

/// What one pass needs besides the weights.
struct Scratch {
    state: Vec<f32>,
    gates: Gates,
    head: Vec<f32>,
}

impl Gru {
    /// Reads a model from its weights.
    ///
    /// # Errors
    /// The bytes are not safetensors, or not those of such a network.
    pub fn load(weights: &[u8]) -> Result<Self, ModelError> {
        let tensors = open(FAMILY, weights)?;
        let stride = read_shaped::<f32>(&tensors, STRIDE, &[1])?[0];
        if stride < 1.0 || stride.fract() != 0.0 {
            return Err(wrong(STRIDE, format!("is {stride}, not a whole number of cycles")));
        }
        let (input, recurrent) = (dense(&tensors, "gru.input")?, dense(&tensors, "gru.recurrent")?);
        let (head, output) = (dense(&tensors, "head")?, dense(&tensors, "output")?);
        let hidden = recurrent.inputs();
        expect("gru.recurrent.bias", recurrent.bias.len(), 3 * hidden)?;
        expect("gru.input.bias", input.bias.len(), 3 * hidden)?;
        expect("head.weight", head.inputs(), hidden)?;
        expect("output.weight", output.inputs(), head.bias.len())?;
        expect("output.bias", output.bias.len(), 1)?;
        let label_scale = read_shaped(&tensors, LABEL_SCALE, &[1])?[0];
        Ok(Self { layer: GruLayer { input, recurrent }, head, output, stride: stride as usize, label_scale })
    }

    /// Returns all numbers that are learnt, always in the same order.
    pub(crate) fn parameters_mut(&mut self) -> impl Iterator<Item = &mut f32> {
        let layers = [&mut self.layer.input, &mut self.layer.recurrent, &mut self.head, &mut self.output];
        layers.into_iter().flat_map(|dense| dense.weight.iter_mut().chain(&mut dense.bias))
    }

    fn scratch(&self) -> Scratch {
        let hidden = self.layer.hidden();
        Scratch { state: vec![0.0; hidden], gates: Gates::new(hidden), head: vec![0.0; self.head.bias.len()] }
    }

    fn advance(&self, row: &[f32], scratch: &mut Scratch) {
        self.layer.step(row, &mut scratch.state, &mut scratch.gates);
    }

    fn read_out(&self, scratch: &mut Scratch) -> f64 {
        self.head.apply(&scratch.state, &mut scratch.head);
        scratch.head.iter_mut().for_each(|value| *value = value.max(0.0));
        let mut output = [0.0];
        self.output.apply(&scratch.head, &mut output);
        f64::from(output[0]) * f64::from(self.label_scale)
    }
}

impl Predictor for Gru {
    fn input(&self) -> InputKind {
        InputKind::Sequence
    }

    fn predict(&self, history: &Matrix) -> Vec<f64> {
        let mut predictions = vec![f64::NAN; history.rows()];
        for offset in 0..self.stride.min(history.rows()) {
            let mut scratch = self.scratch();
            for row in (offset..history.rows()).step_by(self.stride) {
                self.advance(history.row(row), &mut scratch);
                predictions[row] = self.read_out(&mut scratch);
            }
        }
        predictions
    }

    fn predict_last(&self, history: &Matrix) -> f64 {
        let Some(last) = history.rows().checked_sub(1) else { return f64::NAN };
        let mut scratch = self.scratch();
        for row in (last % self.stride..=last).step_by(self.stride) {
            self.advance(history.row(row), &mut scratch);
        }
        self.read_out(&mut scratch)
    }

    fn weights(&self) -> Vec<u8> {
        let layers = [
            ("gru.input", &self.layer.input),
            ("gru.recurrent", &self.layer.recurrent),
            ("head", &self.head),
            ("output", &self.output),
        ];
        let names = layers.map(|(name, _)| (format!("{name}.weight"), format!("{name}.bias")));
        let shapes = layers.map(|(_, dense)| ([dense.inputs(), dense.bias.len()], [dense.bias.len()]));
        let scalars = ([self.stride as f32], [self.label_scale]);
        let mut tensors: Vec<(&str, &[usize], &[f32])> =
            vec![(STRIDE, &[1], &scalars.0), (LABEL_SCALE, &[1], &scalars.1)];
        for (((weight, bias), (matrix, vector)), (_, dense)) in names.iter().zip(&shapes).zip(layers) {
            tensors.extend([(weight.as_str(), &matrix[..], &dense.weight[..]), (bias, &vector[..], &dense.bias[..])]);
        }
        write(FAMILY, &tensors)
    }
}

fn dense(tensors: &SafeTensors<'_>, name: &str) -> Result<Dense, ModelError> {
    let (shape, weight) = read::<f32>(tensors, &format!("{name}.weight"))?;
    let &[inputs, outputs] = shape.as_slice() else {
        return Err(wrong(&format!("{name}.weight"), format!("has shape {shape:?}, not that of a matrix")));
    };
    expect_some(&format!("{name}.weight"), inputs.min(outputs))?;
    let bias = read_shaped(tensors, &format!("{name}.bias"), &[outputs])?;
    Ok(Dense { weight, bias })
}

fn expect(name: &str, found: usize, needed: usize) -> Result<(), ModelError> {
    if found == needed { Ok(()) } else { Err(wrong(name, format!("has width {found}, not {needed}"))) }
}

fn expect_some(name: &str, size: usize) -> Result<(), ModelError> {
    if size > 0 { Ok(()) } else { Err(wrong(name, "is empty")) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A network with weights from a sine, which are as good as random here.
    pub(crate) fn network(inputs: usize, hidden: usize, head: usize, stride: usize) -> Gru {
        let dense = |inputs: usize, outputs: usize, phase: f32| Dense {
            weight: (0..inputs * outputs).map(|i| 0.5 * (phase + 1.7 * i as f32).sin()).collect(),
            bias: (0..outputs).map(|i| 0.1 * (phase + 0.9 * i as f32).cos()).collect(),
        };
        Gru {
            layer: GruLayer { input: dense(inputs, 3 * hidden, 0.1), recurrent: dense(hidden, 3 * hidden, 0.2) },
            head: dense(hidden, head, 0.3),
            output: dense(head, 1, 0.4),
            stride,
            label_scale: 125.0,
        }
    }

    fn history(rows: usize) -> Matrix {
        Matrix { width: 2, values: (0..2 * rows).map(|i| (0.3 * i as f32).sin()).collect() }
    }

    #[test]
    fn the_last_prediction_is_the_last_of_all() {
        let gru = network(2, 5, 3, 4);
        for rows in [1, 3, 4, 5, 22] {
            assert_eq!(gru.predict_last(&history(rows)), *gru.predict(&history(rows)).last().unwrap());
        }
        assert!(gru.predict_last(&history(0)).is_nan() && gru.predict(&history(0)).is_empty());
    }

    #[test]
    fn the_future_changes_nothing() {
        let gru = network(2, 5, 3, 4);
        let whole = gru.predict(&history(30));
        for rows in 0..=30 {
            assert_eq!(gru.predict(&history(rows)), whole[..rows]);
        }
    }

    #[test]
    fn weights_come_back() {
        let gru = network(2, 5, 3, 4);
        assert_eq!(Gru::load(&gru.weights()).unwrap(), gru);
    }

    #[test]
    fn layers_that_do_not_fit_together_are_refused() {
        let mut gru = network(2, 5, 3, 4);
        gru.head = network(2, 4, 3, 4).head;
        let error = Gru::load(&gru.weights()).unwrap_err();
        assert_eq!(error.to_string(), "tensor `head.weight` has width 4, not 5");
    }
}
