//! Secrets that are known by value: those that were read as secrets, and those of the command line and the environment.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{ByteSpan, is_plain_word, suspects};

/// Minimum length; shorter values, words and numbers would also hide unrelated text.
const SHORTEST: usize = 6;

/// One set for the whole process: a secret read by one room may appear in a message of another.
static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

fn known() -> MutexGuard<'static, BTreeSet<String>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Registers a secret, which is hidden everywhere from now on.
pub fn remember(secret: &str) {
    let lines = secret
        .lines()
        .map(str::trim)
        .filter(|line| is_distinct(line));
    for line in lines {
        let mut known = known();
        known.insert(line.to_owned());
        known.insert(decoded(line));
    }
}

/// Registers the secrets that a text seems to contain, such as the password of an address.
pub fn learn(text: &str) {
    for (from, to) in suspects(text) {
        let secret = &text[from..to];
        // Of a user and a password only the password is a secret.
        let is_user = text[to..].starts_with('@');
        remember(if is_user {
            secret
                .split_once(':')
                .map_or(secret, |(_, password)| password)
        } else {
            secret
        });
    }
}

fn is_distinct(secret: &str) -> bool {
    let is_number = secret
        .chars()
        .all(|c| c.is_ascii_digit() || ".-+".contains(c));
    secret.len() >= SHORTEST && !is_number && !is_plain_word(secret)
}

/// Decodes the percent-encoding of a text, as libraries show it.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%'
            && let Some(hex) = text.get(at + 1..at + 3)
            && let Ok(byte) = u8::from_str_radix(hex, 16)
        {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| text.to_owned())
}

/// Finds known secrets, but not within longer words.
pub(super) fn found(text: &str) -> Vec<ByteSpan> {
    let known = known();
    let mut found = Vec::new();
    for secret in known.iter() {
        for (from, _) in text.match_indices(secret.as_str()) {
            let to = from + secret.len();
            let goes_on = |edge: Option<char>, beyond: Option<char>| {
                edge.is_some_and(char::is_alphanumeric) && beyond.is_some_and(char::is_alphanumeric)
            };
            let before = goes_on(secret.chars().next(), text[..from].chars().next_back());
            let after = goes_on(secret.chars().next_back(), text[to..].chars().next());
            if !before && !after {
                found.push((from, to));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::domain::redact::{learn, redact, remember};

    #[test]
    fn what_was_read_as_a_secret_is_hidden_wherever_it_comes_up() {
        remember("k4n4ry-one\n");
        assert_eq!(
            redact("the header k4n4ry-one is wrong"),
            "the header *** is wrong"
        );
        assert_eq!(redact("xk4n4ry-onex"), "xk4n4ry-onex");
        learn("https://ann:k4n4ry%2Dtwo@host/x?sig=k4n4ry3333");
        assert_eq!(
            redact("k4n4ry-two, k4n4ry%2Dtwo, k4n4ry3333 and ann"),
            "***, ***, *** and ann"
        );
    }

    #[test]
    fn words_and_numbers_are_no_secrets_by_their_value() {
        for text in ["password", "123456", "1.5", "abc1", "Missing."] {
            remember(text);
            assert_eq!(redact(text), text);
        }
    }
}
