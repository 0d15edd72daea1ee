//! The trusted keys, and checking entries against them.

use serde::{Deserialize, Serialize};

use super::{PublicKey, Signature};
use crate::registry::entry::LogEntry;
use crate::registry::keys::Sequence;
use crate::registry::manifest::ModelVersion;

/// The trusted keys, and the first entry that must be signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    keys: Vec<TrustedKey>,
    /// The first entry of the log that must be signed, with all after it.
    required_from: Option<Sequence>,
}

/// A trusted key: `[[key]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// The actor whose entries it signs.
    pub actor: String,
    /// Its public half.
    pub public: PublicKey,
    /// The last entry of the log it is valid for, for a key that is no longer used; 0 for one in use.
    #[serde(default)]
    pub until: u64,
}

impl Trust {
    /// Returns the trust in these keys; `required_from` is the first entry that must be signed, or 0 if none must.
    pub fn new(keys: Vec<TrustedKey>, required_from: u64) -> Self {
        Self {
            keys,
            required_from: Some(required_from).filter(|first| *first > 0),
        }
    }

    /// Checks the signatures of an entry. A wrong signature by a trusted key is refused even if none is required.
    ///
    /// # Errors
    /// What is wrong, as part of a sentence.
    pub(crate) fn check(&self, entry: &LogEntry) -> Result<(), String> {
        if self.keys.is_empty() && self.required_from.is_none() {
            return Ok(());
        }
        let own = entry.signature.as_slice();
        let of_actor = |key: &&TrustedKey| key.actor == entry.actor;
        let whose = format!("by a key of `{}` that the policy names", entry.actor);
        self.one_of(entry.sequence, own, of_actor, || entry.message())
            .map_err(|what| format!("{what} {whose}"))?;
        let Some(version) = entry.registered() else {
            return Ok(());
        };
        self.version(entry.sequence, version).map_err(|what| {
            format!("the version it registers: {what} by a key that the policy names")
        })
    }

    /// Checks in advance whether a signer may sign the entry with this number in an actor's name.
    ///
    /// # Errors
    /// What is wrong, as part of a sentence.
    pub(crate) fn next(
        &self,
        sequence: Sequence,
        actor: &str,
        signer: Option<PublicKey>,
    ) -> Result<(), String> {
        let counts = |key: &TrustedKey| {
            (key.until == 0 || sequence <= key.until)
                && key.actor == actor
                && Some(key.public) == signer
        };
        match signer {
            _ if self.required_from.is_none_or(|first| sequence < first)
                || self.keys.iter().any(counts) =>
            {
                Ok(())
            }
            None => Err("it is not signed".to_owned()),
            Some(key) => Err(format!(
                "the policy names no key of `{actor}` that begins with {}",
                key.short()
            )),
        }
    }

