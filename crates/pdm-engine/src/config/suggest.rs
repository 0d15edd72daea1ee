//! Finds the name that was probably meant by a misspelt one.

use strsim::{damerau_levenshtein, jaro_winkler};

/// Most names a hint lists.
const MOST_NAMES: usize = 12;

/// Returns the candidate that was probably meant: the nearest by swaps, insertions and deletions, where it is near enough.
///
/// Case, and `-` in place of `_`, do not count. Where two candidates are equally near by both measures, none is returned. A
/// candidate with other digits is a different name, not a typo: `s_22` does not suggest `s_2`.
pub(super) fn meant<'c>(
    written: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let written = plain(written);
    let score = |candidate: &str| {
        let candidate = plain(candidate);
        (
            damerau_levenshtein(&written, &candidate),
            1.0 - jaro_winkler(&written, &candidate),
        )
    };
    let mut near: Vec<_> = candidates
        .into_iter()
        .map(|candidate| (score(candidate), candidate))
        .collect();
    near.retain(|((distance, _), candidate)| {
        *distance <= tolerance(&written, candidate)
            && (*distance == 0 || letters(&written) != letters(&plain(candidate)))
    });
    near.sort_by(|(a, _), (b, _)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    match near.as_slice() {
        [(first, _), (second, _), ..] if first == second => None,
        [(_, name), ..] => Some(name),
        [] => None,
    }
}

/// Returns a hint: the name that was probably meant, or all names.
pub(super) fn hint(written: &str, names: &[&str]) -> Option<String> {
    match meant(written, names.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if names.is_empty() => None,
        None => Some(format!("expected {}", one_of(names))),
    }
}

/// Returns the names as a list, such as "`a`, `b` or `c`".
pub(super) fn one_of(names: &[&str]) -> String {
    let quoted: Vec<_> = names
        .iter()
        .take(MOST_NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = if names.len() > MOST_NAMES {
        ", …"
    } else {
        ""
    };
    match quoted.as_slice() {
        [only] => only.clone(),
        [first @ .., last] if more.is_empty() => format!("{} or {last}", first.join(", ")),
        all => format!("{}{more}", all.join(", ")),
    }
}

fn plain(name: &str) -> String {
    // A longer text is not a misspelt key, and the time for a distance grows with the product of the lengths.
    name.chars()
        .take(64)
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// Returns the most errors of a typo: one in three letters, as in the suggestions of the Rust compiler.
fn tolerance(written: &str, candidate: &str) -> usize {
    (written.chars().count().max(candidate.chars().count()) / 3).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 6] = [
        "learning_rate",
        "rounds",
        "leaves",
        "min_leaf",
        "epochs",
        "seed",
    ];

    #[test]
    fn slips_of_the_finger_are_recognised() {
        let slips = [
            "learning_rat",
            "learningRate",
            "LEARNING-RATE",
            "ruonds",
            "epoch",
            "sed",
            "leafs",
        ];
        let meant = slips.map(|slip| meant(slip, KEYS).unwrap_or("?"));
        let expected = [
            "learning_rate",
            "learning_rate",
            "learning_rate",
            "rounds",
            "epochs",
            "seed",
            "leaves",
        ];
        assert_eq!(meant, expected);
    }

    #[test]
    fn nothing_is_made_up() {
        for other in ["", "x", "banana", "momentum", "🚀🚀🚀"] {
            assert_eq!(meant(other, KEYS), None, "{other}");
        }
        assert_eq!(meant("FD005", ["FD001", "FD002"]), None);
        assert_eq!(meant("s_22", ["s_2", "s_3"]), None);
        assert_eq!(meant("fd001", ["FD001", "FD002"]), Some("FD001"));
        assert_eq!(meant("F001", ["FD001", "XY"]), Some("FD001"));
    }

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(one_of(&["a"]), "`a`");
        assert_eq!(one_of(&["a", "b", "c"]), "`a`, `b` or `c`");
        assert!(one_of(&["k"; 13]).ends_with("`k`, …"));
    }
}
