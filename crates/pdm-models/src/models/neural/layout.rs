//! The layout of the parameters of a network.

use super::kernel::{Packed, View};

/// Positions of the named tensors of a network in one vector of all parameters.
///
/// With one vector, clipping, the optimiser, averages and checkpoints are one operation each.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ParameterLayout {
    tensors: Vec<Tensor>,
    matrices: Vec<WeightMatrix>,
}

/// A named part of the parameters.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    /// Its name in files and messages.
    pub(crate) name: String,
    /// Its shape, row-major.
    pub(crate) shape: Vec<usize>,
    /// Its offset.
    pub(crate) start: usize,
    /// Its initial values.
    pub(crate) init: Init,
}

/// How a tensor is initialised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Init {
    /// Uniform between minus and plus this bound.
    Uniform(f32),
    /// All equal.
    Constant(f32),
}

/// A weight `[inputs, outputs]` among the parameters.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct WeightMatrix {
    pub(crate) start: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Its index among the packed matrices.
    index: usize,
}

/// A run of parameters: a bias, a scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Vector {
    pub(crate) start: usize,
    pub(crate) len: usize,
}

impl ParameterLayout {
    /// Returns the number of parameters.
    pub(crate) fn len(&self) -> usize {
        self.tensors.last().map_or(0, Tensor::end)
    }

    /// Returns the tensors in their order.
    pub(crate) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Returns the name of the tensor that contains a parameter.
    pub(crate) fn name_of(&self, parameter: usize) -> &str {
        let holder = self.tensors.iter().find(|tensor| parameter < tensor.end());
        holder.map_or("unknown", |tensor| &tensor.name)
    }

    /// Adds a tensor that is not a matrix.
    pub(crate) fn vector(&mut self, name: &str, shape: &[usize], init: Init) -> Vector {
        let start = self.push(name, shape, init);
        Vector {
            start,
            len: shape.iter().product(),
        }
    }

    /// Adds a weight, initialised as in PyTorch: uniform within `1 / √fan`.
    pub(crate) fn matrix(
        &mut self,
        name: &str,
        [inputs, outputs]: [usize; 2],
        fan: usize,
    ) -> WeightMatrix {
        let start = self.push(name, &[inputs, outputs], Init::of_fan(fan));
        self.register(start, inputs, outputs)
    }

    /// Adds `count` weights of one shape as one tensor `[count, inputs, outputs]`.
    pub(crate) fn matrices(
        &mut self,
        name: &str,
        shape: [usize; 3],
        fan: usize,
    ) -> Vec<WeightMatrix> {
        let [count, inputs, outputs] = shape;
        let start = self.push(name, &shape, Init::of_fan(fan));
        (0..count)
            .map(|i| self.register(start + i * inputs * outputs, inputs, outputs))
            .collect()
    }

    fn push(&mut self, name: &str, shape: &[usize], init: Init) -> usize {
        let start = self.len();
        self.tensors.push(Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            start,
            init,
        });
        start
    }

    fn register(&mut self, start: usize, inputs: usize, outputs: usize) -> WeightMatrix {
        let matrix = WeightMatrix {
            start,
            inputs,
            outputs,
            index: self.matrices.len(),
        };
        self.matrices.push(matrix);
        matrix
    }
}

impl Tensor {
    /// Returns the offset of the next tensor.
    pub(crate) fn end(&self) -> usize {
        self.start + self.shape.iter().product::<usize>()
    }
}

impl Init {
    /// Returns the uniform initialisation of a layer with `fan` inputs.
    pub(crate) fn of_fan(fan: usize) -> Self {
        Self::Uniform((fan as f32).sqrt().recip())
    }
}

impl WeightMatrix {
    /// Returns the numbers of the matrix among all parameters, or of its gradient among all gradients.
    pub(crate) fn of<'a>(&self, parameters: &'a [f32]) -> &'a [f32] {
        &parameters[self.start..self.start + self.inputs * self.outputs]
    }

    /// Returns the numbers of the matrix mutably.
    pub(crate) fn of_mut<'a>(&self, parameters: &'a mut [f32]) -> &'a mut [f32] {
        &mut parameters[self.start..self.start + self.inputs * self.outputs]
    }
}

impl Vector {
    /// Returns its numbers among all parameters.
    pub(crate) fn of<'a>(&self, parameters: &'a [f32]) -> &'a [f32] {
        &parameters[self.start..self.start + self.len]
    }

    /// Returns its numbers mutably.
    pub(crate) fn of_mut<'a>(&self, parameters: &'a mut [f32]) -> &'a mut [f32] {
        &mut parameters[self.start..self.start + self.len]
    }
}

/// The parameters of a network, packed once for the products of all sequences and steps.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    pub(crate) parameters: Vec<f32>,
    forward: Vec<Packed>,
    backward: Vec<Packed>,
}

impl Weights {
    /// Packs parameters for predictions.
    pub(crate) fn new(layout: &ParameterLayout, parameters: Vec<f32>) -> Self {
        let forward = layout
            .matrices
            .iter()
            .map(|matrix| Packed::of(matrix.view(&parameters)))
            .collect();
        Self {
            parameters,
            forward,
            backward: Vec::new(),
        }
    }

    /// Packs parameters for gradients, too.
    pub(crate) fn for_gradients(layout: &ParameterLayout, parameters: Vec<f32>) -> Self {
        let weights = Self::new(layout, parameters);
        let transposed =
            |matrix: &WeightMatrix| Packed::of(matrix.view(&weights.parameters).transposed());
        Self {
            backward: layout.matrices.iter().map(transposed).collect(),
            ..weights
        }
    }

    /// Returns a matrix as the right factor of a product.
    pub(crate) fn packed(&self, matrix: WeightMatrix) -> &Packed {
        &self.forward[matrix.index]
    }

    /// Returns a transposed matrix as the right factor of a product.
    pub(crate) fn transposed(&self, matrix: WeightMatrix) -> &Packed {
        &self.backward[matrix.index]
    }
}

impl WeightMatrix {
    fn view<'a>(&self, parameters: &'a [f32]) -> View<'a> {
        View::new(self.of(parameters), self.outputs)
    }
}
