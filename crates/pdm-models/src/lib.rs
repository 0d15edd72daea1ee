//! From files of run-to-failure data to a bundle that predicts: reading, validation, features, model families, training, search and
//! drift. Uses no network, no clock and no environment variables.

pub mod bundle;
pub mod data;
pub mod export;
pub mod features;
pub mod models;
pub mod monitor;
pub mod train;
pub mod tune;
