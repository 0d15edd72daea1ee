//! Detects drift: whether new units still resemble the training units.
//!
//! [`drift`] compares new units with those a model learnt from. The independent sample is a unit, not a row: the rows of one
//! unit resemble each other, and a test that treats them as independent finds drift everywhere. So every unit gives one
//! number for each sensor, operating regime and [`Quantity`], the two sets of numbers are compared by a two-sample test
//! (Kolmogorov-Smirnov, [`smirnov`](pdm_core::statistics::smirnov)), and all tests together keep a false discovery rate ([`adjusted`]).
//!
//! Both sides must be complete lives: a running unit is less worn than one that failed, which is not drift.

mod drift;
mod fdr;
mod summary;

pub use drift::{DriftOptions, DriftReport, DriftRow, DriftVerdict, drift};
pub use fdr::adjusted;
pub use summary::Quantity;
