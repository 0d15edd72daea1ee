use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::config::source::SourceSpan;

/// Returns a value whose places are others: it was parsed by itself and stands in a larger text, or in a copy of it.
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

/// Returns a table whose places are others.
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

/// Returns a place that many bytes further on.
pub(super) fn by(offset: usize) -> impl FnMut(SourceSpan) -> SourceSpan {
    move |span| span.start + offset..span.end + offset
}
