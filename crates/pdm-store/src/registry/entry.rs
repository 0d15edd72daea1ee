//! The entries of the log.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use strum::VariantNames;

use super::error::RegistryError;
use super::identity::RegistryId;
use super::keys::{ObjectKey, Sequence};
use super::manifest::{ModelVersion, VersionId};
use super::name::{Alias, ModelName};
use super::signing::Signature;
use pdm_core::content::{Digest, canonical_json, digest_of};

/// Newest format of entries this program reads, and the one it writes.
///
/// Since format 2 an entry names its registry, so that its signature is not valid in another one. A new kind of action
/// needs no new format: a program that does not know it refuses the log, because it cannot compute the state without it.
pub(crate) const FORMAT: u32 = 2;

/// Field that holds the digest of the rest of the entry. The chain protects every entry but the newest one, which has no
/// successor yet.
const SEAL: &str = "seal";

/// Actor and time of an action; passed by the caller, so that the registry needs no clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Time of the action.
    pub time: Timestamp,
    /// Person or job that acts.
    pub actor: String,
}

/// One line of the registry's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Format of this entry.
    pub format: u32,
    /// The registry it was written to; `None` in format 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<RegistryId>,
    /// Number of the entry in the log, from 1.
    pub sequence: u64,
    /// SHA-256 of the entry before it, for the first entry of the genesis object; zeros in the first entry of format 1.
    pub previous: Digest,
    /// When it happened, by the actor's clock.
    pub time: Timestamp,
    /// Who did it.
    pub actor: String,
    /// What was done.
    pub action: LogAction,
    /// The actor's signature, if there was a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<Signature>,
}

/// What an entry does to the state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, VariantNames)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum LogAction {
    /// Adds a version to a model.
    Register(Box<ModelVersion>),
    /// Points an alias to a version.
    Promote(Promoted),
    /// Points an alias to the version it pointed to before.
    Rollback(RolledBack),
    /// Adds a note to a version.
    Annotate(Remarked),
    /// Approves a version for an alias, in the name of the actor.
    Approve(Approved),
    /// Takes a version out of use.
    Retire(Remarked),
    /// Gives up the files of retired versions. Written before the first file is removed.
    Collect(Collected),
}

/// The kinds of [`LogAction`], as entries name them.
const ACTIONS: &[&str] = LogAction::VARIANTS;

/// The files of these versions are no longer kept, except those that other versions also need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// The versions, in order of name and number.
    pub versions: Vec<VersionId>,
}

/// A note about a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remarked {
    /// Name of the model.
    pub model: ModelName,
    /// The version.
    pub version: u32,
    /// The actor's text.
    pub text: String,
}

/// The actor approves a version for an alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approved {
    /// Name of the model.
    pub model: ModelName,
    /// The version.
    pub version: u32,
    /// The alias it may get.
    pub alias: Alias,
    /// The actor's text; may be empty.
    pub text: String,
}

/// An alias now points to another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promoted {
    /// Name of the model.
    pub model: ModelName,
    /// The alias that moved.
    pub alias: Alias,
    /// Version it pointed to, if any.
    pub from: Option<u32>,
    /// Version it points to.
    pub to: u32,
    /// The actor's reason; may be empty if the gates allowed it.
    pub reason: String,
    /// Blob of the gate report that allowed it.
    pub report: Option<Digest>,
    /// Whether the gates were overridden.
    pub forced: bool,
}

/// An alias was pointed back to the version before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolledBack {
    /// Name of the model.
    pub model: ModelName,
    /// The alias that moved.
    pub alias: Alias,
    /// Version it pointed to.
    pub from: u32,
    /// Version it points to.
    pub to: u32,
    /// The actor's reason.
    pub reason: String,
}

impl LogEntry {
    /// Returns the `previous` digest of the first entry in format 1.
    pub(crate) fn root() -> Digest {
        "0".repeat(64).parse().expect("64 zeros are a digest")
    }

    /// Returns the version it registers, if it does.
    pub(crate) fn registered(&self) -> Option<&ModelVersion> {
        match &self.action {
            LogAction::Register(version) => Some(version),
            LogAction::Promote(_)
            | LogAction::Rollback(_)
            | LogAction::Annotate(_)
            | LogAction::Approve(_)
            | LogAction::Retire(_)
            | LogAction::Collect(_) => None,
        }
    }

