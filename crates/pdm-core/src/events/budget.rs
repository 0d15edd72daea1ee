//! Budgets of memory and time.

use std::time::Duration;

use bytesize::ByteSize;
use jiff::SignedDuration;

use super::Interrupted;
use crate::codes::Code;

/// Decides whether the work may continue; called at every [`super::Reporter::check`], so it must be fast.
pub trait Guard: Send + Sync {
    /// Fails once a budget is exceeded, or the work has become useless.
    ///
    /// # Errors
    /// The exceeded budget and by how much, or that parallel work failed.
    fn check(&self) -> Result<(), Interrupted>;
}

/// The work needs more than its budget allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BudgetExceeded {
    /// Estimated before the work began.
    #[error("{work} needs about {}, more than the memory budget of {}", size(*.needed), size(*.limit))]
    MemoryBefore {
        /// The work, such as `training`.
        work: &'static str,
        /// Estimated peak, in bytes.
        needed: u64,
        /// The budget, in bytes.
        limit: u64,
    },
    /// Measured during the work.
    #[error("the process uses {}, more than the memory budget of {}", size(*.used), size(*.limit))]
    Memory {
        /// Memory of the process, in bytes.
        used: u64,
        /// The budget, in bytes.
        limit: u64,
    },
    /// Measured during the work.
    #[error("training has taken {}, more than the time budget of {}", span(*.used), span(*.limit))]
    Time {
        /// Time of this command's training so far.
        used: Duration,
        /// The budget.
        limit: Duration,
    },
}

impl BudgetExceeded {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::MemoryBefore { .. } => Code::MemoryBudgetBefore,
            Self::Memory { .. } => Code::MemoryBudget,
            Self::Time { .. } => Code::TimeBudget,
        }
    }
}

/// Formats a number of bytes, such as `1.5 GiB`.
pub fn size(bytes: u64) -> String {
    ByteSize(bytes).display().iec().to_string()
}

/// Formats a duration, such as `1h 30m`; in seconds from 10 s on, else in milliseconds.
pub fn span(time: Duration) -> String {
    let shown = if time >= Duration::from_secs(10) {
        time.as_secs() * 1000
    } else {
        time.as_millis() as u64
    };
    format!(
        "{:#}",
        SignedDuration::from_millis(i64::try_from(shown).unwrap_or(i64::MAX))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_name_the_budget_and_both_amounts() {
        let memory = BudgetExceeded::Memory {
            used: 3 << 29,
            limit: 1 << 30,
        };
        assert_eq!(
            memory.to_string(),
            "the process uses 1.5 GiB, more than the memory budget of 1.0 GiB"
        );
        let time = BudgetExceeded::Time {
            used: Duration::from_millis(5_400_321),
            limit: Duration::from_secs(5400),
        };
        assert_eq!(
            time.to_string(),
            "training has taken 1h 30m, more than the time budget of 1h 30m"
        );
        assert_eq!(span(Duration::from_micros(1_034_999)), "1s 34ms");
    }
}
