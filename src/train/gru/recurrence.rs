use crate::models::gru::{Gates, GruLayer, accumulate};

/// The forward pass over one sequence, kept for the backward pass.
pub(super) struct Trace {
    gates: Vec<Gates>,
    /// The state after each step, `[steps, hidden]`.
    pub(super) states: Vec<f32>,
}

/// The gradient of the loss by the input and the recurrent projection of each step, both `[steps, 3 · hidden]`.
pub(super) struct ProjectionGradients {
    pub(super) input: Vec<f32>,
    pub(super) recurrent: Vec<f32>,
}

impl Trace {
    /// Runs the layer over `rows`, `[steps, width]`, from a state of zeros.
    pub(super) fn run(layer: &GruLayer, rows: &[f32]) -> Self {
        let (hidden, width) = (layer.hidden(), layer.input.inputs());
        let mut state = vec![0.0; hidden];
        let mut gates = vec![Gates::new(hidden); rows.len() / width];
        let mut states = Vec::with_capacity(gates.len() * hidden);
        for (row, gates) in rows.chunks_exact(width).zip(&mut gates) {
            layer.step(row, &mut state, gates);
            states.extend_from_slice(&state);
        }
        Self { gates, states }
    }

    /// Returns the state before each step, `[steps, hidden]`.
    pub(super) fn previous_states(&self) -> Vec<f32> {
        let hidden = self.hidden();
        let mut states = vec![0.0; hidden];
        states.extend_from_slice(&self.states[..self.states.len() - hidden]);
        states
    }

    /// Carries the gradient by the states, `[steps, hidden]`, back through time (Werbos, 1990).
    ///
    /// `recurrent_weight` is the transposed recurrent weight, `[3 · hidden, hidden]`.
    pub(super) fn backward(&self, recurrent_weight: &[f32], state_gradient: &[f32]) -> ProjectionGradients {
        let hidden = self.hidden();
        let zeros = || vec![0.0; 3 * self.states.len()];
        let mut gradients = ProjectionGradients { input: zeros(), recurrent: zeros() };
        let mut carried = vec![0.0; hidden];
        let start = vec![0.0; hidden];
        for step in (0..self.gates.len()).rev() {
            let at = |width: usize| step * width..(step + 1) * width;
            carried.iter_mut().zip(&state_gradient[at(hidden)]).for_each(|(sum, g)| *sum += g);
            let before = if step == 0 { &start } else { &self.states[at_previous(step, hidden)] };
            let (input, recurrent) = (&mut gradients.input[at(3 * hidden)], &mut gradients.recurrent[at(3 * hidden)]);
            step_back(&self.gates[step], before, &mut carried, input, recurrent);
            accumulate(recurrent_weight, recurrent, &mut carried);
        }
        gradients
    }

    fn hidden(&self) -> usize {
        self.states.len() / self.gates.len()
    }
}

fn at_previous(step: usize, width: usize) -> std::ops::Range<usize> {
    (step - 1) * width..step * width
}

/// Turns the gradient by the state after a step into those by its projections, and into the direct part of the
/// gradient by the state `before` it.
fn step_back(gates: &Gates, before: &[f32], gradient: &mut [f32], input: &mut [f32], recurrent: &mut [f32]) {
    let hidden = before.len();
    let recurrent_candidate = &gates.b[2 * hidden..];
    for j in 0..hidden {
        let (r, z, n) = (gates.reset[j], gates.update[j], gates.candidate[j]);
        let by_candidate = gradient[j] * (1.0 - z) * (1.0 - n * n);
        let by_reset = by_candidate * recurrent_candidate[j] * r * (1.0 - r);
        let by_update = gradient[j] * (before[j] - n) * z * (1.0 - z);
        gradient[j] *= z;
        (input[j], input[hidden + j], input[2 * hidden + j]) = (by_reset, by_update, by_candidate);
        (recurrent[j], recurrent[hidden + j], recurrent[2 * hidden + j]) = (by_reset, by_update, by_candidate * r);
    }
}