    /// Returns the entry's bytes: canonical JSON with the seal.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, RegistryError> {
        sealed(self).map_err(|source| RegistryError::Json {
            operation: "write",
            what: "a log entry".into(),
            source,
        })
    }

    /// Reads the entry with this number from its bytes.
    pub(crate) fn decode(sequence: Sequence, bytes: &[u8]) -> Result<Self, RegistryError> {
        let key = ObjectKey::Log(sequence);
        let mut value: Value = serde_json::from_slice(bytes)
            .map_err(|error| RegistryError::damaged(key, format!("not JSON: {error}")))?;
        check_seal(&mut value, bytes).map_err(|what| RegistryError::damaged(key, what))?;
        check_format(key, &value)?;
        check_action(key, &value)?;
        let entry: Self = serde_json::from_value(value)
            .map_err(|error| RegistryError::damaged(key, format!("not a log entry: {error}")))?;
        if entry.sequence != sequence {
            return Err(RegistryError::damaged(
                key,
                format!("its number is {}", entry.sequence),
            ));
        }
        match (entry.format, entry.registry) {
            (1, None) | (2.., Some(_)) => Ok(entry),
            (1, Some(_)) => Err(RegistryError::damaged(
                key,
                "it names a registry, but its format has no such field",
            )),
            _ => Err(RegistryError::damaged(key, "it does not name its registry")),
        }
    }
}

/// Returns the canonical JSON of a value with a seal over its other fields.
pub(super) fn sealed(value: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut value = serde_json::to_value(value)?;
    let seal = digest_of(&value)?;
    value[SEAL] = Value::String(seal.to_string());
    canonical_json(&value)
}

/// Checks a value against its bytes and its seal, and removes the seal.
pub(super) fn check_seal(value: &mut Value, bytes: &[u8]) -> Result<(), &'static str> {
    const BROKEN: &str = "it was changed after it was written";
    if canonical_json(value).ok().as_deref() != Some(bytes) {
        return Err(BROKEN);
    }
    let fields = value
        .as_object_mut()
        .ok_or("not a log entry: expected an object")?;
    let seal = fields.remove(SEAL).ok_or("it has no seal")?;
    let digest = digest_of(value).map_err(|_| BROKEN)?;
    if seal == Value::String(digest.to_string()) {
        Ok(())
    } else {
        Err(BROKEN)
    }
}

fn check_format(key: ObjectKey, value: &Value) -> Result<(), RegistryError> {
    match value["format"].as_u64() {
        Some(found) if found > u64::from(FORMAT) => Err(RegistryError::Format {
            key: key.to_string(),
            found,
            known: FORMAT,
        }),
        Some(1..) => Ok(()),
        _ => Err(RegistryError::damaged(key, "it has no format")),
    }
}

