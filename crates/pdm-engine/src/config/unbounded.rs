//! Finds numbers that no option can use: those that are not finite or too large.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::findings::SpecFinding;
use super::source::join;
use pdm_core::codes::Code;

/// Finds the numbers that have no canonical form or do not fit into a TOML file.
pub(super) fn find(parent: &str, table: &DeTable<'_>, found: &mut Vec<SpecFinding>) {
    for (key, value) in table {
        find_in_value(join(parent, key.get_ref()), value, found);
    }
}

fn find_in_value(path: String, value: &Spanned<DeValue<'_>>, found: &mut Vec<SpecFinding>) {
    let unbounded = match value.get_ref() {
        DeValue::Table(table) => return find(&path, table, found),
        DeValue::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                find_in_value(join(&path, &i.to_string()), item, found);
            }
            return;
        }
        DeValue::Float(number) => !number.as_str().parse().is_ok_and(f64::is_finite),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).is_err(),
        _ => false,
    };
    if unbounded {
        let message = match value.get_ref() {
            DeValue::Integer(_) => {
                format!("the number for `{path}` does not fit into a signed 64-bit integer")
            }
            _ => format!("the number for `{path}` is not finite"),
        };
        found.push(SpecFinding::new(Code::UnboundedNumber, path, message).at(Some(value.span())));
    }
}
