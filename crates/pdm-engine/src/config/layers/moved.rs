//! Moves the spans of values, from the text they were parsed from to the text they are in.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::config::source::SourceSpan;

/// Returns a value with moved spans: it was parsed on its own and is part of a larger text, or in a copy of the text.
pub(in crate::config) fn moved<'t>(
    value: Spanned<DeValue<'t>>,
    to: &mut impl FnMut(SourceSpan) -> SourceSpan,
) -> Spanned<DeValue<'t>> {
    let span = to(value.span());
    let value = match value.into_inner() {
        DeValue::Array(items) => {
            DeValue::Array(items.into_iter().map(|item| moved(item, to)).collect())
        }
        DeValue::Table(table) => DeValue::Table(moved_table(table, to)),
        plain => plain,
    };
    Spanned::new(span, value)
}

/// Returns a table with moved spans.
pub(super) fn moved_table<'t>(
    table: DeTable<'t>,
    to: &mut impl FnMut(SourceSpan) -> SourceSpan,
) -> DeTable<'t> {
    let mut entry = |(key, value): (Spanned<DeString<'t>>, _)| {
        let span = to(key.span());
        (Spanned::new(span, key.into_inner()), moved(value, to))
    };
    table.into_iter().map(&mut entry).collect()
}

/// Returns a function that moves a span by some bytes.
pub(super) fn by(offset: usize) -> impl FnMut(SourceSpan) -> SourceSpan {
    move |span| span.start + offset..span.end + offset
}
