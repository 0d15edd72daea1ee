//! One integration binary; one file per subcommand or fact. Each test runs the built command as a user would.

// The project builder is test code, though it stands outside the `#[test]` functions.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod architecture;
mod cmapss;
mod config;
mod data;
mod init;
mod mlflow;
mod plan;
mod predict;
mod project;
mod registry;
mod repository;
mod run;
mod runs;