fn check_action(key: ObjectKey, value: &Value) -> Result<(), RegistryError> {
    match value["action"]
        .as_object()
        .and_then(|action| action.keys().next())
    {
        Some(action) if !ACTIONS.contains(&action.as_str()) => Err(RegistryError::UnknownAction {
            key: key.to_string(),
            action: action.clone(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As written by the first release, sealed by Python's `json` and `hashlib`; must stay readable for ever.
    const FORMAT_1: &str = concat!(
        r#"{"action":{"promote":{"alias":"champion","forced":false,"from":1,"model":"fd001","reason":"lower RMSE","#,
        r#""report":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","to":2}},"actor":"ci","format":1,"#,
        r#""previous":"0000000000000000000000000000000000000000000000000000000000000000","#,
        r#""seal":"dd5c3be314d6e7c2f5d04711608b6d45ae17dace4d24ce8c36846ccb5c9059f5","#,
        r#""sequence":1,"time":"2026-11-23T14:30:00Z"}"#,
    );

    /// As this program writes it, sealed by Python's `json` and `hashlib`.
    const FORMAT_2: &str = concat!(
        r#"{"action":{"promote":{"alias":"champion","forced":false,"from":1,"model":"fd001","reason":"lower RMSE","#,
        r#""report":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","to":2}},"actor":"ci","format":2,"#,
        r#""previous":"0000000000000000000000000000000000000000000000000000000000000000","#,
        r#""registry":"01936d3c-0000-7000-8000-000000000007","#,
        r#""seal":"c688b8263f0ab853bbcfff5ded95ff404bef838113248e14da60a6c3a7f9cd77","#,
        r#""sequence":1,"time":"2026-11-23T14:30:00Z"}"#,
    );

    fn entry() -> LogEntry {
        LogEntry {
            format: 2,
            registry: Some("01936d3c-0000-7000-8000-000000000007".parse().unwrap()),
            ..of_format_1()
        }
    }

    fn of_format_1() -> LogEntry {
        let promoted = Promoted {
            model: "fd001".parse().unwrap(),
            alias: "champion".parse().unwrap(),
            from: Some(1),
            to: 2,
            reason: "lower RMSE".to_owned(),
            report: Some(Digest::of("abc")),
            forced: false,
        };
        LogEntry {
            format: 1,
            registry: None,
            sequence: 1,
            previous: LogEntry::root(),
            time: "2026-11-23T14:30:00Z".parse().unwrap(),
            actor: "ci".to_owned(),
            action: LogAction::Promote(promoted),
            signature: None,
        }
    }

    #[test]
    fn the_bytes_of_both_formats_are_fixed() {
        for (entry, bytes) in [(of_format_1(), FORMAT_1), (entry(), FORMAT_2)] {
            assert_eq!(String::from_utf8(entry.encode().unwrap()).unwrap(), bytes);
            assert_eq!(LogEntry::decode(1, bytes.as_bytes()).unwrap(), entry);
        }
    }

    #[test]
    fn an_entry_names_its_registry_since_format_2_and_not_before() {
        for wrong in [
            LogEntry {
                registry: None,
                ..entry()
            },
            LogEntry {
                registry: entry().registry,
                ..of_format_1()
            },
        ] {
            assert!(matches!(
                LogEntry::decode(1, &wrong.encode().unwrap()),
                Err(RegistryError::Integrity { .. })
            ));
        }
    }

    #[test]
    fn no_bit_can_flip_unseen() {
        let bytes = entry().encode().unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(
                LogEntry::decode(1, &flipped).is_err(),
                "bit {bit} of {}",
                String::from_utf8_lossy(&flipped)
            );
        }
    }

    #[test]
    fn no_cut_goes_unseen() {
        let bytes = entry().encode().unwrap();
        for length in 0..bytes.len() {
            assert!(
                LogEntry::decode(1, &bytes[..length]).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn an_action_of_a_newer_program_is_no_damage() {
        let mut value = serde_json::to_value(entry()).unwrap();
        value["action"] = serde_json::json!({ "quarantine": { "model": "fd001" } });
        value[SEAL] = Value::String(digest_of(&value).unwrap().to_string());
        let refused = LogEntry::decode(1, canonical_json(&value).unwrap().as_ref()).unwrap_err();
        assert!(
            matches!(&refused, RegistryError::UnknownAction { action, .. } if action == "quarantine"),
            "{refused}"
        );
        assert_eq!(refused.hint().as_deref(), Some("use a newer pdm-ml"));
        // Serde lists the kinds it knows.
        let error = serde_json::from_value::<LogAction>(value["action"].clone())
            .unwrap_err()
            .to_string();
        let known = ACTIONS
            .iter()
            .map(|action| format!("`{action}`"))
            .collect::<Vec<_>>()
            .join(", ");
        assert!(
            error.ends_with(&format!("expected one of {known}")),
            "{error}"
        );
    }

    #[test]
    fn an_entry_is_in_its_own_place_and_format() {
        let bytes = entry().encode().unwrap();
        assert!(matches!(
            LogEntry::decode(2, &bytes),
            Err(RegistryError::Integrity { .. })
        ));
        let newer = LogEntry {
            format: 3,
            ..entry()
        }
        .encode()
        .unwrap();
        assert!(matches!(
            LogEntry::decode(1, &newer),
            Err(RegistryError::Format {
                found: 3,
                known: 2,
                ..
            })
        ));
    }
}
