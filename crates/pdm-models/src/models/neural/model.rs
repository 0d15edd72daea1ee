//! A fitted network and its weights.

use safetensors::SafeTensors;

use super::{Chunk, HistoryReading, Network, NetworkOptions, QUANTILES, Weights, ordered};
use crate::features::Matrix;
use crate::models::weights::{open, read, read_shaped, write, wrong};
use crate::models::{Family, InputKind, ModelError, Predictor};
use pdm_core::domain::Interval;

/// A fitted network.
///
/// The output at row `t` depends on the rows `t`, `t − stride`, `t − 2 · stride`, …, so predictions for every row of a
/// sequence family take `stride` interleaved passes.
#[derive(Debug, Clone)]
pub struct Neural {
    family: &'static str,
    pub(crate) network: Network,
    pub(crate) weights: Weights,
    pub(crate) reading: HistoryReading,
    /// Number of inputs per row.
    pub(crate) inputs: usize,
    /// The remaining useful life that corresponds to an output of 1, in cycles.
    pub(crate) label_scale: f32,
}

const INPUTS: &str = "inputs";
const LABEL_SCALE: &str = "label_scale";
const OUTPUT_BIAS: &str = "output.bias";

/// Lower, middle and upper, in cycles.
type Quantiles = [f64; QUANTILES];

/// Number of windows that are computed at once, to limit memory for long histories.
const WINDOWS: usize = 64;

impl Neural {
    /// Returns the model of a family with these parameters, in the order of the network's layout.
    pub(crate) fn new(
        options: &dyn NetworkOptions,
        network: Network,
        parameters: Vec<f32>,
        inputs: usize,
        label_scale: f32,
    ) -> Self {
        let weights = Weights::new(&network.layout, parameters);
        Self {
            family: options.kind(),
            network,
            weights,
            reading: options.reading(),
            inputs,
            label_scale,
        }
    }

    /// Reads a model of a family from its weights.
    ///
    /// # Errors
    /// The bytes are not safetensors, or not those of a network with these options.
    pub(crate) fn load(options: &dyn NetworkOptions, weights: &[u8]) -> Result<Self, ModelError> {
        let tensors = open(options.kind(), weights)?;
        let inputs = read_shaped::<f32>(&tensors, INPUTS, &[1])?[0];
        if !(1.0..1e6).contains(&inputs) || inputs.fract() != 0.0 {
            return Err(wrong(
                INPUTS,
                format!("is {inputs}, not a number of inputs"),
            ));
        }
        let inputs = inputs as usize;
        let outputs = match read::<f32>(&tensors, OUTPUT_BIAS)?.0[..] {
            [outputs @ (1 | QUANTILES)] => outputs,
            ref shape => {
                return Err(wrong(
                    OUTPUT_BIAS,
                    format!("has shape {shape:?}, not [1] or [{QUANTILES}]"),
                ));
            }
        };
        let network = Network::new(options, inputs, outputs);
        // Checked before memory is allocated: the options of an untrusted file may require more than any machine has.
        let needed = network.layout.len().saturating_mul(size_of::<f32>());
        if needed > weights.len() {
            let problem = format!(
                "have {} bytes, but a network with these options has {needed}",
                weights.len()
            );
            return Err(wrong("weights", problem));
        }
        let parameters = parameters(&network, &tensors)?;
        let label_scale = read_shaped(&tensors, LABEL_SCALE, &[1])?[0];
        Ok(Self::new(options, network, parameters, inputs, label_scale))
    }

    /// Returns lower, middle and upper for every output row of a chunk, in cycles; without quantiles all three are the one
    /// output of the network.
    fn cycles(&self, chunk: &Chunk) -> Vec<Quantiles> {
        let outputs = self.network.predict(&self.weights, chunk);
        let scale = f64::from(self.label_scale);
        let in_cycles = |outputs| ordered(outputs).map(|output| f64::from(output) * scale);
        outputs
            .chunks_exact(self.network.outputs())
            .map(in_cycles)
            .collect()
    }

