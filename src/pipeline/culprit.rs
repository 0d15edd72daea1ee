//! Which key is to blame for a span that an error points at.

use toml::Spanned;
use toml::de::DeValue;

use super::source::Span;

/// Takes the key whose value stands at `span` out of a table; returns the path to it.
pub(super) fn remove(table: &mut DeValue<'_>, span: &Span) -> Option<Vec<String>> {
    let exact = |value: &Span| value == span;
    let around = |value: &Span| value.start <= span.start && span.end <= value.end;
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
    let DeValue::Table(table) = value else { return None };
    table.remove(last.as_str())?;
    Some(path)
}

/// Returns the path of the innermost key whose value, or an element of whose value, fits.
fn find(value: &DeValue<'_>, fits: &dyn Fn(&Span) -> bool) -> Option<Vec<String>> {
    let DeValue::Table(table) = value else { return None };
    table.iter().find_map(|(key, value)| {
        let mut path = find_in_value(value, fits)?;
        path.insert(0, key.get_ref().to_string());
        Some(path)
    })
}

fn find_in_value(value: &Spanned<DeValue<'_>>, fits: &dyn Fn(&Span) -> bool) -> Option<Vec<String>> {
    let inner = match value.get_ref() {
        DeValue::Array(items) => items.iter().enumerate().find_map(|(i, item)| {
            let mut path = find(item.get_ref(), fits)?;
            path.insert(0, i.to_string());
            Some(path)
        }),
        table => find(table, fits),
    };
    let element = || value.get_ref().as_array().is_some_and(|items| items.iter().any(|item| fits(&item.span())));
    inner.or_else(|| (fits(&value.span()) || element()).then(Vec::new))
}
