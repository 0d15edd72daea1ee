//! The model registry: an append-only log over an object store, and everything that follows from it.
//!
//! Registering, promoting, rolling back, and each note or approval of a version create one entry that is never changed. Versions
//! and aliases are a fold over the entries, so the audit trail cannot disagree with the state: it is the state. Each entry holds
//! the digest of the one before and a seal over itself, so [`Registry::verify`] finds any changed byte.
//!
//! ```text
//! store.json                          marks a registry and its format
//! log/00000000000000000000.json       the genesis object, with the id of the registry
//! log/00000000000000000001.json       one entry: register, promote, rollback, approve, collect, …
//! snapshots/00000000000000000128.ndjson   a copy of 128 entries, to be read with one request
//! blobs/sha256/<64 digits>            files of bundles, scorecards, predictions, gate reports
//! ```
//!
//! Two writers never disturb each other: an entry is created only if its number is free, and the second writer reads again
//! and decides again. A test before the first write proves that a store supports this.
//!
//! - [`Registry`] is the entry point, [`blocking::Registry`] the same for callers without an async runtime; a
//!   [`Store`] is a bucket, a folder or memory.
//! - [`NewVersion`] becomes a [`ModelVersion`]; a [`ModelRef`] such as `turbofan@champion` points to one.
//! - [`Signing`] holds the key that signs entries, and the keys that are trusted.
//! - [`Registry::collectable`] finds unneeded blobs, [`Registry::collect`] removes them.
//! - `gates::judge` judges a challenger's `gates::Contender` by `gates::GateOptions` and returns a `gates::GateReport`; a
//!   [`Promotion`] needs such a report, or a reason to override the gates.

pub mod blocking;

mod address;
mod blobs;
mod chain;
mod collect;
mod copy;
mod diff;
mod encode;
mod entry;
mod error;
mod fetch;
mod genesis;
mod identity;
mod keys;
mod limits;
mod listing;
mod log;
mod manifest;
mod marker;
mod name;
mod noted;
mod oci;
mod options;
mod path;
mod policy;
mod probe;
mod promote;
mod read;
mod reference;
#[expect(
    clippy::module_inception,
    reason = "the module is named after its main type"
)]
mod registry;
mod remark;
mod rights;
mod shared;
mod signing;
mod snapshot;
mod state;
mod store;
mod verdict;
mod verify;

#[cfg(test)]
mod answers;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod samples;

pub use address::OpenOptions;
pub use collect::{Collectable, Leftover, LeftoverKind, Removed, Swept, Unneeded};
pub use copy::Copied;
pub use diff::{Change, Difference, FileChange, Side, ValueChange};
pub use entry::{Approved, Collected, LogAction, LogEntry, Promoted, Remarked, RolledBack, Stamp};
pub use error::{Failure, RegistryError};
pub use identity::{IdError, RegistryId};
pub use manifest::{CopiedFrom, FileEntry, ModelVersion, NewFile, VersionId, VersionOrigin};
pub use name::{Alias, ModelName, NameError};
pub use noted::{NotedError, NotedHead};
pub use oci::Exported;
pub use options::RegistryOptions;
pub use path::{BundlePath, PathError};
pub use policy::{AliasPolicy, Policy};
pub use probe::Proof;
pub use promote::{Consent, Moved, Promotion};
pub use read::{HistoryAction, HistoryRow, ModelSummary, VersionDetail, VersionSummary};
pub use reference::{ModelRef, ReferenceError, Target};
pub use registry::{NewVersion, Registered, Registry};
pub use remark::RecordedRemark;
pub use rights::{RegistryRole, s3_policy};
pub use signing::{KeyError, NewKey, PublicKey, Signature, Signer, Signing, Trust, TrustedKey};
pub use state::{ClockSetBack, Collection, RegisteredModel, RegistryState};
pub use store::Store;
pub use verify::{VerifyFinding, VerifyReport};