    fn every_row(&self, history: &Matrix) -> Vec<Quantiles> {
        match self.reading {
            HistoryReading::Sequence { stride, .. } => self.by_sequence(history, stride),
            HistoryReading::Window { stride, length } => self.by_window(history, stride, length),
        }
    }

    fn last_row(&self, history: &Matrix) -> Quantiles {
        let Some(last) = history.rows().checked_sub(1) else {
            return [f64::NAN; QUANTILES];
        };
        let mut chunk = Chunk {
            last_only: true,
            ..Default::default()
        };
        match self.reading {
            HistoryReading::Sequence { stride, .. } => {
                chunk.push(history, last % stride, last, stride)
            }
            HistoryReading::Window { stride, length } => {
                chunk.push_last(history, last, stride, length)
            }
        }
        self.cycles(&chunk)[0]
    }

    fn by_sequence(&self, history: &Matrix, stride: usize) -> Vec<Quantiles> {
        let rows = history.rows();
        let offsets = stride.min(history.rows());
        let mut chunk = Chunk::default();
        for offset in 0..offsets {
            chunk.push(history, offset, rows - 1, stride);
        }
        let mut predictions = vec![[f64::NAN; QUANTILES]; rows];
        let order = (0..offsets).flat_map(|offset| (offset..rows).step_by(stride));
        for (row, cycles) in order.zip(self.cycles(&chunk)) {
            predictions[row] = cycles;
        }
        predictions
    }

    fn by_window(&self, history: &Matrix, stride: usize, length: usize) -> Vec<Quantiles> {
        let mut predictions = Vec::with_capacity(history.rows());
        for first in (0..history.rows()).step_by(WINDOWS) {
            let mut chunk = Chunk {
                last_only: true,
                ..Default::default()
            };
            let lasts = first..history.rows().min(first + WINDOWS);
            for last in lasts {
                chunk.push_last(history, last, stride, length);
            }
            predictions.extend(self.cycles(&chunk));
        }
        predictions
    }
}

fn parameters(network: &Network, tensors: &SafeTensors<'_>) -> Result<Vec<f32>, ModelError> {
    let mut parameters = Vec::with_capacity(network.layout.len());
    for tensor in network.layout.tensors() {
        parameters.extend(read_shaped::<f32>(tensors, &tensor.name, &tensor.shape)?);
    }
    Ok(parameters)
}

impl Predictor for Neural {
    fn input(&self) -> InputKind {
        InputKind::Sequence
    }

    fn predict(&self, history: &Matrix) -> Vec<f64> {
        self.every_row(history)
            .into_iter()
            .map(|[_, middle, _]| middle)
            .collect()
    }

    fn predict_last(&self, history: &Matrix) -> f64 {
        self.last_row(history)[1]
    }

    fn intervals(&self, history: &Matrix) -> Option<Vec<Interval>> {
        let range = |[lower, _, upper]: Quantiles| Interval { lower, upper };
        (self.network.outputs() == QUANTILES)
            .then(|| self.every_row(history).into_iter().map(range).collect())
    }

    fn last_interval(&self, history: &Matrix) -> Option<Interval> {
        let known = self.network.outputs() == QUANTILES && history.rows() > 0;
        known
            .then(|| self.last_row(history))
            .map(|[lower, _, upper]| Interval { lower, upper })
    }

    fn weights(&self) -> Vec<u8> {
        let scalars = ([self.inputs as f32], [self.label_scale]);
        let mut tensors: Vec<(&str, &[usize], &[f32])> =
            vec![(INPUTS, &[1], &scalars.0), (LABEL_SCALE, &[1], &scalars.1)];
        for tensor in self.network.layout.tensors() {
            tensors.push((
                &tensor.name,
                &tensor.shape,
                &self.weights.parameters[tensor.start..tensor.end()],
            ));
        }
        write(self.family, &tensors)
    }

