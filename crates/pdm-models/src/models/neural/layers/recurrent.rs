//! Recurrent layers.

use super::{Dense, gru, lstm};
use crate::models::neural::kernel::{Packed, View, add, multiply_add};
use crate::models::neural::layout::{Init, ParameterLayout, Vector, WeightMatrix, Weights};

/// The cell of a recurrent layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Gated recurrent unit (Cho et al., EMNLP 2014), the reset gate after the recurrent product.
    Gru,
    /// Long short-term memory (Hochreiter and Schmidhuber, 1997; with the forget gate of Gers et al., 2000).
    Lstm,
}

/// A recurrent layer: all input projections in one product, then one product per step for all sequences together.
///
/// Rows are in time-major order, see [`Steps`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recurrent {
    pub(crate) cell: Cell,
    /// From the inputs to the gates.
    pub(crate) input: Dense,
    /// From the state before a step to the gates, `[hidden, gates · hidden]`.
    pub(crate) recurrent: WeightMatrix,
    /// Bias of that product, if the cell needs one.
    pub(crate) recurrent_bias: Option<Vector>,
}

/// The order in which a recurrent layer reads the rows of a chunk: step by step, the longest sequences first, so that
/// the sequences that are still running at a step are the first ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StepOrder {
    /// Number of running sequences at each step.
    running: Vec<usize>,
    /// For every row in this order, its index in the concatenated sequences.
    order: Vec<usize>,
}

/// Values of the forward pass that the backward pass needs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    /// The state after each row, `[rows, hidden]`.
    pub(crate) states: Vec<f32>,
    /// The state before each row, `[rows, hidden]`.
    before: Vec<f32>,
    /// Values that the cell keeps of each row, `[rows, kept · hidden]`.
    kept: Vec<f32>,
}

/// One row of each running sequence, as a cell sees it; all are `[running, …]`.
pub(super) struct CellForward<'a> {
    pub(super) hidden: usize,
    /// The input projections, `gates · hidden` wide; including the recurrent ones if these have no bias of their own.
    pub(super) input: &'a [f32],
    /// The recurrent projections, `gates · hidden` wide, if they are separate.
    pub(super) recurrent: &'a [f32],
    pub(super) before: &'a [f32],
    /// Values that the cell kept of the previous row; empty at the first step.
    pub(super) kept_before: &'a [f32],
    pub(super) kept: &'a mut [f32],
    pub(super) state: &'a mut [f32],
}

/// The backward pass through one row of each running sequence.
pub(super) struct CellBackward<'a> {
    pub(super) hidden: usize,
    pub(super) before: &'a [f32],
    pub(super) kept: &'a [f32],
    pub(super) kept_before: &'a [f32],
    /// In: the gradient by the state after the row. Out: its direct part by the state before it.
    pub(super) by_state: &'a mut [f32],
    /// The same for the cell's memory, if it has one.
    pub(super) by_memory: &'a mut [f32],
    /// Out: the gradient by the input projections.
    pub(super) by_input: &'a mut [f32],
    /// Out: the gradient by the recurrent projections, if they are separate.
    pub(super) by_recurrent: &'a mut [f32],
}

/// Returns the first parts of a row, each of this width.
#[inline(always)]
pub(super) fn parts<const N: usize>(row: &[f32], width: usize) -> [&[f32]; N] {
    std::array::from_fn(|part| &row[part * width..(part + 1) * width])
}

/// Returns the first parts of a row mutably.
#[inline(always)]
pub(super) fn parts_mut<const N: usize>(row: &mut [f32], width: usize) -> [&mut [f32]; N] {
    let mut parts = row.chunks_exact_mut(width);
    std::array::from_fn(|_| parts.next().expect("the row has enough parts"))
}

