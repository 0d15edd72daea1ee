//! Statistical gates: the requirements on a challenger before an alias may point to it.
//!
//! A gate judges an interval over units, never a bare number: with 100 test engines the 95 % interval of RMSE is about
//! ±2 cycles, so a limit close to the observed value would be a coin flip. Hence the third verdict, undecided.

mod explain;
mod judge;
mod options;
mod report;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

pub use judge::{Contender, Opponent, judge};
pub use options::{GateOptions, Rule, Versus, WhenNoChampion};
pub use report::{Champion, GateReport, GateRow, Observed, overall};
