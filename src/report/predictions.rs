use std::path::Path;

use super::{Align, ReportError, Sheet, table, write_sheet};
use crate::domain::{Interval, Prediction};

/// Returns predictions as a table for people.
pub fn predictions_table(predictions: &[Prediction]) -> String {
    let header = [("unit", Align::Left), ("cycle", Align::Right), ("RUL", Align::Right), ("interval", Align::Right)];
    let rows = predictions.iter().map(|p| {
        let interval = p.interval.map_or_else(String::new, |i| format!("[{:.0}, {:.0}]", i.lower, i.upper));
        [p.unit.to_string(), p.cycle.to_string(), format!("{:.1}", p.rul), interval]
    });
    table(&header, rows)
}

/// Returns predictions as CSV: `unit,cycle,rul,lower,upper`, and `truth` where it is known.
///
/// # Errors
/// Never in practice: the columns have one length.
pub fn predictions_csv(predictions: &[Prediction]) -> Result<Vec<u8>, ReportError> {
    sheet(predictions).csv()
}

/// Writes predictions as CSV or Parquet, by the file's extension.
///
/// # Errors
/// As [`write_sheet`].
pub fn write_predictions(predictions: &[Prediction], path: &Path) -> Result<(), ReportError> {
    write_sheet(sheet(predictions), path)
}

fn sheet(predictions: &[Prediction]) -> Sheet {
    let end = |of: fn(&Interval) -> f64| predictions.iter().map(|p| p.interval.as_ref().map(of)).collect();
    let sheet = Sheet::default()
        .text("unit", predictions.iter().map(|p| p.unit.to_string()).collect())
        .whole("cycle", predictions.iter().map(|p| p.cycle.0).collect())
        .number("rul", predictions.iter().map(|p| Some(p.rul)).collect())
        .number("lower", end(|i| i.lower))
        .number("upper", end(|i| i.upper));
    if predictions.iter().any(|p| p.truth.is_some()) {
        sheet.number("truth", predictions.iter().map(|p| p.truth).collect())
    } else {
        sheet
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Cycle, UnitId};

    fn one() -> Prediction {
        let interval = Some(Interval { lower: 90.0, upper: 125.0 });
        Prediction { unit: UnitId::from(42), cycle: Cycle(30), rul: 112.5, interval, truth: None }
    }

    #[test]
    fn csv_has_a_truth_column_only_where_the_truth_is_known() {
        assert_eq!(predictions_csv(&[one()]).unwrap(), b"unit,cycle,rul,lower,upper\n42,30,112.5,90.0,125.0\n");
        let known = Prediction { truth: Some(110.0), interval: None, ..one() };
        assert_eq!(predictions_csv(&[known]).unwrap(), b"unit,cycle,rul,lower,upper,truth\n42,30,112.5,,,110.0\n");
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        write_predictions(&[one()], &folder.path().join("rul.parquet")).unwrap();
        assert!(matches!(
            write_predictions(&[one()], &folder.path().join("rul.xlsx")),
            Err(ReportError::UnknownFormat(_))
        ));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
