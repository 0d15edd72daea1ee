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

/// Why the registry could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The address names a kind of store this build cannot open.
    #[error(
        "registry store `{url}`: `{scheme}://` is not known; known: s3://, gs://, az://, file://, memory://, or a plain path"
    )]
    UnknownScheme {
        /// The address as written.
        url: String,
        /// The part before `://`.
        scheme: String,
    },
    /// The address is not understood.
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
        /// Where the store lies.
        location: String,
        /// What the store answered.
        #[source]
        source: Box<object_store::Error>,
    },
    /// The store does not keep the promise the log rests on: create-only writes.
    #[error("the registry store {location} cannot be trusted with a log: {what}")]
    Unsafe {
        /// Where the store lies.
        location: String,
        /// What the experiment showed.
        what: String,
    },
    /// Nothing was ever registered here.
    #[error("there is no registry in {location}")]
    Absent {
        /// Where the store was looked for.
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
    /// A newer program did something this one does not know.
    #[error("`{key}` says `{action}`, which this program does not know")]
    UnknownAction {
        /// Key of the entry.
        key: String,
        /// What was done, as the entry names it.
        action: String,
    },
    /// Stored bytes are not what they were when they were written.
    #[error("registry object `{key}` is damaged: {what}")]
    Integrity {
        /// Key of the object.
        key: String,
        /// What is wrong.
        what: String,
    },
    /// There are objects that only a log can explain, and no log.
    #[error(
        "the log of the registry in {location} is missing: {found}, and there is not one entry"
    )]
    LogMissing {
        /// Where the store lies.
        location: String,
        /// What is there nevertheless, as a sentence without its end.
        found: String,
    },
    /// Another registry is here than the one that is expected, or none.
    #[error("the registry store {location} holds {}; expected is the registry {expected}", held(*found))]
    OtherRegistry {
        /// Where the store lies.
        location: String,
        /// Which registry is expected.
        expected: RegistryId,
        /// Which one is here.
        found: Option<RegistryId>,
    },
    /// Most of what is stored was never named by the log: the log may have been cut short.
    #[error(
        "{orphans} of {blobs} blobs, with {bytes} of {stored} bytes, in {location} belong to no entry of the log, which ends at entry \
         {entries}"
    )]
    MostlyOrphans {
        /// Where the store lies.
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
    #[error("nothing is removed from {location}: {what}")]
    LogInDoubt {
        /// Where the store lies.
        location: String,
        /// Which object says so, as a sentence without its end.
        what: String,
    },
    /// A server lists objects without an end.
    #[error("the list of `{folder}` in the registry store {location} {what}")]
    EndlessList {
        /// Where the store lies.
        location: String,
        /// What was listed.
        folder: String,
        /// What the server did, as the end of a sentence.
        what: String,
    },
    /// Something is longer than this program would read again.
    #[error("{what} has {bytes} bytes; the registry takes at most {most}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its length.
        bytes: u64,
        /// The greatest length.
        most: u64,
    },
    /// A file would be written over that fetching did not write, or where no bundle has files.
    #[error("`{}` is not written: {what}", path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// Why not.
        what: &'static str,
    },
    /// Someone else changed the registry first, in a way that must be looked at.
    #[error("lost the race for the registry log: {what}")]
    Conflict {
        /// What changed.
        what: String,
    },
    /// A text is no identity of a registry.
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
        /// Names in the registry, for people.
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
        /// Aliases of the model, for people.
        known: String,
    },
    /// The alias has pointed to one version only.
    #[error("cannot roll back `{model}@{alias}`: nothing before version {current}")]
    NothingBefore {
        /// Name of the model.
        model: ModelName,
        /// The alias.
        alias: Alias,
        /// Version it points to.
        current: u32,
    },
    /// A gate said no.
    #[error("version {version} of `{model}` may not become `{alias}`: {reason}")]
    GateRefused {
        /// Name of the model.
        model: ModelName,
        /// Version that was judged.
        version: u32,
        /// Alias it was judged for.
        alias: Alias,
        /// The gates that said no, in one sentence each.
        reason: String,
    },
    /// The data cannot tell whether a gate holds.
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
    /// The gate report speaks of another bundle, or of other scores.
    #[error("the gate report judged {judged}, but version {version} of `{model}` is {registered}")]
    WrongReport {
        /// Name of the model.
        model: ModelName,
        /// Version to be promoted.
        version: u32,
        /// Bundle and scorecard of that version, for people.
        registered: String,
        /// Bundle and scorecard the report speaks of, for people.
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
        /// When, by whom, and where the log says so.
        collection: Box<Collection>,
    },
    /// What nothing rests on is not kept long enough for writers that work at this time.
    #[error("a grace of {grace:#} is too short: writers that work at this time need {least:#}")]
    Grace {
        /// Grace asked for.
        grace: SignedDuration,
        /// Shortest grace.
        least: SignedDuration,
    },
    /// What is old cannot be told.
    #[error("the clocks of this machine and of the registry store {location} differ by {off:#}")]
    Clock {
        /// Where the store lies.
        location: String,
        /// How far they are apart.
        off: SignedDuration,
    },
    /// Something stands where a folder is to be written.
    #[error("`{}` is there already", path.display())]
    Occupied {
        /// The place.
        path: PathBuf,
    },
    /// The name is none a registry of containers takes.
    #[error(
        "`{tag}` is no tag: expected 1 to 128 letters, digits, `_`, `.` and `-`, beginning with a letter, a digit or `_`"
    )]
    Tag {
        /// The tag as written.
        tag: String,
    },
    /// The version cannot be taken out of use: somebody uses it.
    #[error("version {version} of `{model}` cannot be retired while `{alias}` points to it")]
    InUse {
        /// Name of the model.
        model: ModelName,
        /// The version.
        version: u32,
        /// An alias that points to it.
        alias: Alias,
    },
    /// The project's policy lets nobody past the gates.
    #[error("`{alias}` is protected: nobody may promote past its gates")]
    Protected {
        /// The alias.
        alias: Alias,
    },
    /// The project's policy asks for approvals that are not there yet.
    #[error(
        "version {version} of `{model}` needs the approval of {need} others to become `{alias}`, and has {have}"
    )]
    NotApproved {
        /// Name of the model.
        model: ModelName,
        /// The version.
        version: u32,
        /// The alias.
        alias: Alias,
        /// Approvals by others than who acts.
        have: usize,
        /// Approvals that are asked for.
        need: usize,
    },
    /// What is to be remembered says nothing.
    #[error("a reason is needed; it is kept in the log")]
    NoReason,
    /// The predictions are not those the scorecard was computed from.
    #[error(
        "cannot register `{model}`: its scorecard was computed from other predictions than those given"
    )]
    OtherPredictions {
        /// Name of the model.
        model: ModelName,
    },
    /// Two files of a bundle have the same path.
    #[error("two files of the bundle are called `{path}`")]
    SameFile {
        /// The path.
        path: String,
    },
    /// A value has no JSON form, or stored JSON has another shape.
    #[error("cannot {operation} {what} as JSON")]
    Json {
        /// `read` or `write`.
        operation: &'static str,
        /// What the JSON stands for.
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
    /// The secret key that is to sign cannot be used.
    #[error("cannot sign with the key in `{place}`: {what}")]
    SigningKey {
        /// The variable or file that holds it.
        place: String,
        /// What is wrong, without a word of the key.
        what: String,
    },
    /// The project's policy asks for a signature that cannot be given.
    #[error("the policy asks for signed entries: {what}")]
    Unsigned {
        /// What is missing.
        what: String,
    },
    /// A signal asked to stop; what arrived so far is kept.
    #[error("the transfer was stopped")]
    Interrupted(#[from] Interrupted),
    /// The system gives no resources to wait for answers with.
    #[error("cannot start the registry's runtime")]
    Runtime(#[source] std::io::Error),
}

/// What a caller can do about a [`RegistryError`]; the command line turns it into an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// The name, reference or address was wrong: write another.
    Usage,
    /// Something failed that the user can act on.
    Failed,
    /// A gate said no.
    Refused,
    /// A gate could not tell.
    Undecided,
    /// Somebody else must approve first.
    Unapproved,
    /// Stored bytes are not what was written.
    Integrity,
    /// Someone else was first.
    Conflict,
    /// The store did not answer; trying again is safe.
    Unavailable,
}

impl RegistryError {
    /// Returns which kind of error this is.
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

    /// Returns what kind of failure this is.
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

    /// Returns the next step, where one is known.
    pub fn hint(&self) -> Option<Cow<'static, str>> {
        Some(Cow::Borrowed(match self {
            Self::Integrity { .. } => "`pdm-ml registry verify` lists everything that is damaged",
            Self::LogMissing { .. } => {
                "entries of the log were removed, or the store was only copied in part: bring back `log/` from a copy; where nothing \
                 was ever registered here, a job of an older version was killed in its first write: remove the folder or prefix"
            }
            Self::OtherRegistry { found: None, .. } => {
                "is the share mounted, and are `[registry] url` and its prefix right? Where the registry is meant to begin here, \
                 leave `[registry] id` out once"
            }
            Self::OtherRegistry { .. } => {
                "look at `[registry] url`; where this is the right registry, set `[registry] id` to its identity"
            }
            Self::MostlyOrphans { .. } => {
                "entries may have been lost: `pdm-ml registry verify --head` with a head that was noted earlier tells; `--force` \
                 removes them nevertheless"
            }
            Self::LogInDoubt { .. } => {
                "entries of the log may have been lost: bring back `log/` from a copy. `pdm-ml registry verify` lists everything \
                 that is damaged; `--force` removes the files nevertheless"
            }
            Self::EndlessList { .. } => {
                "look at AWS_ENDPOINT_URL and at what stands between this machine and the server: a proxy may answer in its place"
            }
            Self::InTheWay { .. } => "name another folder",
            Self::TooLong { .. } => "say it in fewer words, or with fewer files",
            Self::Conflict { .. } => "look at `pdm-ml registry history`, then decide again",
            Self::Unsafe { location, .. } if location.starts_with("s3://") => {
                "the server must obey the header `If-None-Match: *`: AWS S3, Cloudflare R2, MinIO and SeaweedFS do, without a \
                 setting; let a proxy or gateway in between pass the header on; Garage, `rclone serve s3` and s3rver ignore \
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
            Self::Clock { .. } => "set the clock; what is old enough to be removed is told by it",
            Self::Occupied { .. } => "name a folder that is not there yet",
            Self::GateUndecided { .. } => {
                "more test units or a wider margin can decide; `--force` needs a reason"
            }
            Self::NotApproved { .. } => {
                "somebody else looks at it and runs `pdm-ml promote --model NAME/VERSION --approve`; then promote again"
            }
            Self::Unsigned { .. } => {
                "name your key's file in PDM_ML_SIGNING_KEY_FILE (`pdm-ml registry keygen` makes one), and let `registry/*.toml` \
                 hold its public half as a [[key]] of yours"
            }
            Self::InUse { .. } => "promote another version first, or roll back",
            Self::Protected { .. } => "the table of the alias in `registry/*.toml` says so",
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
    found.map_or_else(
        || "no registry".to_owned(),
        |id| format!("the registry {id}"),
    )
}

/// Returns whether a store may answer later: its own errors tell a missing object or right apart from a lost server,
/// except that a full or broken disk looks like the latter.
fn is_transient(error: &object_store::Error) -> bool {
    if let Some(is_passing) = bucket::is_transient(error) {
        return is_passing;
    }
    matches!(error, object_store::Error::Generic { store, .. } if *store != "LocalFileSystem")
        && !is_refusal(error)
}

/// Returns whether a server answered, and said no. Its status is told in words only.
pub(crate) fn is_refusal(error: &object_store::Error) -> bool {
    let told = error.to_string();
    ["status code: 3", "status code: 4"]
        .iter()
        .any(|status| told.contains(status))
        && !told.contains("status code: 429")
}
