//! From files of run-to-failure data to a bundle that predicts: reading, validation, features, model families, training, search and
//! drift. No network, no clock, no environment.

pub mod bundle;
pub mod data;
pub mod export;
pub mod features;
pub mod models;
pub mod monitor;
pub mod train;
pub mod tune;
