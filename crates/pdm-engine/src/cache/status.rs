//! What the cache has under a key.

use super::CacheEntry;

/// What the cache has under a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// A result that is as it was written.
    Hit(Box<CacheEntry>),
    /// No result.
    Absent,
    /// A damaged result; the stage must run again.
    Damaged {
        /// What is wrong, as a fragment.
        reason: String,
    },
}

impl Status {
    /// Returns the entry, where it can be used.
    pub fn into_entry(self) -> Option<CacheEntry> {
        match self {
            Self::Hit(entry) => Some(*entry),
            Self::Absent | Self::Damaged { .. } => None,
        }
    }
}
