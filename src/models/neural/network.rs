use super::families::{
    Cnn, CnnOptions, GruOptions, Layers, LstmOptions, Tcn, TcnOptions, Transformer, TransformerOptions,
};
use super::kernel::{relu, relu_back, tanh_all, tanh_back};
use super::layers::Dense;
use super::{Chunk, FitOptions, Layout, Reading, Weights};

/// The options of any network family.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NeuralOptions<'a> {
    Gru(&'a GruOptions),
    Lstm(&'a LstmOptions),
    Cnn(&'a CnnOptions),
    Tcn(&'a TcnOptions),
    Transformer(&'a TransformerOptions),
}

/// The shape of a network: what it computes, given [`Weights`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Network {
    pub(crate) layout: Layout,
    pub(crate) body: Body,
    /// From the body to the layer before the outputs.
    pub(crate) head: Dense,
    pub(crate) activation: Activation,
    pub(crate) output: Dense,
}

/// The part of a network that differs by family.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Recurrent(Layers),
    Cnn(Cnn),
    Tcn(Tcn),
    Transformer(Transformer),
}

/// What bends the layer before the outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    Relu,
    Tanh,
}

/// Takes the gradient by the outputs, and adds the gradient by all parameters to its second argument.
pub(crate) type WayBack<'a> = Box<dyn FnOnce(&[f32], &mut [f32]) + 'a>;

/// The same for the rows the body computed.
type BodyWayBack<'a> = Box<dyn FnOnce(Vec<f32>, &mut [f32]) + 'a>;

impl<'a> NeuralOptions<'a> {
    /// Returns the name of the family.
    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::Gru(_) => "gru",
            Self::Lstm(_) => "lstm",
            Self::Cnn(_) => "cnn",
            Self::Tcn(_) => "tcn",
            Self::Transformer(_) => "transformer",
        }
    }

    /// Returns how the family is fitted.
    pub(crate) fn fit(self) -> FitOptions {
        match self {
            Self::Gru(options) => options.fit(),
            Self::Lstm(options) => options.fit(),
            Self::Cnn(options) => options.fit(),
            Self::Tcn(options) => options.fit(),
            Self::Transformer(options) => options.fit(),
        }
    }

    /// Returns how the family reads a history.
    pub(crate) fn reading(self) -> Reading {
        match self {
            Self::Gru(options) => options.reading(),
            Self::Lstm(options) => options.reading(),
            Self::Cnn(options) => options.reading(),
            Self::Tcn(options) => options.reading(),
            Self::Transformer(options) => options.reading(),
        }
    }

    fn head(self) -> (usize, Activation) {
        match self {
            Self::Gru(options) => (options.head, Activation::Relu),
            Self::Lstm(options) => (options.head, Activation::Relu),
            Self::Cnn(options) => (options.head, Activation::Tanh),
            Self::Tcn(options) => (options.head, Activation::Relu),
            Self::Transformer(options) => (options.head, Activation::Relu),
        }
    }

    fn body(self, layout: &mut Layout, inputs: usize) -> Body {
        match self {
            Self::Gru(options) => Body::Recurrent(options.body(layout, inputs)),
            Self::Lstm(options) => Body::Recurrent(options.body(layout, inputs)),
            Self::Cnn(options) => Body::Cnn(options.body(layout, inputs)),
            Self::Tcn(options) => Body::Tcn(options.body(layout, inputs)),
            Self::Transformer(options) => Body::Transformer(options.body(layout, inputs)),
        }
    }
}

impl Body {
    /// Returns the width of the rows it computes.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Recurrent(body) => body.width(),
            Self::Cnn(body) => body.width(),
            Self::Tcn(body) => body.width(),
            Self::Transformer(body) => body.width(),
        }
    }

    /// Returns a row `[width]` for every output of the chunk, and the way back.
    fn forward<'a>(&'a self, weights: &'a Weights, chunk: &'a Chunk) -> (Vec<f32>, BodyWayBack<'a>) {
        let (lengths, rows) = (&chunk.lengths[..], &chunk.rows[..]);
        match self {
            Self::Recurrent(body) => {
                let (states, kept) = body.forward(weights, lengths, rows);
                (states, Box::new(move |by, gradient| body.backward(weights, &kept, &by, gradient)))
            }
            Self::Cnn(body) => {
                let (maps, kept) = body.forward(weights, lengths, rows);
                (maps, Box::new(move |by, gradient| body.backward(weights, lengths, &kept, &by, gradient)))
            }
            Self::Tcn(body) => {
                let (outputs, kept) = body.forward(weights, lengths, rows);
                (outputs, Box::new(move |by, gradient| body.backward(weights, lengths, &kept, by, gradient)))
            }
            Self::Transformer(body) => {
                let (outputs, kept) = body.forward(weights, lengths, rows);
                (outputs, Box::new(move |by, gradient| body.backward(weights, lengths, rows, &kept, &by, gradient)))
            }
        }
    }
}

impl Network {
    /// Returns the network of a family for inputs of this width, with `outputs` numbers for every judged row.
    pub(crate) fn new(options: NeuralOptions<'_>, inputs: usize, outputs: usize) -> Self {
        let mut layout = Layout::default();
        let body = options.body(&mut layout, inputs);
        let (width, activation) = options.head();
        let head = Dense::new(&mut layout, "head", [body.width(), width], body.width());
        let output = Dense::new(&mut layout, "output", [width, outputs], width);
        Self { layout, body, head, activation, output }
    }

    /// Returns the number of outputs for every judged row.
    pub(crate) fn outputs(&self) -> usize {
        self.output.weight.outputs
    }

    /// Returns the outputs `[judged rows, outputs]`.
    pub(crate) fn predict(&self, weights: &Weights, chunk: &Chunk) -> Vec<f32> {
        self.forward(weights, chunk).0
    }

    /// Returns the outputs and the way back to the gradient by the parameters.
    pub(crate) fn forward<'a>(&'a self, weights: &'a Weights, chunk: &'a Chunk) -> (Vec<f32>, WayBack<'a>) {
        let (rows, back) = self.body.forward(weights, chunk);
        let every_row = !matches!(self.body, Body::Cnn(_));
        let rows = if every_row { chunk.judged(rows, self.body.width()) } else { rows };
        let mut hidden = self.head.apply(weights, &rows);
        self.bend(&mut hidden);
        let outputs = self.output.apply(weights, &hidden);
        let way_back = move |by_outputs: &[f32], gradient: &mut [f32]| {
            self.output.learn(&hidden, by_outputs, gradient);
            let mut by_hidden = self.output.back(weights, by_outputs);
            self.bend_back(&hidden, &mut by_hidden);
            self.head.learn(&rows, &by_hidden, gradient);
            let by_rows = self.head.back(weights, &by_hidden);
            let by_rows = if every_row { chunk.spread(by_rows, self.body.width()) } else { by_rows };
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
