//! The pipeline file, its cache and its stages, what runs them, and when.

pub mod engine;
pub mod pipeline;
pub mod schedule;
