use super::CacheEntry;

/// What the cache holds under a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// The outputs are there and are what was written.
    Hit(Box<CacheEntry>),
    /// Nothing was ever made under this key.
    Absent,
    /// Something is there and cannot be trusted; the stage must run again.
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
