//! The network of any family: its body, and the head that all families share.

use super::families::{Cnn, RecurrentLayers, Tcn, Transformer};
use super::kernel::{relu, relu_back, tanh_all, tanh_back};
use super::layers::Dense;
use super::{Chunk, NetworkOptions, ParameterLayout, Weights};

/// The structure of a network, which computes with given [`Weights`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Network {
    pub(crate) layout: ParameterLayout,
    pub(crate) body: NetworkBody,
    /// From the body to the layer before the outputs.
    pub(crate) head: Dense,
    pub(crate) activation: Activation,
    pub(crate) output: Dense,
}

/// The part of a network that depends on the family.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NetworkBody {
    Recurrent(RecurrentLayers),
    Cnn(Cnn),
    Tcn(Tcn),
    Transformer(Transformer),
}

/// The activation function of the layer before the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    Relu,
    Tanh,
}

/// Takes the gradient by the outputs, and adds the gradient by all parameters to its second argument.
pub(crate) type WayBack<'a> = Box<dyn FnOnce(&[f32], &mut [f32]) + 'a>;

/// The same for the rows that the body computed.
type BodyWayBack<'a> = Box<dyn FnOnce(Vec<f32>, &mut [f32]) + 'a>;

impl NetworkBody {
    /// Returns the width of the rows it computes.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Recurrent(body) => body.width(),
            Self::Cnn(body) => body.width(),
            Self::Tcn(body) => body.width(),
            Self::Transformer(body) => body.width(),
        }
    }

    /// Returns the rows of a window if the body has one output per window instead of one per row.
    pub(crate) fn window(&self) -> Option<usize> {
        match self {
            Self::Cnn(body) => Some(body.window),
            Self::Recurrent(_) | Self::Tcn(_) | Self::Transformer(_) => None,
        }
    }

    /// Returns a row `[width]` for every output of the chunk, and the backward pass.
    fn forward<'a>(
        &'a self,
        weights: &'a Weights,
        chunk: &'a Chunk,
    ) -> (Vec<f32>, BodyWayBack<'a>) {
        let lengths = &chunk.lengths[..];
        let rows = &chunk.rows[..];
        match self {
            Self::Recurrent(body) => {
                let (states, kept) = body.forward(weights, lengths, rows);
                (
                    states,
                    Box::new(move |by, gradient| body.backward(weights, &kept, &by, gradient)),
                )
            }
            Self::Cnn(body) => {
                let (maps, kept) = body.forward(weights, lengths, rows);
                (
                    maps,
                    Box::new(move |by, gradient| {
                        body.backward(weights, lengths, &kept, &by, gradient)
                    }),
                )
            }
            Self::Tcn(body) => {
                let (outputs, kept) = body.forward(weights, lengths, rows);
                (
                    outputs,
                    Box::new(move |by, gradient| {
                        body.backward(weights, lengths, &kept, by, gradient)
                    }),
                )
            }
            Self::Transformer(body) => {
                let (outputs, kept) = body.forward(weights, lengths, rows);
                (
                    outputs,
                    Box::new(move |by, gradient| {
                        body.backward(weights, lengths, rows, &kept, &by, gradient)
                    }),
                )
            }
        }
    }
}

impl Network {
    /// Returns the network of a family for inputs of this width, with `outputs` numbers per output row.
    pub(crate) fn new(options: &dyn NetworkOptions, inputs: usize, outputs: usize) -> Self {
        let mut layout = ParameterLayout::default();
        let body = options.body(&mut layout, inputs);
        let width = options.head();
        let activation = options.activation();
        let head = Dense::new(&mut layout, "head", [body.width(), width], body.width());
        let output = Dense::new(&mut layout, "output", [width, outputs], width);
        Self {
            layout,
            body,
            head,
            activation,
            output,
        }
    }

    /// Returns the number of outputs per output row.
    pub(crate) fn outputs(&self) -> usize {
        self.output.weight.outputs
    }

    /// Returns the outputs `[judged rows, outputs]`.
    pub(crate) fn predict(&self, weights: &Weights, chunk: &Chunk) -> Vec<f32> {
        self.forward(weights, chunk).0
    }

    /// Returns the outputs and the backward pass to the gradient by the parameters.
    pub(crate) fn forward<'a>(
        &'a self,
        weights: &'a Weights,
        chunk: &'a Chunk,
    ) -> (Vec<f32>, WayBack<'a>) {
        let (rows, back) = self.body.forward(weights, chunk);
        let every_row = self.body.window().is_none();
        let rows = if every_row {
            chunk.judged(rows, self.body.width())
        } else {
            rows
        };
        let mut hidden = self.head.apply(weights, &rows);
        self.bend(&mut hidden);
        let outputs = self.output.apply(weights, &hidden);
        let way_back = move |by_outputs: &[f32], gradient: &mut [f32]| {
            self.output.learn(&hidden, by_outputs, gradient);
            let mut by_hidden = self.output.back(weights, by_outputs);
            self.bend_back(&hidden, &mut by_hidden);
            self.head.learn(&rows, &by_hidden, gradient);
            let by_rows = self.head.back(weights, &by_hidden);
            let by_rows = if every_row {
                chunk.spread(by_rows, self.body.width())
            } else {
                by_rows
            };
            back(by_rows, gradient);
        };
        (outputs, Box::new(way_back))
    }

    fn bend(&self, values: &mut [f32]) {
        match self.activation {
            Activation::Relu => relu(values),
            Activation::Tanh => tanh_all(values),
        }
    }

    fn bend_back(&self, outputs: &[f32], gradient: &mut [f32]) {
        match self.activation {
            Activation::Relu => relu_back(outputs, gradient),
            Activation::Tanh => tanh_back(outputs, gradient),
        }
    }
}
