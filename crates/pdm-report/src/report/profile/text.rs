//! The description of a data set as text.

use pdm_models::data::DataSummary;

use super::{ShownTable, headline, lives, tables};
use crate::report::{Align, table};

/// Returns the description as tables.
pub fn text(summary: &DataSummary) -> String {
    let mut parts = vec![format!("{}\n{}", headline(summary), lives(summary))];
    for ShownTable {
        title,
        header,
        rows,
    } in tables(summary)
    {
        let is_number = |at: usize| rows.iter().all(|row| is_figure(&row[at]));
        let columns = header.iter().enumerate();
        let aligned: Vec<_> = columns
            .map(|(at, name)| {
                (
                    *name,
                    if is_number(at) {
                        Align::Right
                    } else {
                        Align::Left
                    },
                )
            })
            .collect();
        parts.push(format!("{title}\n{}", table(&aligned, rows.clone())));
    }
    parts.join("\n\n")
}

fn is_figure(cell: &str) -> bool {
    cell == "-" || cell.trim_end_matches(" %").parse::<f64>().is_ok()
}
