//! One integration binary; one file per subcommand or fact. Each test runs the built command as a user would.

// The project builder is test code, though it is outside the `#[test]` functions.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

mod architecture;
mod broken;
mod bucket;
mod budget;
mod cache;
mod cmapss;
mod config;
mod data;
mod exhaustive;
mod explain;
mod foreign;
mod gates;
mod infer;
mod init;
mod judging;
mod layers;
mod lives;
mod lock;
mod mlflow;
mod names;
mod needs;
mod notify;
mod observe;
mod oci;
mod onnx;
#[cfg(feature = "otlp")]
mod otlp;
mod outputs;
mod plan;
mod pool;
mod predict;
mod project;
mod quantile;
mod readers;
mod registry;
mod registry_attacked;
mod repository;
mod resume;
mod retrain;
mod run;
mod runs;
mod schedule;
mod schemas;
mod secrets;
mod shapes;
mod signing;
mod small_machine;
mod stack;
mod stages;
mod summary;
mod terminal;
mod tune;
mod versions;
