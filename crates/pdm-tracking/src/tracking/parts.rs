//! Splits the name of a metric into the part it belongs to (a fold, the final fit, or one seed of either) and the rest.

/// Splits the name of a metric into its part, if any, and its name within: `fold-1/seed-2` and `gru/loss`.
pub(super) fn divide(key: &str) -> (Option<&str>, &str) {
    match end_of_part(key) {
        Some(end) if end < key.len() => (Some(&key[..end]), &key[end + 1..]),
        _ => (None, key),
    }
}

/// Returns the part that contains a part, such as `fold-1` for `fold-1/seed-2`.
pub(super) fn above(part: &str) -> Option<&str> {
    let (before, _) = part.rsplit_once('/')?;
    end_of_part(before).map(|end| &before[..end])
}

/// Returns the end of the last word that names a part.
fn end_of_part(path: &str) -> Option<usize> {
    let ends = path
        .match_indices('/')
        .map(|(at, _)| at)
        .chain([path.len()]);
    ends.rev()
        .find(|end| is_part(path[..*end].rsplit('/').next().unwrap_or_default()))
}

fn is_part(word: &str) -> bool {
    let numbered = |name| {
        word.strip_prefix(name)
            .is_some_and(|number| number.parse::<u32>().is_ok())
    };
    word == "final" || numbered("fold-") || numbered("seed-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_belong_to_the_innermost_part() {
        for (key, expected) in [
            ("fold-1/gru/loss", (Some("fold-1"), "gru/loss")),
            (
                "fold-12/seed-2/gru/loss",
                (Some("fold-12/seed-2"), "gru/loss"),
            ),
            (
                "fold-1/2-gru/seed-3/gru/loss",
                (Some("fold-1/2-gru/seed-3"), "gru/loss"),
            ),
            ("final/2-gru/gru/loss", (Some("final"), "2-gru/gru/loss")),
            (
                "final/out_of_fold_rmse",
                (Some("final"), "out_of_fold_rmse"),
            ),
            ("judged/rmse", (None, "judged/rmse")),
            ("fold-x/loss", (None, "fold-x/loss")),
            ("final", (None, "final")),
            ("", (None, "")),
        ] {
            assert_eq!(divide(key), expected, "{key}");
        }
    }

    #[test]
    fn parts_lie_in_parts() {
        assert_eq!(above("fold-1/seed-2"), Some("fold-1"));
        assert_eq!(above("fold-1/2-gru/seed-3"), Some("fold-1"));
        assert_eq!(above("fold-1"), None);
    }
}
