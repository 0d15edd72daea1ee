//! The layers, each with the derivative of what it computes.
//!
//! `apply` or `forward` computes, `learn` adds to the gradient of the layer's own parameters, `back` takes a gradient by
//! outputs to one by inputs. Rows are the steps of all sequences of a chunk, one sequence after the other unless a
//! layer says otherwise.

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
