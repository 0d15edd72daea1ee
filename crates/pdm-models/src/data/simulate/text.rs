use std::fmt::Write;

use super::super::Trajectory;
use super::engine::decimals;

/// Returns histories as C-MAPSS text: 26 numbers a line, each followed by a blank, and one blank more.
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

/// Returns true remaining useful lives, one a line.
pub(super) fn rul(rul: &[u32]) -> String {
    rul.iter().fold(String::new(), |mut text, rul| {
        put(&mut text, format_args!("{rul} \n"));
        text
    })
}

fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("a string takes any text");
}
