//! What kinds of errors there are: one stable number each, with a title, an explanation and an exit code.
//!
//! Each room's error says which code it is (`fn code(&self) -> Code`, a match without a wildcard, so that a new error
//! without a code does not compile). `table` lists the codes; `explanations/` holds one hand-written page per code.
//! A number is never reused for something else.

mod table;

#[cfg(test)]
mod tests;

pub use table::Code;

use std::fmt;

use serde::{Serialize, Serializer};

/// What the codes of each hundred are about.
const GROUPS: [(u16, &str); 8] = [
    (1, "the pipeline file and the arguments"),
    (2, "data"),
    (3, "features, training and models"),
    (4, "scores, gates and drift"),
    (5, "the registry"),
    (6, "tracking and notices"),
    (7, "the cache, locks and files"),
    (8, "the machine"),
];

impl Code {
    /// Returns the number, such as 107 for `E0107`.
    pub fn number(self) -> u16 {
        self as u16
    }

    /// Returns the group of the code: what all codes of the same hundred are about.
    pub fn group(self) -> &'static str {
        let hundred = self.number() / 100;
        GROUPS
            .iter()
            .find(|(number, _)| *number == hundred)
            .map_or("", |(_, name)| name)
    }

    /// Returns the code that a user typed: `E0107`, `e0107`, `0107` or `107`.
    pub fn named(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches(['E', 'e']);
        let plain = digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let number: u16 = digits.parse().ok().filter(|_| plain)?;
        Self::ALL
            .iter()
            .copied()
            .find(|code| code.number() == number)
    }

    /// Returns suggestions for a text that is not a code: the nearest numbers of the same hundred, or the codes whose
    /// title contains the text.
    pub fn near(text: &str) -> Vec<Self> {
        const MOST: usize = 3;
        let text = text.trim().to_lowercase();
        let number = text.trim_start_matches('e').parse::<u16>();
        let mut near: Vec<_> = match number {
            Ok(number) => Self::ALL
                .iter()
                .copied()
                .filter(|code| code.number() / 100 == number / 100)
                .collect(),
            Err(_) if text.is_empty() => Vec::new(),
            Err(_) => Self::ALL
                .iter()
                .copied()
                .filter(|code| code.title().to_lowercase().contains(&text))
                .collect(),
        };
        if let Ok(number) = number {
            near.sort_by_key(|code| (code.number().abs_diff(number), code.number()));
        }
        near.truncate(MOST);
        near
    }
}

/// Returns the text of an error without the leading `error[E0107]: `.
pub fn unmarked(message: &str) -> &str {
    let behind = message
        .strip_prefix("error[")
        .and_then(|rest| rest.split_once("]: "));
    behind
        .filter(|(code, _)| Code::named(code).is_some())
        .map_or(message, |(_, rest)| rest)
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("E{:04}", self.number()))
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
