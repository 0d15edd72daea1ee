//! Keys and values within MLflow's limits.

use std::borrow::Cow;

use pdm_core::content::Digest;

/// Longest key MLflow accepts, in characters.
const LONGEST_KEY: usize = 250;
/// Longest parameter MLflow keeps; longer ones are cut without an error.
const LONGEST_VALUE: usize = 6000;

/// Returns a key that MLflow accepts: letters, digits and `_-. :/`, a plain relative path, not too long.
///
/// A changed key ends in a part of its digest, so that two keys never become the same.
pub(super) fn key(key: &str) -> Cow<'_, str> {
    let plain = plain(key);
    if plain == key && !key.is_empty() && key.chars().count() <= LONGEST_KEY {
        return Cow::Borrowed(key);
    }
    let tail = format!("-{}", &Digest::of(key).to_string()[..8]);
    Cow::Owned(
        plain
            .chars()
            .take(LONGEST_KEY - tail.len())
            .collect::<String>()
            .trim_end_matches(['/', '.'])
            .to_owned()
            + &tail,
    )
}

/// Returns a value that MLflow keeps; a longer one is cut and ends in its digest.
pub(super) fn value(value: &str) -> Cow<'_, str> {
    shortened(value, LONGEST_VALUE)
}

/// Returns a text of at most this number of characters; a longer one is cut and ends in its digest.
pub(super) fn shortened(text: &str, longest: usize) -> Cow<'_, str> {
    if text.chars().count() <= longest {
        return Cow::Borrowed(text);
    }
    let tail = format!("… sha256:{}", Digest::of(text));
    Cow::Owned(
        text.chars()
            .take(longest - tail.chars().count())
            .collect::<String>()
            + &tail,
    )
}

fn plain(key: &str) -> String {
    let allowed = |c: char| {
        if c.is_alphanumeric() || "_-. :/".contains(c) {
            c
        } else {
            '_'
        }
    };
    let key: String = key.chars().map(allowed).collect();
    key.split('/')
        .filter(|part| !matches!(*part, "" | "." | ".."))
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn good_names_pass_unchanged() {
        for name in [
            "model.kind",
            "train/loss",
            "größe",
            "a b:c-d_e",
            &"k".repeat(250),
        ] {
            assert_eq!(key(name), name);
        }
        let value_6000 = "é".repeat(6000);
        assert_eq!(value(&value_6000), value_6000.as_str());
    }

    #[test]
    fn different_names_stay_different() {
        let names = [
            "a//b",
            "a/b/",
            "/a/b",
            "./a/b",
            "../a/b",
            "a\\b",
            "a=b",
            "a_b",
            "",
            ".",
            &"k".repeat(251),
            &"k".repeat(252),
        ];
        let keys: std::collections::BTreeSet<_> = names.iter().map(|name| key(name)).collect();
        assert_eq!(keys.len(), names.len());
        let long = |last| "x".repeat(7000) + last;
        assert_ne!(value(&long("a")), value(&long("b")));
    }

    proptest! {
        #[test]
        fn names_are_within_the_limits(name in ".{0,300}") {
            let key = key(&name);
            prop_assert!(!key.is_empty() && key.chars().count() <= LONGEST_KEY);
            prop_assert!(key.split('/').all(|part| !matches!(part, "" | "." | "..")), "{key}");
            prop_assert!(value(&name.repeat(30)).chars().count() <= LONGEST_VALUE);
        }
    }
}
