use super::entry::LogEntry;
use super::error::RegistryError;
use super::genesis::Genesis;
use super::identity::RegistryId;
use super::keys::{ObjectKey, Sequence};
use pdm_core::content::Digest;

/// How far a log was read, and what its next entry must follow from.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    /// What the log begins with; `None` where there is no such object, a text where it is damaged.
    genesis: Option<Result<Genesis, String>>,
    /// Which registry the log is of, once that is known.
    id: Option<RegistryId>,
    last: Sequence,
    /// Digest of the last entry; `None` where its bytes cannot be relied on.
    head: Option<Digest>,
    /// Format of the last entry.
    format: u32,
    /// Whether the first entry is from before a log had an object it begins with.
    is_old: bool,
}

/// Why an entry does not follow from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Break {
    pub(crate) key: ObjectKey,
    pub(crate) what: String,
}

impl Chain {
    /// Returns the chain of a log of which nothing but its beginning was read.
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

    /// Returns which registry the log is of.
    pub(crate) fn id(&self) -> Option<RegistryId> {
        self.id
    }

    /// Returns the place of the last entry.
    pub(crate) fn last(&self) -> Sequence {
        self.last
    }

    /// Returns the digest of the last entry, or of the object the log begins with.
    pub(crate) fn head(&self) -> Option<Digest> {
        self.head
    }

    /// Returns whether there was an object that the log begins with, even a damaged one.
    pub(crate) fn has_genesis(&self) -> bool {
        self.genesis.is_some()
    }

    /// Returns why the log cannot be read without the object it begins with.
    pub(crate) fn damaged_genesis(&self) -> Option<&String> {
        self.genesis.as_ref()?.as_ref().err()
    }

    /// Returns whether an object lies where a log begins, and is no part of this log, which began before there were such.
    pub(crate) fn has_foreign_genesis(&self) -> bool {
        self.genesis.is_some() && self.is_old
    }

    /// Holds the next entry against this.
    pub(crate) fn check(&self, entry: &LogEntry) -> Result<(), Break> {
        let broken = |what: &str| {
            Err(Break {
                key: ObjectKey::Log(entry.sequence),
                what: what.to_owned(),
            })
        };
        let before = if self.last == 0 {
            self.before_the_first(entry)?
        } else {
            self.head
        };
        if before.is_some_and(|before| before != entry.previous) {
            return broken("it does not follow from the bytes of the entry before");
        }
        if entry.format < self.format {
            return broken("its format is older than that of the entry before");
        }
        match (entry.registry, self.id) {
            (Some(named), Some(id)) if named != id => broken(&format!(
                "it is an entry of registry {named}, and this is registry {id}"
            )),
            _ => Ok(()),
        }
    }

    /// Returns what the first entry must follow from. One that names no registry is from before a log had a beginning, and
    /// whoever adds one later adds an object that nothing follows from.
    fn before_the_first(&self, entry: &LogEntry) -> Result<Option<Digest>, Break> {
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

    /// Takes the next entry, whose bytes have this digest.
    pub(crate) fn take(&mut self, entry: &LogEntry, digest: Digest) {
        if entry.sequence == 1 && entry.registry.is_none() {
            self.id = Some(RegistryId::of_first_entry(digest));
            self.is_old = true;
        }
        self.last = entry.sequence;
        self.head = Some(digest);
        self.format = entry.format;
    }

    /// Passes over the places up to this one, of whose entries nothing is known.
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