    fn version(&self, sequence: Sequence, version: &ModelVersion) -> Result<(), &'static str> {
        self.one_of(
            sequence,
            &version.signatures,
            |_| true,
            || version.message(),
        )
    }

    /// Requires a signature by one of the chosen keys, and that all signatures by them are valid.
    fn one_of(
        &self,
        sequence: Sequence,
        signatures: &[Signature],
        chosen: impl Fn(&&TrustedKey) -> bool,
        message: impl FnOnce() -> Vec<u8>,
    ) -> Result<(), &'static str> {
        let counts = |key: &&TrustedKey| key.until == 0 || sequence <= key.until;
        let by = |signature: &&Signature| {
            self.keys
                .iter()
                .filter(&chosen)
                .filter(counts)
                .any(|key| key.public == signature.key)
        };
        let known: Vec<_> = signatures.iter().filter(by).collect();
        if known.is_empty() {
            let is_required = self.required_from.is_some_and(|first| sequence >= first);
            return if is_required {
                Err("it is not signed")
            } else {
                Ok(())
            };
        }
        let message = message();
        if known
            .iter()
            .all(|signature| signature.is_valid_for(&message))
        {
            Ok(())
        } else {
            Err("it is wrongly signed")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::blocking::{Registry, wait};
    use crate::registry::contract::hostile::forged;
    use crate::registry::keys::ObjectKey;
    use crate::registry::samples::{model, stamp, version};
    use crate::registry::signing::{KEY, Signer, Signing};
    use crate::registry::{Failure, ModelRef, OpenOptions, RegistryError};

    struct TrustFixture {
        root: tempfile::TempDir,
        signer: Signer,
    }

    impl TrustFixture {
        fn new() -> Self {
            let root = tempfile::tempdir().unwrap();
            let signer = signer(&root, "key");
            Self { root, signer }
        }

        fn key(&self, until: u64) -> TrustedKey {
            TrustedKey {
                actor: stamp(0).actor,
                public: self.signer.public(),
                until,
            }
        }

        fn open(&self, store: &str, signer: Option<&Signer>, trust: Trust) -> Registry {
            let signing = Signing {
                signer: signer.cloned(),
                trust: trust.into(),
            };
            Registry::open(
                store,
                OpenOptions {
                    signing,
                    ..self.root.path().into()
                },
            )
            .unwrap()
        }

        /// A registry whose entries must be signed.
        fn strict(&self, store: &str, signer: Option<&Signer>) -> Registry {
            self.open(store, signer, Trust::new(vec![self.key(0)], 1))
        }

        fn rewrite(&self, sequence: u64, change: impl FnOnce(&mut LogEntry)) {
            let path = self
                .root
                .path()
                .join("store")
                .join(ObjectKey::Log(sequence).to_string());
            let mut entry = LogEntry::decode(sequence, &std::fs::read(&path).unwrap()).unwrap();
            change(&mut entry);
            std::fs::write(path, entry.encode().unwrap()).unwrap();
        }
    }

    fn signer(root: &tempfile::TempDir, name: &str) -> Signer {
        let path = root.path().join(name);
        Signer::generate(&path).unwrap();
        let pem = std::fs::read_to_string(path).unwrap();
        Signer::find(&|name| (name == KEY).then(|| pem.clone()))
            .unwrap()
            .unwrap()
    }

    fn note(registry: &Registry, minute: i64) -> Result<(), RegistryError> {
        registry
            .annotate(&ModelRef::version(model(), 1), "note", &stamp(minute))
            .map(drop)
    }

    fn refused(registry: &Registry) -> String {
        let error = registry.state(None).unwrap_err();
        assert_eq!(error.failure(), Failure::Integrity, "{error}");
        error.to_string()
    }

    #[test]
    fn what_is_signed_by_who_counts_is_read_and_nothing_else() {
        let fixture = TrustFixture::new();
        let registry = fixture.strict("store", Some(&fixture.signer));
        let made = registry
            .register(&version("a", 1.0), &stamp(0))
            .unwrap()
            .version;
        assert_eq!(made.signatures.len(), 1);
        note(&registry, 1).unwrap();
        assert!(fixture.strict("store", None).verify().unwrap().is_intact());
        let other = signer(&fixture.root, "other");
        // Writing fails without a key, with another key, or under another name.
        for error in [
            note(&fixture.strict("store", None), 2).unwrap_err(),
            note(&fixture.strict("store", Some(&other)), 2).unwrap_err(),
            fixture
                .strict("new", None)
                .register(&version("a", 1.0), &stamp(0))
                .unwrap_err(),
        ] {
            assert!(matches!(error, RegistryError::Unsigned { .. }), "{error}");
        }
        assert!(
            !fixture.root.path().join("new/blobs").exists(),
            "nothing is uploaded in vain"
        );
        // Who does not care may write, and who cares will not read it.
        note(&fixture.open("store", Some(&other), Trust::default()), 3).unwrap();
        assert!(refused(&fixture.strict("store", None)).contains("it is not signed by a key of"));
        let report = fixture.strict("store", None).verify().unwrap();
        assert_eq!((report.findings.len(), report.signed), (1, 3), "{report:?}");
        assert!(
            fixture
                .open("store", None, Trust::default())
                .verify()
                .unwrap()
                .is_intact()
        );
    }

    #[test]
    fn a_log_that_the_same_key_signed_for_another_registry_is_refused() {
        let fixture = TrustFixture::new();
        for (store, name) in [("plant-7", "a"), ("plant-8", "b")] {
            fixture
                .strict(store, Some(&fixture.signer))
                .register(&version(name, 1.0), &stamp(0))
                .unwrap();
        }
        let id = fixture.strict("plant-8", None).id().unwrap().unwrap();
        let copy = |key: ObjectKey| {
            let at = |store: &str| fixture.root.path().join(store).join(key.to_string());
            std::fs::copy(at("plant-7"), at("plant-8")).unwrap();
        };
        copy(ObjectKey::Log(1));
        let registry = fixture.strict("plant-8", None);
        assert!(refused(&registry).contains("it does not match the digest of the entry before it"));
        // With all of it in sequence it is the log of plant 7, and a reader that expects plant 8 gets an error.
        copy(ObjectKey::Genesis);
        assert!(fixture.strict("plant-8", None).state(None).is_ok());
        let expected = OpenOptions {
            expected: Some(id),
            ..fixture.root.path().into()
        };
        let refused = Registry::open("plant-8", expected)
            .unwrap()
            .state(None)
            .unwrap_err();
        assert!(
            matches!(refused, RegistryError::OtherRegistry { .. }),
            "{refused}"
        );
        assert_eq!(refused.failure(), Failure::Integrity);
    }

    #[test]
    fn a_forged_snapshot_does_not_block_who_asks_for_signatures() {
        let fixture = TrustFixture::new();
        let registry = fixture.strict("store", Some(&fixture.signer));
        registry.register(&version("a", 1.0), &stamp(0)).unwrap();
        for end in [128, 256] {
            let bytes = forged(registry.store(), end);
            wait(registry.store().create(ObjectKey::Snapshot(end), bytes)).unwrap();
        }
        let state = fixture.strict("store", None).state(None).unwrap();
        assert_eq!(
            state
                .models()
                .map(|(_, model)| model.versions().len())
                .collect::<Vec<_>>(),
            [1]
        );
        note(&fixture.strict("store", Some(&fixture.signer)), 1).unwrap();
        assert_eq!(
            fixture
                .strict("store", None)
                .history(&model(), None, None)
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn the_registry_is_part_of_what_is_signed() {
        let fixture = TrustFixture::new();
        let registry = fixture.strict("store", Some(&fixture.signer));
        registry.register(&version("a", 1.0), &stamp(0)).unwrap();
        let other = fixture.strict("other", Some(&fixture.signer));
        other.register(&version("a", 1.0), &stamp(0)).unwrap();
        let id = other.id().unwrap();
        fixture.rewrite(1, |entry| entry.registry = id);
        let error = refused(&fixture.strict("store", None));
        assert!(
            error.contains("it is wrongly signed") || error.contains("this is registry"),
            "{error}"
        );
        let findings = fixture.strict("store", None).verify().unwrap().findings;
        assert!(
            findings
                .iter()
                .any(|finding| finding.what.contains("wrongly signed")),
            "{findings:?}"
        );
    }

    #[test]
    fn a_signature_vouches_for_every_byte() {
        for change in [
            (|entry: &mut LogEntry| entry.time += jiff::SignedDuration::from_secs(1))
                as fn(&mut LogEntry),
            |entry| entry.signature = None,
            |entry| {
                entry
                    .signature
                    .as_mut()
                    .unwrap()
                    .value
                    .replace_range(0..2, "zz")
            },
            |entry| entry.signature.as_mut().unwrap().value.clear(),
        ] {
            let fixture = TrustFixture::new();
            let registry = fixture.strict("store", Some(&fixture.signer));
            registry.register(&version("a", 1.0), &stamp(0)).unwrap();
            note(&registry, 1).unwrap();
            fixture.rewrite(2, change);
            assert!(refused(&fixture.strict("store", None)).contains("signed"));
            assert_eq!(
                fixture
                    .strict("store", None)
                    .verify()
                    .unwrap()
                    .findings
                    .len(),
                1
            );
        }
    }

    #[test]
    fn a_version_without_its_own_signature_is_refused() {
        let fixture = TrustFixture::new();
        fixture
            .strict("store", Some(&fixture.signer))
            .register(&version("a", 1.0), &stamp(0))
            .unwrap();
        let signer = fixture.signer.clone();
        fixture.rewrite(1, |entry| {
            let mut version = entry.registered().unwrap().clone();
            version.signatures.clear();
            entry.action = crate::registry::LogAction::Register(Box::new(version));
            signer.sign_entry(entry);
        });
        assert!(
            refused(&fixture.strict("store", None))
                .contains("the version it registers: it is not signed")
        );
    }

    #[test]
    fn a_log_from_before_signatures_and_a_key_given_up_stay_readable() {
        let fixture = TrustFixture::new();
        let plain = fixture.open("store", None, Trust::default());
        plain.register(&version("a", 1.0), &stamp(0)).unwrap();
        note(&plain, 1).unwrap();
        let from = |first, until| Trust::new(vec![fixture.key(until)], first);
        note(&fixture.open("store", Some(&fixture.signer), from(3, 0)), 2).unwrap();
        assert!(fixture.open("store", None, from(3, 0)).state(None).is_ok());
        assert!(fixture.open("store", None, from(3, 3)).state(None).is_ok());
        assert!(refused(&fixture.open("store", None, from(2, 0))).contains("000002"));
        let given_up = fixture.open("store", Some(&fixture.signer), from(3, 3));
        assert!(matches!(
            note(&given_up, 3).unwrap_err(),
            RegistryError::Unsigned { .. }
        ));
        // Where no signature is required, one that counts must still fit.
        fixture.rewrite(3, |entry| entry.actor.make_ascii_uppercase());
        assert!(
            fixture.open("store", None, from(0, 0)).state(None).is_ok(),
            "no key of that name"
        );
        fixture.rewrite(3, |entry| entry.actor = stamp(0).actor);
        fixture.rewrite(3, |entry| {
            entry
                .signature
                .as_mut()
                .unwrap()
                .value
                .replace_range(0..2, "zz")
        });
        assert!(refused(&fixture.open("store", None, from(0, 0))).contains("wrongly signed"));
    }

    #[test]
    fn a_copied_version_keeps_its_signatures_and_gets_that_of_who_copies() {
        let fixture = TrustFixture::new();
        let from = fixture.strict("store", Some(&fixture.signer));
        from.register(&version("a", 1.0), &stamp(0)).unwrap();
        let other = signer(&fixture.root, "other");
        let trust = |public| {
            Trust::new(
                vec![
                    fixture.key(0),
                    TrustedKey {
                        public,
                        ..fixture.key(0)
                    },
                ],
                1,
            )
        };
        let to = fixture.open("to", Some(&other), trust(other.public()));
        let copied = from
            .copy(&ModelRef::version(model(), 1), &to, &stamp(1))
            .unwrap()
            .version;
        let keys: Vec<_> = copied
            .signatures
            .iter()
            .map(|signature| signature.key)
            .collect();
        assert_eq!(keys, [fixture.signer.public(), other.public()]);
        assert!(
            fixture
                .open("to", None, trust(other.public()))
                .verify()
                .unwrap()
                .is_intact()
        );
    }
}