impl Cell {
    /// Returns the number of gates, each as wide as the state.
    pub(crate) fn gates(self) -> usize {
        match self {
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// Returns how many numbers of each state the backward pass needs.
    fn kept(self) -> usize {
        match self {
            Self::Gru => gru::KEPT,
            Self::Lstm => lstm::KEPT,
        }
    }
}

impl StepOrder {
    /// Returns the order for sequences of these lengths.
    pub(crate) fn of(lengths: &[usize]) -> Self {
        let mut start = 0;
        let starts = lengths.iter().map(|length| {
            start += length;
            (start - length, *length)
        });
        let mut sequences: Vec<(usize, usize)> = starts.collect();
        sequences.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
        let longest = sequences.first().map_or(0, |(_, length)| *length);
        let mut steps = Self {
            running: Vec::with_capacity(longest),
            order: Vec::with_capacity(start),
        };
        for step in 0..longest {
            let running = sequences.partition_point(|(_, length)| *length > step);
            steps.running.push(running);
            steps
                .order
                .extend(sequences[..running].iter().map(|(start, _)| start + step));
        }
        steps
    }

    /// Returns rows of this width in time-major order.
    pub(crate) fn gather(&self, rows: &[f32], width: usize) -> Vec<f32> {
        let mut ordered = Vec::with_capacity(self.order.len() * width);
        self.order
            .iter()
            .for_each(|row| ordered.extend_from_slice(&rows[row * width..(row + 1) * width]));
        ordered
    }

    /// Returns time-major rows of this width in the order of concatenated sequences.
    pub(crate) fn scatter(&self, ordered: &[f32], width: usize) -> Vec<f32> {
        let mut rows = vec![0.0; ordered.len()];
        for (row, values) in self.order.iter().zip(ordered.chunks_exact(width)) {
            rows[row * width..(row + 1) * width].copy_from_slice(values);
        }
        rows
    }

    /// Returns the first row of each step with the number of sequences in it.
    fn spans(&self) -> Vec<(usize, usize)> {
        let mut start = 0;
        let span = |running: &usize| {
            start += running;
            (start - running, *running)
        };
        self.running.iter().map(span).collect()
    }
}

impl Recurrent {
    /// Adds the layer to a network, initialised as in PyTorch: all uniform within `1 / √hidden`.
    pub(crate) fn new(
        layout: &mut ParameterLayout,
        name: &str,
        cell: Cell,
        inputs: usize,
        hidden: usize,
    ) -> Self {
        let gates = cell.gates() * hidden;
        let input = Dense::new(layout, &format!("{name}.input"), [inputs, gates], hidden);
        let recurrent = layout.matrix(&format!("{name}.recurrent.weight"), [hidden, gates], hidden);
        let bias = |layout: &mut ParameterLayout| {
            layout.vector(
                &format!("{name}.recurrent.bias"),
                &[gates],
                Init::of_fan(hidden),
            )
        };
        let recurrent_bias = (cell == Cell::Gru).then(|| bias(layout));
        Self {
            cell,
            input,
            recurrent,
            recurrent_bias,
        }
    }

    /// Returns the width of the state.
    pub(crate) fn hidden(&self) -> usize {
        self.recurrent.inputs
    }

    /// Runs over time-major rows `[rows, inputs]` from a state of zeros.
    pub(crate) fn forward(&self, weights: &Weights, steps: &StepOrder, rows: &[f32]) -> Trace {
        let (hidden, gates, kept) = (
            self.hidden(),
            self.cell.gates() * self.hidden(),
            self.cell.kept() * self.hidden(),
        );
        let mut input = self.input.apply(weights, rows);
        let rows = steps.order.len();
        let zeros = |width: usize| vec![0.0; rows * width];
        let mut trace = Trace {
            states: zeros(hidden),
            before: zeros(hidden),
            kept: zeros(kept),
        };
        let widest = steps.running.first().map_or(0, |running| running * gates);
        let mut apart = self
            .recurrent_bias
            .map_or_else(Vec::new, |_| vec![0.0; widest]);
        let mut earlier = None;
        for (start, running) in steps.spans() {
            let at = |width: usize| start * width..(start + running) * width;
            let (done, state) = trace.states.split_at_mut(start * hidden);
            let (kept_done, kept_now) = trace.kept.split_at_mut(start * kept);
            let mut kept_before: &[f32] = &[];
            if let Some(from) = earlier {
                trace.before[at(hidden)]
                    .copy_from_slice(&done[from * hidden..(from + running) * hidden]);
                kept_before = &kept_done[from * kept..(from + running) * kept];
            }
            let before = &trace.before[at(hidden)];
            let recurrent = &mut apart[..self.apart(running * gates)];
            self.project(
                weights,
                earlier.map(|_| before),
                &mut input[at(gates)],
                recurrent,
            );
            self.step(CellForward {
                hidden,
                input: &input[at(gates)],
                recurrent,
                before,
                kept_before,
                kept: &mut kept_now[..running * kept],
                state: &mut state[..running * hidden],
            });
            earlier = Some(start);
        }
        trace
    }

    /// Propagates the gradient by the states back through time (Werbos, 1990) and adds the gradient by the parameters;
    /// returns the gradient by the projections of the inputs, for [`Dense::back`] of `input`.
    pub(crate) fn backward(
        &self,
        weights: &Weights,
        steps: &StepOrder,
        rows: &[f32],
        trace: &Trace,
        by_states: &[f32],
        gradient: &mut [f32],
    ) -> Vec<f32> {
        let (hidden, gates, kept) = (
            self.hidden(),
            self.cell.gates() * self.hidden(),
            self.cell.kept() * self.hidden(),
        );
        let widest = steps.running.first().map_or(0, |running| running * hidden);
        let (mut by_state, mut by_memory) = (vec![0.0; widest], vec![0.0; widest]);
        let mut by_input = vec![0.0; steps.order.len() * gates];
        let mut apart = self
            .recurrent_bias
            .map_or_else(Vec::new, |_| by_input.clone());
        let spans = steps.spans();
        for (step, (start, running)) in spans.iter().copied().enumerate().rev() {
            let at = |width: usize| start * width..(start + running) * width;
            let carried = &mut by_state[..running * hidden];
            carried
                .iter_mut()
                .zip(&by_states[at(hidden)])
                .for_each(|(sum, g)| *sum += g);
            let kept_before = match step.checked_sub(1).map(|earlier| spans[earlier].0) {
                Some(from) => &trace.kept[from * kept..(from + running) * kept],
                None => &[],
            };
            self.step_back(CellBackward {
                hidden,
                before: &trace.before[at(hidden)],
                kept: &trace.kept[at(kept)],
                kept_before,
                by_state: carried,
                by_memory: &mut by_memory[..running * hidden],
                by_input: &mut by_input[at(gates)],
                by_recurrent: &mut apart
                    [self.apart(start * gates)..self.apart((start + running) * gates)],
            });
            if step > 0 {
                let by_recurrent = if apart.is_empty() { &by_input } else { &apart };
                let projections = View::new(&by_recurrent[at(gates)], gates);
                multiply_add(
                    projections,
                    weights.transposed(self.recurrent),
                    carried,
                    hidden,
                );
            }
        }
        self.learn(rows, &trace.before, [&by_input, &apart], gradient);
        by_input
    }

    /// Returns a length or position in the separate recurrent projections: zero without any.
    fn apart(&self, length: usize) -> usize {
        self.recurrent_bias.map_or(0, |_| length)
    }

    /// Adds the recurrent projections of the states before a step, if there are any.
    fn project(
        &self,
        weights: &Weights,
        before: Option<&[f32]>,
        input: &mut [f32],
        apart: &mut [f32],
    ) {
        let gates = self.recurrent.outputs;
        let projections = match self.recurrent_bias.map(|bias| bias.of(&weights.parameters)) {
            Some(bias) => {
                apart
                    .chunks_exact_mut(gates)
                    .for_each(|row| row.copy_from_slice(bias));
                apart
            }
            None => input,
        };
        if let Some(before) = before {
            multiply_add(
                View::new(before, self.hidden()),
                weights.packed(self.recurrent),
                projections,
                gates,
            );
        }
    }

    /// Adds the gradient by the parameters, given the gradient by the input projections and by the separate recurrent ones.
    fn learn(
        &self,
        rows: &[f32],
        before: &[f32],
        [by_input, apart]: [&[f32]; 2],
        gradient: &mut [f32],
    ) {
        let gates = self.recurrent.outputs;
        let mut packed = Packed::of(View::new(by_input, gates));
        self.input.learn_packed(rows, by_input, &packed, gradient);
        if let Some(bias) = self.recurrent_bias {
            packed = Packed::of(View::new(apart, gates));
            let bias = bias.of_mut(gradient);
            apart.chunks_exact(gates).for_each(|row| add(row, bias));
        }
        let states = View::new(before, self.hidden()).transposed();
        multiply_add(states, &packed, self.recurrent.of_mut(gradient), gates);
    }

    fn step(&self, step: CellForward<'_>) {
        match self.cell {
            Cell::Gru => gru::forward(step),
            Cell::Lstm => lstm::forward(step),
        }
    }

    fn step_back(&self, step: CellBackward<'_>) {
        match self.cell {
            Cell::Gru => gru::backward(step),
            Cell::Lstm => lstm::backward(step),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_step_by_step_and_come_back() {
        let steps = StepOrder::of(&[2, 4, 1]);
        assert_eq!(steps.running, [3, 2, 1, 1]);
        assert_eq!(steps.order, [2, 0, 6, 3, 1, 4, 5]);
        let rows: Vec<f32> = (0..14).map(|i| i as f32).collect();
        assert_eq!(steps.scatter(&steps.gather(&rows, 2), 2), rows);
    }
}
