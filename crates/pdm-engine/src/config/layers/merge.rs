//! Lays one table over another.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Returns `under` with the values of `over` laid over it.
///
/// Keys keep the order of `under`, new ones follow; each value keeps the place where it was written.
pub(super) fn lay_over<'t>(under: DeTable<'t>, mut over: DeTable<'t>) -> DeTable<'t> {
    if kind_of(&over).is_some_and(|kind| changes(&under, kind)) {
        return over;
    }
    let mut laid = DeTable::new();
    for (key, value) in under {
        match over.remove_entry(key.get_ref().as_ref()) {
            Some((key, above)) => laid.insert(key, value_over(value, above)),
            None => laid.insert(key, value),
        };
    }
    laid.extend(over);
    laid
}

fn value_over<'t>(under: Spanned<DeValue<'t>>, over: Spanned<DeValue<'t>>) -> Spanned<DeValue<'t>> {
    let span = over.span();
    let value = match (under.into_inner(), over.into_inner()) {
        (DeValue::Table(under), DeValue::Table(over)) => DeValue::Table(lay_over(under, over)),
        (_, over) => over,
    };
    Spanned::new(span, value)
}

fn kind_of<'v>(table: &'v DeTable<'_>) -> Option<&'v str> {
    table.get("kind")?.get_ref().as_str()
}

/// Returns whether a table is of another kind than this.
fn changes(table: &DeTable<'_>, kind: &str) -> bool {
    kind_of(table).is_some_and(|own| own != kind)
}

/// Keeps only what was written from the offset `since` on in a table that is about to get another `kind`.
pub(in crate::config) fn only_since(table: &mut DeTable<'_>, kind: &DeValue<'_>, since: usize) {
    if kind.as_str().is_some_and(|kind| changes(table, kind)) {
        retain_since(table, since);
    }
}

fn retain_since(table: &mut DeTable<'_>, since: usize) {
    let entries = std::mem::replace(table, DeTable::new()).into_iter();
    let kept = entries.filter_map(|(key, mut value)| {
        if key.span().start >= since {
            return Some((key, value));
        }
        let DeValue::Table(inner) = value.get_mut() else {
            return None;
        };
        retain_since(inner, since);
        (!inner.is_empty()).then_some((key, value))
    });
    *table = kept.collect();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> DeTable<'_> {
        DeTable::parse(text).unwrap().into_inner()
    }

    fn shown(table: DeTable<'_>) -> String {
        let value = Spanned::new(0..0, DeValue::Table(table));
        let table: toml::Table =
            serde::Deserialize::deserialize(toml::de::ValueDeserializer::from(value)).unwrap();
        table.to_string().trim_end().replace('\n', "; ")
    }

    fn laid(under: &str, over: &str) -> String {
        shown(lay_over(parsed(under), parsed(over)))
    }

    /// Documents of few keys, so that they meet; a key is a table in all of them or in none.
    fn documents() -> impl Strategy<Value = String> {
        let plain = prop_oneof![
            (0i64..9).prop_map(toml::Value::from),
            Just(toml::Value::Array(vec![1.into()]))
        ];
        let plains = move || prop::collection::btree_map("[abc]", plain.clone(), 0..3);
        let table = |tables: BTreeMap<String, toml::Table>,
                     plains: BTreeMap<String, toml::Value>|
         -> toml::Table {
            plains
                .into_iter()
                .chain(tables.into_iter().map(|(key, table)| (key, table.into())))
                .collect()
        };
        let flat = plains().prop_map(move |plains| table(BTreeMap::new(), plains));
        let deep = flat.prop_recursive(3, 16, 3, move |inner| {
            (prop::collection::btree_map("[tuv]", inner, 0..3), plains())
                .prop_map(move |(tables, plains)| table(tables, plains))
        });
        deep.prop_map(|table| table.to_string())
    }

    proptest! {
        #[test]
        fn it_does_not_matter_which_layers_meet_first(a in documents(), b in documents(), c in documents()) {
            let first = lay_over(lay_over(parsed(&a), parsed(&b)), parsed(&c));
            let last = lay_over(parsed(&a), lay_over(parsed(&b), parsed(&c)));
            prop_assert_eq!(shown(first), shown(last));
            prop_assert_eq!(laid(&a, &a), shown(parsed(&a)));
            prop_assert_eq!(laid("", &a), laid(&a, ""));
        }
    }

    #[test]
    fn tables_merge_in_their_order_and_lists_are_replaced() {
        assert_eq!(
            laid("a = 1\nb = 2\nc = 3", "d = 4\nb = 5"),
            "a = 1; b = 5; c = 3; d = 4"
        );
        assert_eq!(
            laid("t = { x = 1, u = { y = 2, z = 3 } }", "[t.u]\ny = 4"),
            "[t]; x = 1; ; [t.u]; y = 4; z = 3"
        );
        assert_eq!(laid("a = [1, 2, 3]", "a = [4]"), "a = [4]");
        assert_eq!(
            laid("[[g]]\nx = 1\n[[g]]\nx = 2", "[[g]]\ny = 3"),
            "[[g]]; y = 3"
        );
        assert_eq!(laid("a = 1", "a = { x = 2 }"), "[a]; x = 2");
    }

    #[test]
    fn another_kind_starts_empty() {
        let under = "[model]\nkind = \"gbdt\"\nrounds = 300";
        assert_eq!(
            laid(under, "[model]\nkind = \"gru\"\nhidden = 8"),
            "[model]; kind = \"gru\"; hidden = 8"
        );
        assert_eq!(
            laid(under, "model.kind = \"gbdt\""),
            "[model]; kind = \"gbdt\"; rounds = 300"
        );
        assert_eq!(
            laid("[model]\nrounds = 300", "model.kind = \"gbdt\""),
            "[model]; rounds = 300; kind = \"gbdt\""
        );
    }
}