    fn family(&self) -> Option<Family<'_>> {
        Some(Family::Neural(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::ModelOptions;

    /// The names of all networks.
    fn families() -> impl Iterator<Item = &'static str> {
        let families = ModelOptions::small()
            .into_iter()
            .filter(|options| options.neural().is_some());
        families.map(|options| options.kind())
    }

    /// A network with weights from a sine, which are as good as random ones here.
    fn model(kind: &str) -> Neural {
        with_outputs(kind, 1)
    }

    fn with_outputs(kind: &str, outputs: usize) -> Neural {
        let options = ModelOptions::decode(kind, serde_json::json!({}))
            .unwrap()
            .unwrap();
        let options = options.neural().unwrap();
        let network = Network::new(options, 2, outputs);
        let parameters = (0..network.layout.len())
            .map(|i| 0.4 * (1.7 * i as f32).sin())
            .collect();
        Neural::new(options, network, parameters, 2, 125.0)
    }

    fn history(rows: usize) -> Matrix {
        Matrix {
            width: 2,
            values: (0..2 * rows).map(|i| (0.3 * i as f32).sin()).collect(),
        }
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-3
    }

    #[test]
    fn the_last_prediction_is_the_last_of_all_to_the_bit() {
        for model in families().map(model) {
            for rows in [1, 3, 4, 5, 22, 150] {
                let all = model.predict(&history(rows));
                assert_eq!(
                    model.predict_last(&history(rows)),
                    all[rows - 1],
                    "{} {rows}",
                    model.family
                );
            }
            assert!(
                model.predict_last(&history(0)).is_nan() && model.predict(&history(0)).is_empty()
            );
        }
    }

    #[test]
    fn the_future_changes_nothing_and_the_past_does() {
        for model in families().map(model) {
            let whole = model.predict(&history(30));
            for rows in 0..=30 {
                let cut = model.predict(&history(rows));
                assert!(
                    cut.iter().zip(&whole).all(|(a, b)| near(*a, *b)),
                    "{} {rows}",
                    model.family
                );
            }
            let mut other = history(30);
            other.values[2 * 21] += 1.0;
            assert!(
                !near(model.predict_last(&other), whole[29]),
                "{}",
                model.family
            );
        }
    }

    #[test]
    fn weights_come_back() {
        for (kind, model) in families().map(|kind| (kind, model(kind))) {
            let options = ModelOptions::decode(kind, serde_json::json!({}))
                .unwrap()
                .unwrap();
            let loaded = Neural::load(options.neural().unwrap(), &model.weights()).unwrap();
            assert_eq!(
                loaded.predict(&history(40)),
                model.predict(&history(40)),
                "{kind}"
            );
            assert_eq!(loaded.weights(), model.weights());
        }
    }

    #[test]
    fn a_network_of_quantiles_gives_ordered_intervals_around_its_predictions() {
        for kind in families() {
            let model = with_outputs(kind, QUANTILES);
            let options = ModelOptions::decode(kind, serde_json::json!({}))
                .unwrap()
                .unwrap();
            let loaded = Neural::load(options.neural().unwrap(), &model.weights()).unwrap();
            let (intervals, points) = (
                loaded.intervals(&history(40)).unwrap(),
                model.predict(&history(40)),
            );
            assert_eq!((intervals.len(), points.len()), (40, 40));
            assert!(
                intervals
                    .iter()
                    .zip(&points)
                    .all(|(range, point)| range.contains(*point)),
                "{kind}"
            );
            assert!(intervals.iter().all(|range| range.width() > 0.0), "{kind}");
            let last = model.last_interval(&history(40)).unwrap();
            assert!(
                near(last.lower, intervals[39].lower) && near(last.upper, intervals[39].upper),
                "{kind}"
            );
            assert_eq!(
                (
                    model.intervals(&history(0)),
                    model.last_interval(&history(0))
                ),
                (Some(Vec::new()), None)
            );
            assert!(model.predict_last(&history(0)).is_nan());
        }
        assert_eq!(
            (
                model("gru").intervals(&history(9)),
                model("gru").last_interval(&history(9))
            ),
            (None, None)
        );
    }

    #[test]
    fn weights_of_other_options_are_refused() {
        let options = ModelOptions::decode("gru", serde_json::json!({ "hidden": 40 }))
            .unwrap()
            .unwrap();
        let error = Neural::load(options.neural().unwrap(), &model("gru").weights()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor `layers.0.input.weight` has shape [2, 144], not [2, 120]"
        );
    }
}
