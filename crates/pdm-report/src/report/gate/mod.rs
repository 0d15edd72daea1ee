//! Judgements of models by their gates, in formats for CI systems.
//!
//! A [`Judgement`] holds everything to report; each format is a function of it, so the same judgement gives the same bytes. If
//! the run ended before its gates, each format says why, so that a CI job does not read a missing or outdated file.
//!
//! | format | read by |
//! | --- | --- |
//! | [`junit`] | Jenkins, GitLab and other viewers of test results |
//! | [`markdown`], with [`drawings`] | people, in a pull request |
//! | [`annotations`] | GitHub, which shows them at the gate's line of the pipeline file |
//! | [`sarif`] | code scanning, and editors |
//! | [`json`] | programs |

mod annotations;
mod bar;
mod bound;
mod drawing;
mod forest;
mod format;
mod json;
mod judgement;
mod junit;
mod markdown;
mod sarif;
mod scatter;
mod words;

#[cfg(test)]
mod tests;

pub use annotations::annotations;
pub use bound::Bound;
pub use drawing::{DRAWINGS, Drawing, drawings};
pub use format::GateFormat;
pub use json::json;
pub use judgement::{EarlyEnd, FileLine, GateLine, JudgedModel, Judgement};
pub use junit::junit;
pub use markdown::{LinkedDrawing, markdown};
pub use sarif::sarif;
