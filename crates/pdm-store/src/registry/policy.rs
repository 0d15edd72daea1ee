//! The policy files `registry/*.toml`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::Alias;
use super::signing::{Trust, TrustedKey};

/// What a project requires before an alias moves: the tables of `registry/*.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    alias: BTreeMap<Alias, AliasPolicy>,
    signatures: SignaturePolicy,
    key: Vec<TrustedKey>,
}

/// What must be signed: `[signatures]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct SignaturePolicy {
    /// Number of the first entry of the log that must be signed, with all after it; 0 for none.
    required_from: u64,
}

/// What is required before one alias moves: `[alias.champion]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AliasPolicy {
    /// Whether the gates cannot be overridden.
    pub protected: bool,
    /// How many people other than the one who promotes must have approved the version for this alias.
    pub approvals: usize,
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// A message with line and column.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())
    }

    /// Merges two policies; for the same alias the stricter rule applies.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (alias, policy) in other.alias {
            let known = self.alias.entry(alias).or_default();
            known.protected |= policy.protected;
            known.approvals = known.approvals.max(policy.approvals);
        }
        let firsts = [self.signatures, other.signatures].map(|signatures| signatures.required_from);
        self.signatures.required_from = firsts
            .into_iter()
            .filter(|first| *first > 0)
            .min()
            .unwrap_or(0);
        self.key.extend(other.key);
        self
    }

    /// Returns the trusted keys, and the first entry that must be signed.
    pub fn trust(&self) -> Trust {
        Trust::new(self.key.clone(), self.signatures.required_from)
    }

    /// Returns the aliases with rules, in order of name.
    pub fn aliases(&self) -> impl Iterator<Item = &Alias> {
        self.alias.keys()
    }

    /// Returns the rules of an alias; none if it has no table.
    pub fn of(&self, alias: &Alias) -> AliasPolicy {
        self.alias.get(alias).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_rule_applies_and_a_typing_error_is_reported() {
        let parse = |text: &str| Policy::parse(text).unwrap();
        let both = parse("[alias.champion]\napprovals = 2")
            .with(parse("[alias.champion]\nprotected = true\n[alias.shadow]"));
        let champion = both.of(&"champion".parse().unwrap());
        assert_eq!(
            champion,
            AliasPolicy {
                protected: true,
                approvals: 2
            }
        );
        assert_eq!(both.of(&"shadow".parse().unwrap()), AliasPolicy::default());
        assert_eq!(both.of(&"canary".parse().unwrap()), AliasPolicy::default());
        let key = "[[key]]\nactor = \"ci\"\npublic = \"MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\"";
        let both = parse(&format!("[signatures]\nrequired_from = 7\n{key}"))
            .with(parse("[signatures]\nrequired_from = 3"));
        assert_eq!(both.trust(), Trust::new(parse(key).key, 3));
        for text in [
            "[alias.champion]\naprovals = 1",
            "[alias.LATEST]",
            "[aliases]",
            "[alias.champion]\napprovals = -1",
            "[signatures]\nrequired = true",
            "[[key]]\nactor = \"ci\"\npublic = \"abc\"",
        ] {
            let error = Policy::parse(text).unwrap_err();
            assert!(error.contains("line "), "{error}");
        }
    }
}
