//! The comparison of two data sets as text.

use pdm_core::domain::UnitId;
use pdm_models::data::{ColumnChange, ColumnShift, DataComparison};

use super::figure;
use crate::report::{Align, table};

/// Units named of each kind of change.
const NAMED: usize = 5;
/// The index from which on a shift is called large.
const LARGE: f64 = 0.25;
/// The index from which on a shift is called moderate.
const MODERATE: f64 = 0.1;

/// Returns the comparison as tables.
pub fn comparison(found: &DataComparison) -> String {
    let mut parts = vec![units(found)];
    if !found.columns.is_empty() {
        parts.push(columns(&found.columns));
    }
    if !found.shifts.is_empty() {
        parts.push(shifts(&found.shifts));
    }
    parts.push(if found.differs {
        "the data sets differ".to_owned()
    } else {
        "the data sets are the same".to_owned()
    });
    parts.join("\n\n")
}

fn units(found: &DataComparison) -> String {
    let changes = &found.units;
    let kinds: [(&str, &[UnitId]); 5] = [
        ("new", &changes.new),
        ("grown", &changes.grown),
        ("changed", &changes.changed),
        ("lost", &changes.lost),
        ("shortened", &changes.shortened),
    ];
    let rows = kinds.map(|(kind, units)| [kind.to_owned(), units.len().to_string(), named(units)]);
    let header = [
        ("units", Align::Left),
        ("number", Align::Right),
        ("", Align::Left),
    ];
    format!(
        "{} units before, {} after\n{}",
        changes.before,
        changes.after,
        table(&header, rows)
    )
}

fn named(units: &[UnitId]) -> String {
    let names: Vec<_> = units.iter().take(NAMED).map(UnitId::as_str).collect();
    let more = if units.len() > NAMED { ", …" } else { "" };
    format!("{}{more}", names.join(", "))
}

fn columns(changes: &[ColumnChange]) -> String {
    let rows = changes.iter().map(|change| {
        let (what, types) = match (&change.before, &change.after) {
            (None, Some(after)) => ("added", after.clone()),
            (Some(before), None) => ("removed", before.clone()),
            (Some(before), Some(after)) => ("retyped", format!("{before} → {after}")),
            (None, None) => ("", String::new()),
        };
        [change.column.clone(), what.to_owned(), types]
    });
    table(
        &[
            ("column", Align::Left),
            ("change", Align::Left),
            ("type", Align::Left),
        ],
        rows,
    )
}

fn shifts(shifts: &[ColumnShift]) -> String {
    let rows = shifts.iter().map(|shift| {
        let size = match shift.psi {
            large if large >= LARGE => "large",
            moderate if moderate >= MODERATE => "moderate",
            _ => "",
        };
        [
            shift.column.clone(),
            figure(Some(shift.mean_before)),
            figure(Some(shift.mean_after)),
            format!("{:.3}", shift.psi),
            format!("{:.3}", shift.distance),
            shift
                .p
                .map_or_else(|| "-".to_owned(), |p| format!("{p:.1e}")),
            size.to_owned(),
        ]
    });
    let header = [
        ("column", Align::Left),
        ("mean before", Align::Right),
        ("mean after", Align::Right),
        ("PSI", Align::Right),
        ("KS distance", Align::Right),
        ("p over units", Align::Right),
        ("shift", Align::Left),
    ];
    table(&header, rows)
}
