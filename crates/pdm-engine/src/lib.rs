//! The pipeline file (`config`), results and the lock file (`cache`), what each stage computes (`pipeline`), what runs them
//! (`engine`), and when (`schedule`).

pub mod cache;
pub mod config;
pub mod engine;
pub mod pipeline;
pub mod schedule;
