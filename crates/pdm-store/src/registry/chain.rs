//! The hash chain of the log: checks that each entry follows from the one before.

use super::entry::LogEntry;
use super::error::RegistryError;
use super::genesis::Genesis;
use super::identity::RegistryId;
use super::keys::{ObjectKey, Sequence};
use pdm_core::content::Digest;

/// How far a log was read, and what its next entry must refer to.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// The genesis object of the log; `None` if there is none, a description of the damage if it is damaged.
    genesis: Option<Result<Genesis, String>>,
    /// Id of the registry, once known.
    id: Option<RegistryId>,
    last: Sequence,
    /// Digest of the last entry; `None` if its bytes are not reliable.
    head: Option<Digest>,
    /// Format of the last entry.
    format: u32,
    /// Whether the log is from before there was a genesis object.
    is_old: bool,
}

/// Why an entry does not follow from the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Break {
    pub(crate) key: ObjectKey,
    pub(crate) what: String,
}

impl Chain {
    /// Returns the chain of a log of which only the genesis object was read.
    pub(crate) fn new(genesis: Option<Result<Genesis, RegistryError>>) -> Self {
        let genesis = genesis.map(|read| {
            read.map_err(|error| match error {
                RegistryError::Integrity { what, .. } => what,
                error => error.to_string(),
            })
        });
        let known = genesis
            .as_ref()
            .and_then(|read| read.as_ref().ok())
            .copied();
        let head = known.map_or_else(LogEntry::root, |genesis| genesis.digest);
        Self {
            genesis,
            id: known.map(|genesis| genesis.id),
            last: 0,
            head: Some(head),
            format: 1,
            is_old: false,
        }
    }

    /// Returns the id of the registry.
    pub(crate) fn id(&self) -> Option<RegistryId> {
        self.id
    }

    /// Returns the number of the last entry.
    pub(crate) fn last(&self) -> Sequence {
        self.last
    }

    /// Returns the digest of the last entry, or of the genesis object.
    pub(crate) fn head(&self) -> Option<Digest> {
        self.head
    }

    /// Returns whether there is a genesis object, even a damaged one.
    pub(crate) fn has_genesis(&self) -> bool {
        self.genesis.is_some()
    }

    /// Returns how the genesis object is damaged.
    pub(crate) fn damaged_genesis(&self) -> Option<&String> {
        self.genesis.as_ref()?.as_ref().err()
    }

    /// Returns whether there is a genesis object although the log is from before there were any.
    pub(crate) fn has_foreign_genesis(&self) -> bool {
        self.genesis.is_some() && self.is_old
    }

    /// Checks the next entry.
    pub(crate) fn check(&self, entry: &LogEntry) -> Result<(), Break> {
        let broken = |what: &str| {
            Err(Break {
                key: ObjectKey::Log(entry.sequence),
                what: what.to_owned(),
            })
        };
        let before = if self.last == 0 {
            self.before_first(entry)?
        } else {
            self.head
        };
        if before.is_some_and(|before| before != entry.previous) {
            return broken("it does not match the digest of the entry before it");
        }
        if entry.format < self.format {
            return broken("its format is older than that of the entry before it");
        }
        match (entry.registry, self.id) {
            (Some(named), Some(id)) if named != id => broken(&format!(
                "it is an entry of registry {named}, and this is registry {id}"
            )),
            _ => Ok(()),
        }
    }

    /// Returns the digest that the first entry must hold. An entry without a registry id is from before there was a genesis object;
    /// one that was added later is not part of the chain.
    fn before_first(&self, entry: &LogEntry) -> Result<Option<Digest>, Break> {
        let broken = |what: &str| {
            Err(Break {
                key: ObjectKey::Genesis,
                what: what.to_owned(),
            })
        };
        match (&self.genesis, entry.registry) {
            (_, None) => Ok(Some(LogEntry::root())),
            (Some(Ok(genesis)), Some(_)) => Ok(Some(genesis.digest)),
            (Some(Err(what)), Some(_)) => broken(what),
            (None, Some(_)) => broken("it is missing"),
        }
    }

    /// Appends the next entry, whose bytes have this digest.
    pub(crate) fn take(&mut self, entry: &LogEntry, digest: Digest) {
        if entry.sequence == 1 && entry.registry.is_none() {
            self.id = Some(RegistryId::of_first_entry(digest));
            self.is_old = true;
        }
        self.last = entry.sequence;
        self.head = Some(digest);
        self.format = entry.format;
    }

    /// Skips to an entry; nothing is known of those before it.
    pub(crate) fn skip_to(&mut self, last: Sequence) {
        self.last = last;
        self.head = None;
    }
}

impl From<Break> for RegistryError {
    fn from(broken: Break) -> Self {
        Self::damaged(broken.key, broken.what)
    }
}
