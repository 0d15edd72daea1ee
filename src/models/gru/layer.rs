use super::activation::{sigmoid, tanh};
use super::dense::Dense;

/// A gated recurrent layer (Cho et al., EMNLP 2014) whose reset gate acts after the recurrent product:
///
/// `r = σ(aᵣ + bᵣ)`, `z = σ(a_z + b_z)`, `n = tanh(aₙ + r ⊙ bₙ)`, `h' = n + z ⊙ (h − n)`
///
/// with `a` the input and `b` the recurrent projection. PyTorch, ONNX (`linear_before_reset = 1`) and cuDNN compute
/// the same, with gates in the order `r, z, n`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GruLayer {
    /// `a`: from the features, `[inputs, 3 · hidden]`.
    pub(crate) input: Dense,
    /// `b`: from the previous state, `[hidden, 3 · hidden]`.
    pub(crate) recurrent: Dense,
}

/// What one step computed on its way: kept by training, overwritten by inference.
#[derive(Debug, Clone)]
pub(crate) struct Gates {
    /// `a`, `[3 · hidden]`.
    pub(crate) a: Vec<f32>,
    /// `b`, `[3 · hidden]`.
    pub(crate) b: Vec<f32>,
    /// `r`, `[hidden]`.
    pub(crate) reset: Vec<f32>,
    /// `z`, `[hidden]`.
    pub(crate) update: Vec<f32>,
    /// `n`, `[hidden]`.
    pub(crate) candidate: Vec<f32>,
}

impl Gates {
    /// Returns room for one step.
    pub(crate) fn new(hidden: usize) -> Self {
        let zeros = |n| vec![0.0; n];
        let (a, b) = (zeros(3 * hidden), zeros(3 * hidden));
        Self { a, b, reset: zeros(hidden), update: zeros(hidden), candidate: zeros(hidden) }
    }
}

impl GruLayer {
    /// Returns the width of the state.
    pub(crate) fn hidden(&self) -> usize {
        self.recurrent.inputs()
    }

    /// Advances the state `[hidden]` by one row of features.
    pub(crate) fn step(&self, row: &[f32], state: &mut [f32], gates: &mut Gates) {
        self.input.apply(row, &mut gates.a);
        self.recurrent.apply(state, &mut gates.b);
        let hidden = state.len();
        let ((a_rz, a_n), (b_rz, b_n)) = (gates.a.split_at(2 * hidden), gates.b.split_at(2 * hidden));
        let ((a_r, a_z), (b_r, b_z)) = (a_rz.split_at(hidden), b_rz.split_at(hidden));
        add_then(sigmoid, a_r, b_r, &mut gates.reset);
        add_then(sigmoid, a_z, b_z, &mut gates.update);
        for ((n, r), (a, b)) in gates.candidate.iter_mut().zip(&gates.reset).zip(a_n.iter().zip(b_n)) {
            *n = tanh(a + r * b);
        }
        for ((h, z), n) in state.iter_mut().zip(&gates.update).zip(&gates.candidate) {
            *h = n + z * (*h - n);
        }
    }
}

#[inline]
fn add_then(function: impl Fn(f32) -> f32, a: &[f32], b: &[f32], output: &mut [f32]) {
    output.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = function(a + b));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked by hand from the equations with one hidden unit.
    #[test]
    fn one_step_follows_the_equations() {
        let layer = GruLayer {
            input: Dense { weight: vec![0.5, -0.3, 0.8], bias: vec![0.1, 0.2, -0.1] },
            recurrent: Dense { weight: vec![0.4, 0.6, -0.7], bias: vec![0.0, -0.2, 0.3] },
        };
        let (x, h) = (1.5f64, 0.25f64);
        let sigmoid = |v: f64| 1.0 / (1.0 + (-v).exp());
        let r = sigmoid(0.5 * x + 0.1 + 0.4 * h);
        let z = sigmoid(-0.3 * x + 0.2 + 0.6 * h - 0.2);
        let n = (0.8 * x - 0.1 + r * (-0.7 * h + 0.3)).tanh();
        let mut state = [h as f32];
        layer.step(&[x as f32], &mut state, &mut Gates::new(1));
        assert!((f64::from(state[0]) - (n + z * (h - n))).abs() < 1e-6);
    }
}
