//! Writes histories in the C-MAPSS text format.

use std::fmt::Write;

use super::super::Trajectory;
use super::engine::decimals;

/// Formats histories as C-MAPSS text: 26 numbers per line, each followed by a space, and one more space.
pub(super) fn histories(units: &[Trajectory]) -> String {
    let decimals: Vec<_> = decimals().collect();
    let rows: usize = units.iter().map(Trajectory::len).sum();
    let mut text = String::with_capacity(rows * 180);
    for unit in units {
        for (row, cycle) in unit.cycles.iter().enumerate() {
            put(&mut text, format_args!("{} {cycle} ", unit.unit));
            for (channel, decimals) in unit.channels.iter().zip(&decimals) {
                put(&mut text, format_args!("{:.decimals$} ", channel[row]));
            }
            text.push_str(" \n");
        }
    }
    text
}

/// Formats true remaining useful lives, one per line.
pub(super) fn rul(rul: &[u32]) -> String {
    let mut text = String::new();
    for rul in rul {
        put(&mut text, format_args!("{rul} \n"));
    }
    text
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes any text");
}
