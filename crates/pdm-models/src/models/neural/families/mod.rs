//! One file per family: its options, the network they describe, and its backward pass.

mod cnn;
mod recurrent;
mod tcn;
mod transformer;

pub use cnn::CnnOptions;
pub use recurrent::{GruOptions, LstmOptions};
pub use tcn::TcnOptions;
pub use transformer::TransformerOptions;

pub(crate) use cnn::Cnn;
pub(crate) use recurrent::RecurrentLayers;
pub(crate) use tcn::{Block, Tcn};
pub(crate) use transformer::{Encoder, Transformer};
