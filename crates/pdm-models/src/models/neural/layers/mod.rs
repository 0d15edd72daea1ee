//! The layers, each with its derivative.
//!
//! `apply` or `forward` computes the outputs, `learn` adds to the gradient of the layer's own parameters, `back` converts a
//! gradient by outputs to one by inputs. Rows are the steps of all sequences of a chunk, one sequence after the other
//! unless stated otherwise.

mod attention;
mod conv;
mod dense;
mod gru;
mod lstm;
mod maps;
mod norm;
mod recurrent;

pub(crate) use attention::{Attention, AttentionKept};
pub(crate) use conv::Conv;
pub(crate) use dense::Dense;
pub(crate) use maps::{MapConv, Maps};
pub(crate) use norm::{EPSILON, Norm, NormKept};
pub(crate) use recurrent::{Cell, Recurrent, StepOrder, Trace};
