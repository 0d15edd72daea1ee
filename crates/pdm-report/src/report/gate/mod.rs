//! What the gates made of a model, in the forms that CI systems read.
//!
//! A [`Judgement`] is filled by whoever ran the line, and holds all there is to tell; each format is a function of it, so the
//! same judgement gives the same bytes. Where the line ended before its gates it says why, in every format: a CI job must not
//! look at a missing file, or at yesterday's.
//!
//! | format | read by |
//! | --- | --- |
//! | [`junit`] | Jenkins, GitLab and whatever shows test results |
//! | [`markdown`], with [`drawings`] beside it | people, in a pull request |
//! | [`annotations`] | GitHub, which puts them at the gate's line of the pipeline file |
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
pub use judgement::{
    EarlyEnd, FileLine, GateLine, JudgedModel, Judgement, OpponentVersion, ReportedFigure,
};
pub use junit::junit;
pub use markdown::{LinkedDrawing, markdown};
pub use sarif::sarif;
