//! The errors of the registry.

use std::borrow::Cow;
use std::path::PathBuf;

use jiff::SignedDuration;

use super::identity::{IdError, RegistryId};
use super::name::{Alias, ModelName, NameError};
use super::path::PathError;
use super::reference::ReferenceError;
use super::state::Collection;
use crate::bucket;
use pdm_core::codes::Code;
use pdm_core::content::Digest;
use pdm_core::events::Interrupted;

/// An error of the registry.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The scheme of the address is not known.
    #[error(
        "registry store `{url}`: `{scheme}://` is not known; known: s3://, gs://, az://, file://, memory://, or a plain path"
    )]
    UnknownScheme {
        /// The address as written.
        url: String,
        /// The part before `://`.
        scheme: String,
    },
    /// The address cannot be parsed.
    #[error("registry store `{url}`: {what}")]
    Address {
        /// The address as written.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// The store failed.
    #[error("cannot {operation} `{key}` in the registry store {location}")]
    Store {
        /// What was tried, as a verb.
        operation: &'static str,
        /// Key of the object.
        key: String,
        /// Location of the store.
        location: String,
        /// What the store answered.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The store does not support create-only writes, which the log needs.
    #[error("the registry store {location} is not safe for a registry: {what}")]
    Unsafe {
        /// Location of the store.
        location: String,
        /// What the test showed.
        what: String,
    },
    /// Nothing was ever registered here.
    #[error("there is no registry in {location}")]
    Absent {
        /// Location of the store.
        location: String,
    },
    /// A newer program wrote this.
    #[error("`{key}` has format {found}; this program reads format {known}")]
    Format {
        /// Key of the object.
        key: String,
        /// Format found.
        found: u64,
        /// Newest format this program reads.
        known: u32,
    },
    /// A newer program wrote an action that this one does not know.
    #[error("`{key}` holds the action `{action}`, which this program does not know")]
    UnknownAction {
        /// Key of the entry.
        key: String,
        /// The action, as the entry names it.
        action: String,
    },
    /// Stored bytes were changed after they were written.
    #[error("registry object `{key}` is damaged: {what}")]
    Integrity {
        /// Key of the object.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// There are objects of a registry, but no log.
    #[error("the log of the registry in {location} is missing: {found}, but there are no entries")]
    LogMissing {
        /// Location of the store.
        location: String,
        /// Which objects there are, as a sentence without a full stop.
        found: String,
    },
    /// The store holds another registry than expected, or none.
    #[error("the registry store {location} holds {}; expected: registry {expected}", held(*found))]
    OtherRegistry {
        /// Location of the store.
        location: String,
        /// Id of the registry that is expected.
        expected: RegistryId,
        /// Id of the one found.
        found: Option<RegistryId>,
    },
    /// Most blobs are not named by any entry of the log: the log may have been cut short.
    #[error(
        "{orphans} of {blobs} blobs, with {bytes} of {stored} bytes, in {location} belong to no entry of the log, which ends at entry \
         {entries}"
    )]
    MostlyOrphans {
        /// Location of the store.
        location: String,
        /// Blobs that no entry names.
        orphans: u64,
        /// All blobs.
        blobs: u64,
        /// Their bytes.
        bytes: u64,
        /// Bytes of all blobs.
        stored: u64,
        /// Entries of the log.
        entries: u64,
    },
    /// The store holds entries that the log does not: the log may have been cut short.
    #[error("nothing was removed from {location}: {what}")]
    LogInDoubt {
        /// Location of the store.
        location: String,
        /// Which object shows it, as a sentence without a full stop.
        what: String,
    },
    /// A server returns an endless list of objects.
    #[error("the list of `{folder}` in the registry store {location} {what}")]
    EndlessList {
        /// Location of the store.
        location: String,
        /// What was listed.
        folder: String,
        /// What the server did, as the end of a sentence.
        what: String,
    },
    /// Something is longer than this program would read.
    #[error("{what} has {bytes} bytes; the registry takes at most {most}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length.
        bytes: u64,
        /// The greatest length.
        most: u64,
    },
    /// A file in the way would have to be overwritten, or a file has a name that no bundle file has.
    #[error("`{}` is not written: {what}", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: &'static str,
    },
    /// Another writer changed the registry first, in a way that needs a decision.
    #[error("lost the race for the registry log: {what}")]
    Conflict {
        /// What changed.
        what: String,
    },
    /// A text is not the id of a registry.
    #[error(transparent)]
    Id(#[from] IdError),
    /// A name breaks the grammar.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A reference to a model breaks the grammar.
    #[error(transparent)]
    Reference(#[from] ReferenceError),
    /// A file of a bundle has a path that could leave its folder.
    #[error(transparent)]
    Path(#[from] PathError),
    /// No version was registered under this name.
    #[error("no model `{model}` in the registry; known: {known}")]
    UnknownModel {
        /// Name asked for.
        model: ModelName,
        /// Names in the registry, for display.
        known: String,
    },
    /// The model has no such version.
    #[error("model `{model}` has no version {version}; newest: {newest}")]
    UnknownVersion {
        /// Name of the model.
        model: ModelName,
        /// Version asked for.
        version: u32,
        /// Newest version of the model.
        newest: u32,
    },
    /// The model has no such alias.
    #[error("model `{model}` has no alias `{alias}`; known: {known}")]
    UnknownAlias {
        /// Name of the model.
        model: ModelName,
        /// Alias asked for.
        alias: Alias,
        /// Aliases of the model, for display.
        known: String,
    },
    /// The alias has pointed to one version only.
    #[error("cannot roll back `{model}@{alias}`: there is no version before {current}")]
    NothingBefore {
        /// Name of the model.
        model: ModelName,
        /// The alias.
        alias: Alias,
        /// Version it points to.
        current: u32,
    },
    /// A gate failed.
    #[error("version {version} of `{model}` may not become `{alias}`: {reason}")]
    GateRefused {
        /// Name of the model.
        model: ModelName,
        /// Version that was judged.
        version: u32,
        /// Alias it was judged for.
        alias: Alias,
        /// The failed gates, in one sentence each.
        reason: String,
    },
    /// A gate is undecided.
    #[error(
        "it is undecided whether version {version} of `{model}` may become `{alias}`: {reason}"
    )]
    GateUndecided {
        /// Name of the model.
        model: ModelName,
        /// Version that was judged.
        version: u32,
        /// Alias it was judged for.
        alias: Alias,
        /// The undecided gates, in one sentence each.
        reason: String,
    },
    /// The gate report is about another bundle, or other scores.
    #[error("the gate report judged {judged}, but version {version} of `{model}` is {registered}")]
    WrongReport {
        /// Name of the model.
        model: ModelName,
        /// Version to be promoted.
        version: u32,
        /// Bundle and scorecard of that version, for display.
        registered: String,
        /// Bundle and scorecard in the report, for display.
        judged: String,
    },
    /// The version was taken out of use.
    #[error("version {version} of `{model}` is retired")]
    Retired {
        /// Name of the model.
        model: ModelName,
        /// The version.
        version: u32,
    },
    /// The version's files are no longer kept.
    #[error(
        "the files of version {version} of `{model}` were collected on {:.0} by {} (entry {} of the log)",
        collection.time, collection.actor, collection.entry
    )]
    Collected {
        /// Name of the model.
        model: ModelName,
        /// The version.
        version: u32,
        /// When, by whom, and in which entry of the log.
        collection: Box<Collection>,
    },
    /// The grace is too short for writers that are at work.
    #[error("a grace of {grace:#} is too short: writers at work need at least {least:#}")]
    Grace {
        /// Grace asked for.
        grace: SignedDuration,
        /// Shortest grace.
        least: SignedDuration,
    },
    /// The clocks differ too much to determine which objects are old.
    #[error("the clocks of this machine and of the registry store {location} differ by {off:#}")]
    Clock {
        /// Location of the store.
        location: String,
        /// Their difference.
        off: SignedDuration,
    },
    /// The target folder exists.
    #[error("`{}` already exists", path.display())]
    Occupied {
        /// The path.
        path: PathBuf,
    },
    /// The name is not a valid tag in a container registry.
    #[error(
        "`{tag}` is not a tag: expected 1 to 128 letters, digits, `_`, `.` and `-`, beginning with a letter, a digit or `_`"
    )]
    Tag {
        /// The tag as written.
        tag: String,
    },
    /// The version cannot be retired: an alias points to it.
    #[error("version {version} of `{model}` cannot be retired while `{alias}` points to it")]
    InUse {
        /// Name of the model.
        model: ModelName,
        /// The version.
        version: u32,
        /// An alias that points to it.
        alias: Alias,
    },
    /// The project's policy forbids to override the gates.
    #[error("`{alias}` is protected: its gates cannot be overridden")]
    Protected {
        /// The alias.
        alias: Alias,
    },
    /// The project's policy requires approvals that are missing.
    #[error(
        "version {version} of `{model}` has {have} of {need} approvals that `{alias}` requires from other people"
    )]
    NotApproved {
        /// Name of the model.
        model: ModelName,
        /// The version.
        version: u32,
        /// The alias.
        alias: Alias,
        /// Approvals by other people than the actor.
        have: usize,
        /// Approvals that are required.
        need: usize,
    },
    /// The text for the log is empty.
    #[error("a reason is required; it is kept in the log")]
    NoReason,
    /// The predictions are not those the scorecard was computed from.
    #[error("cannot register `{model}`: its scorecard was computed from other predictions")]
    OtherPredictions {
        /// Name of the model.
        model: ModelName,
    },
    /// Two files of a bundle have the same path.
    #[error("two files of the bundle have the path `{path}`")]
    SameFile {
        /// The path.
        path: String,
    },
    /// A value cannot be written as JSON, or stored JSON has another shape.
    #[error("cannot {operation} {what} as JSON")]
    Json {
        /// `read` or `write`.
        operation: &'static str,
        /// What the JSON holds.
        what: String,
        /// The cause.
        #[source]
        source: serde_json::Error,
    },
    /// A file of a bundle could not be read or written.
    #[error("cannot {operation} `{}`", path.display())]
    File {
        /// `read` or `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// A file of a bundle was changed while it was read.
    #[error("`{}` was changed while it was uploaded; nothing was registered", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The secret key for signing cannot be used.
    #[error("cannot sign with the key in `{location}`: {what}")]
    SigningKey {
        /// The variable or file that holds it.
        location: String,
        /// What is wrong, without any part of the key.
        what: String,
    },
    /// The project's policy requires a signature that cannot be given.
    #[error("the policy requires signed entries: {what}")]
    Unsigned {
        /// What is missing.
        what: String,
    },
    /// A signal asked to stop; finished parts are kept.
    #[error("the transfer was stopped")]
    Interrupted(#[from] Interrupted),
    /// The system lacks the resources for the runtime.
    #[error("cannot start the registry's runtime")]
    Runtime(#[source] std::io::Error),
}

/// What a caller can do about a [`RegistryError`]; the command line maps it to an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// The name, reference or address was wrong.
    Usage,
    /// Something failed that the user can act on.
    Failed,
    /// A gate failed.
    Refused,
    /// A gate is undecided.
    Undecided,
    /// Someone else must approve first.
    Unapproved,
    /// Stored bytes were changed after they were written.
    Integrity,
    /// Another writer was first.
    Conflict,
    /// The store did not answer; a retry is safe.
    Unavailable,
}

impl RegistryError {
    /// Returns the error code.
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownScheme { .. } | Self::Address { .. } => Code::StoreAddress,
            Self::Store { source, .. } if bucket::is_web_page(source) => Code::NotAStore,
            Self::EndlessList { .. } => Code::NotAStore,
            Self::Store { source, .. } if is_transient(source) => Code::StoreUnavailable,
            Self::Store { .. } => Code::StoreRefused,
            Self::Unsafe { .. } => Code::StoreUnsafe,
            Self::Absent { .. } => Code::NoRegistry,
            Self::Format { .. } | Self::UnknownAction { .. } => Code::NewerRegistry,
            Self::Integrity { .. } | Self::LogInDoubt { .. } => Code::RegistryDamaged,
            Self::LogMissing { .. } => Code::LogMissing,
            Self::OtherRegistry { .. } => Code::OtherRegistry,
            Self::MostlyOrphans { .. } => Code::MostlyOrphans,
            Self::TooLong { .. } => Code::TooLong,
            Self::InTheWay { .. } => Code::FileInTheWay,
            Self::Conflict { .. } => Code::RaceLost,
            Self::Id(_) => Code::BadValue,
            Self::Name(error) => error.code(),
            Self::Reference(error) => error.code(),
            Self::Path(_) | Self::SameFile { .. } => Code::BundlePath,
            Self::UnknownModel { .. } => Code::UnknownModel,
            Self::UnknownVersion { .. } => Code::UnknownVersion,
            Self::UnknownAlias { .. } => Code::UnknownAlias,
            Self::NothingBefore { .. } => Code::NothingBefore,
            Self::GateRefused { .. } => Code::GateRefused,
            Self::GateUndecided { .. } => Code::GateUndecided,
            Self::WrongReport { .. } => Code::OtherReport,
            Self::Retired { .. } => Code::Retired,
            Self::Collected { .. } => Code::Collected,
            Self::Grace { .. } => Code::GraceTooShort,
            Self::Clock { .. } => Code::ClocksDiffer,
            Self::Occupied { .. } => Code::PlaceTaken,
            Self::Tag { .. } => Code::BadTag,
            Self::InUse { .. } => Code::VersionInUse,
            Self::Protected { .. } => Code::Protected,
            Self::NotApproved { .. } => Code::NotApproved,
            Self::NoReason => Code::NoReason,
            Self::OtherPredictions { .. } => Code::OtherPredictions,
            Self::Json { .. } => Code::RegistryJson,
            Self::File { .. } => Code::FileAccess,
            Self::Changed { .. } => Code::BundleChanged,
            Self::SigningKey { .. } => Code::SigningKey,
            Self::Unsigned { .. } => Code::Unsigned,
            Self::Interrupted(interrupted) => interrupted.code(),
            Self::Runtime(_) => Code::Resources,
        }
    }

    /// Returns the kind of failure.
    pub fn failure(&self) -> Failure {
        match self {
            Self::UnknownScheme { .. }
            | Self::Address { .. }
            | Self::NoReason
            | Self::SigningKey { .. } => Failure::Usage,
            Self::Id(_)
            | Self::Name(_)
            | Self::Reference(_)
            | Self::Grace { .. }
            | Self::Tag { .. } => Failure::Usage,
            Self::GateRefused { .. } => Failure::Refused,
            Self::GateUndecided { .. } => Failure::Undecided,
            Self::Integrity { .. }
            | Self::LogMissing { .. }
            | Self::OtherRegistry { .. }
            | Self::LogInDoubt { .. }
            | Self::MostlyOrphans { .. } => Failure::Integrity,
            Self::Conflict { .. } => Failure::Conflict,
            Self::NotApproved { .. } => Failure::Unapproved,
            Self::Protected { .. } | Self::Unsigned { .. } => Failure::Refused,
            Self::Store { source, .. } if is_transient(source) => Failure::Unavailable,
            _ => Failure::Failed,
        }
    }

    /// Returns the hint, if there is one.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Integrity { .. } => "`pdm-ml registry verify` lists everything that is damaged",
            Self::LogMissing { .. } => {
                "entries of the log were removed, or the store was only copied in part: restore `log/` from a backup; if nothing \
was ever registered here, a job of an older version was killed in its first write: remove the folder or prefix"
            }
            Self::OtherRegistry { found: None, .. } => {
                "check that the share is mounted and that `[registry] url` is right; to create a registry here, \
leave out `[registry] id` once"
            }
            Self::OtherRegistry { .. } => {
                "check `[registry] url`; if this is the right registry, set `[registry] id` to its id"
            }
            Self::MostlyOrphans { .. } => {
                "entries may have been lost: `pdm-ml registry verify --head` with a head noted earlier finds out; `--force` \
removes the blobs anyway"
            }
            Self::LogInDoubt { .. } => {
                "entries of the log may have been lost: restore `log/` from a backup. `pdm-ml registry verify` lists everything \
that is damaged; `--force` removes the files anyway"
            }
            Self::EndlessList { .. } => {
                "check AWS_ENDPOINT_URL and any proxy between this machine and the server, which may answer in its place"
            }
            Self::InTheWay { .. } => "name another folder",
            Self::TooLong { .. } => "shorten the text, or use fewer files",
            Self::Conflict { .. } => "check `pdm-ml registry history`, then decide again",
            Self::Unsafe { location, .. } if location.starts_with("s3://") => {
                "the server must honor the header `If-None-Match: *`: AWS S3, Cloudflare R2, MinIO and SeaweedFS do, without a \
setting; a proxy or gateway in between must pass the header on; Garage, `rclone serve s3` and s3rver ignore \
it and cannot hold a registry"
            }
            Self::Unsafe { .. } => {
                "use a store with create-only writes; on disk, a file system with hard links"
            }
            Self::Store { source, .. } => return bucket::hint(source),
            Self::Format { .. } | Self::UnknownAction { .. } => "use a newer pdm-ml",
            Self::Collected { .. } => {
                "copy it from another registry that has it, or train it again"
            }
            Self::Clock { .. } => {
                "set the clock; it decides which files are old enough to be removed"
            }
            Self::Occupied { .. } => "name a folder that does not exist yet",
            Self::GateUndecided { .. } => {
                "more test units or a wider margin can decide; `--force` needs a reason"
            }
            Self::NotApproved { .. } => {
                "ask someone else to run `pdm-ml promote --model NAME/VERSION --approve`; then promote again"
            }
            Self::Unsigned { .. } => {
                "set PDM_ML_SIGNING_KEY_FILE to the file of your key (`pdm-ml registry keygen` makes one), and add its public half \
to `registry/*.toml` as a [[key]] with your name"
            }
            Self::InUse { .. } => "promote another version first, or roll back",
            Self::Protected { .. } => "it is set in the alias's table in `registry/*.toml`",
            Self::WrongReport { .. } => "judge this version again with `pdm-ml gate`",
            _ => return None,
        }))
    }

    pub(crate) fn damaged(key: impl ToString, what: impl Into<String>) -> Self {
        Self::Integrity {
            key: key.to_string(),
            what: what.into(),
        }
    }

    pub(crate) fn other_digest(key: impl ToString, found: Digest) -> Self {
        Self::damaged(key, format!("its bytes have digest {found}"))
    }
}

fn held(found: Option<RegistryId>) -> String {
    found.map_or_else(|| "no registry".to_owned(), |id| format!("registry {id}"))
}

/// Returns whether a retry may succeed: object_store's errors distinguish missing objects and permissions from an unreachable
/// server, except that a full or broken disk looks like the latter.
fn is_transient(error: &object_store::Error) -> bool {
    if let Some(is_transient) = bucket::is_transient(error) {
        return is_transient;
    }
    matches!(error, object_store::Error::Generic { store, .. } if *store != "LocalFileSystem")
        && !is_refusal(error)
}

/// Returns whether a server refused the request. Its status is only in the text of the error.
pub(crate) fn is_refusal(error: &object_store::Error) -> bool {
    let message = error.to_string();
    ["status code: 3", "status code: 4"]
        .iter()
        .any(|status| message.contains(status))
        && !message.contains("status code: 429")
}
