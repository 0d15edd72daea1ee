//! Finds the key whose value is at the span that an error points to.

use toml::Spanned;
use toml::de::DeValue;

use super::source::SourceSpan;

/// A key that was taken out of its table.
pub(super) struct Culprit<'t> {
    /// The path to it.
    pub(super) path: Vec<String>,
    value: Spanned<DeValue<'t>>,
}

impl<'t> Culprit<'t> {
    /// Returns the value at `span`: the key's own, or an element of it.
    pub(super) fn at(&self, span: &SourceSpan) -> &DeValue<'t> {
        let elements = self.value.get_ref().as_array().into_iter().flatten();
        elements
            .filter(|item| item.span() == *span)
            .map(Spanned::get_ref)
            .next()
            .unwrap_or(self.value.get_ref())
    }
}

/// Removes the key whose value is at `span` from a table.
pub(super) fn remove<'t>(table: &mut DeValue<'t>, span: &SourceSpan) -> Option<Culprit<'t>> {
    let exact = |value: &SourceSpan| value == span;
    let around = |value: &SourceSpan| value.start <= span.start && span.end <= value.end;
    let path = find(table, &exact).or_else(|| find(table, &around))?;
    let (last, parents) = path.split_last()?;
    let mut value = table;
    for step in parents {
        value = match value {
            DeValue::Table(table) => table.get_mut(step.as_str())?.get_mut(),
            DeValue::Array(items) => items.get_mut(step.parse::<usize>().ok()?)?.get_mut(),
            _ => return None,
        };
    }
    let DeValue::Table(table) = value else {
        return None;
    };
    let value = table.remove(last.as_str())?;
    Some(Culprit { path, value })
}

/// Returns the path of the innermost key whose value, or an element of whose value, fits.
fn find(value: &DeValue<'_>, fits: &dyn Fn(&SourceSpan) -> bool) -> Option<Vec<String>> {
    let DeValue::Table(table) = value else {
        return None;
    };
    table.iter().find_map(|(key, value)| {
        let mut path = find_in_value(value, fits)?;
        path.insert(0, key.get_ref().to_string());
        Some(path)
    })
}

fn find_in_value(
    value: &Spanned<DeValue<'_>>,
    fits: &dyn Fn(&SourceSpan) -> bool,
) -> Option<Vec<String>> {
    let inner = match value.get_ref() {
        DeValue::Array(items) => items.iter().enumerate().find_map(|(i, item)| {
            let mut path = find(item.get_ref(), fits)?;
            path.insert(0, i.to_string());
            Some(path)
        }),
        table => find(table, fits),
    };
    let element = || {
        value
            .get_ref()
            .as_array()
            .is_some_and(|items| items.iter().any(|item| fits(&item.span())))
    };
    inner.or_else(|| (fits(&value.span()) || element()).then(Vec::new))
}
