//! One integration binary; one file per subcommand or fact. Each test runs the built command as a user would.

// The project builder is test code, though it stands outside the `#[test]` functions.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, unreachable_pub)]

mod architecture;
mod bucket;
mod budget;
mod cmapss;
mod config;
mod data;
mod init;
mod mlflow;
mod oci;
mod onnx;
mod plan;
mod pool;
mod predict;
mod project;
mod quantile;
mod registry;
mod repository;
mod resume;
mod run;
mod runs;
mod signing;
mod small_machine;
mod stack;
mod stages;
mod tune;
