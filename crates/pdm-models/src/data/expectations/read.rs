//! Expectations that were already checked while reading: only their scope is reported here.

use super::super::quality::Pinned;
use super::{Scope, Subject};

pub(super) fn pinned(subject: &Subject<'_>) -> Scope {
    let parts = &subject.raw.parts;
    let compared = parts
        .iter()
        .filter(|part| matches!(part.pinned, Pinned::Matches | Pinned::Differs))
        .count();
    if compared > 0 {
        Scope::Examined(format!("{compared} files"))
    } else if parts.iter().any(|part| part.pinned == Pinned::Unchecked) {
        Scope::Skipped("switched off by `verify`".to_owned())
    } else {
        Scope::Skipped("no digest is published for this data".to_owned())
    }
}

pub(super) fn files(subject: &Subject<'_>) -> Scope {
    Scope::Examined(format!("{} files", subject.raw.parts.len()))
}

pub(super) fn rows(subject: &Subject<'_>) -> Scope {
    let rows: u64 = subject
        .raw
        .histories()
        .map(|(_, rows)| rows.len() as u64 + rows.dropped)
        .sum();
    Scope::Examined(format!("{rows} rows"))
}

pub(super) fn cells(subject: &Subject<'_>) -> Scope {
    let rows: usize = subject.raw.histories().map(|(_, rows)| rows.len()).sum();
    Scope::Examined(format!("{} cells", rows * subject.raw.schema.width()))
}
