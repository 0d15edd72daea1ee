use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::{Alignment, Padding, Style};

/// On which side the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Names and sentences.
    Left,
    /// Numbers.
    Right,
}

/// Returns a plain table: a header, a rule, and rows; columns are set apart by two blanks.
pub fn table<R, C>(header: &[(&str, Align)], rows: R) -> String
where
    R: IntoIterator<Item = C>,
    C: IntoIterator<Item = String>,
{
    let mut builder = Builder::new();
    builder.push_record(header.iter().map(|(name, _)| (*name).to_owned()));
    rows.into_iter().for_each(|row| builder.push_record(row));
    let mut table = builder.build();
    table.with(Style::empty().horizontals([(1, tabled::settings::style::HorizontalLine::new('─'))]));
    table.with(Padding::new(0, 2, 0, 0));
    for (at, (_, align)) in header.iter().enumerate() {
        let side = if *align == Align::Right { Alignment::right() } else { Alignment::left() };
        table.modify(Columns::one(at), side);
    }
    let lines = table.to_string();
    lines.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_lines_have_no_trailing_blanks() {
        let rows = [["rmse", "12.5"], ["late rate", "0.41"]].map(|row| row.map(str::to_owned));
        let text = table(&[("score", Align::Left), ("value", Align::Right)], rows);
        assert_eq!(text, "score      value\n──────────────────\nrmse        12.5\nlate rate   0.41");
    }
}
