//! Tables of predictions.

use std::path::Path;

use super::{Align, ReportError, Sheet, table, write_sheet};
use pdm_core::domain::{Interval, Prediction};

/// Returns predictions as a text table; if any row is unlike the training data, a column shows why.
/// `alarms` marks the rows that meet the condition of an alarm, if there is one.
pub fn predictions_table(predictions: &[Prediction], alarms: Option<&[bool]>) -> String {
    let mut header = vec![
        ("unit", Align::Left),
        ("cycle", Align::Right),
        ("RUL", Align::Right),
        ("interval", Align::Right),
    ];
    let is_flagged = predictions.iter().any(|p| !p.flags.is_empty());
    if is_flagged {
        header.push(("outside of training", Align::Left));
    }
    if alarms.is_some() {
        header.push(("alarm", Align::Left));
    }
    let mut rows = Vec::new();
    for (at, p) in predictions.iter().enumerate() {
        let interval = p
            .interval
            .map_or_else(String::new, |i| format!("[{:.0}, {:.0}]", i.lower, i.upper));
        let mut row = vec![
            p.unit.to_string(),
            p.cycle.to_string(),
            format!("{:.1}", p.rul),
            interval,
        ];
        if is_flagged {
            row.push(flags(p, ", "));
        }
        if let Some(alarms) = alarms {
            row.push(if alarms[at] {
                "ALARM".to_owned()
            } else {
                String::new()
            });
        }
        rows.push(row);
    }
    table(&header, rows)
}

/// Predictions as columns, for CSV and Parquet: `unit,cycle,rul,lower,upper`, the truth if it is known, and `flags`, the
/// kinds of differences from the training data, separated by semicolons.
#[derive(Debug, Clone)]
pub struct PredictionSheet<'a> {
    /// The rows.
    pub predictions: &'a [Prediction],
    /// Adds `truth_capped` to a known truth: the smaller of it and this cap, in cycles.
    pub truth_cap: Option<f64>,
    /// Adds `alarm`: whether each row meets the condition of an alarm.
    pub alarms: Option<Vec<bool>>,
}

impl<'a> PredictionSheet<'a> {
    /// Returns the columns that every prediction has.
    pub fn of(predictions: &'a [Prediction]) -> Self {
        Self {
            predictions,
            truth_cap: None,
            alarms: None,
        }
    }

    /// Returns the sheet as CSV.
    ///
    /// # Errors
    /// Never in practice: the columns have one length.
    pub fn csv(self) -> Result<Vec<u8>, ReportError> {
        self.sheet().csv()
    }

    /// Writes the sheet as CSV or Parquet, by the file's extension.
    ///
    /// # Errors
    /// As [`write_sheet`].
    pub fn write(self, path: &Path) -> Result<(), ReportError> {
        write_sheet(self.sheet(), path)
    }

    fn sheet(self) -> Sheet {
        let rows = self.predictions;
        let end =
            |of: fn(&Interval) -> f64| rows.iter().map(|p| p.interval.as_ref().map(of)).collect();
        let mut sheet = Sheet::default()
            .text("unit", rows.iter().map(|p| p.unit.to_string()).collect())
            .whole("cycle", rows.iter().map(|p| p.cycle.0).collect())
            .number("rul", rows.iter().map(|p| Some(p.rul)).collect())
            .number("lower", end(|i| i.lower))
            .number("upper", end(|i| i.upper));
        if rows.iter().any(|p| p.truth.is_some()) {
            sheet = sheet.number("truth", rows.iter().map(|p| p.truth).collect());
            if let Some(cap) = self.truth_cap {
                sheet = sheet.number(
                    "truth_capped",
                    rows.iter()
                        .map(|p| p.truth.map(|truth| truth.min(cap)))
                        .collect(),
                );
            }
        }
        let of_row = |p: &Prediction| Some(flags(p, ";")).filter(|flags| !flags.is_empty());
        sheet = sheet.maybe_text("flags", rows.iter().map(of_row).collect());
        match self.alarms {
            Some(alarms) => sheet.truth("alarm", alarms),
            None => sheet,
        }
    }
}

fn flags(prediction: &Prediction, between: &str) -> String {
    prediction
        .flags
        .iter()
        .map(|flag| flag.kind.name())
        .collect::<Vec<_>>()
        .join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pdm_core::domain::{Cycle, Flag, FlagKind, UnitId};

    fn one() -> Prediction {
        let interval = Some(Interval {
            lower: 90.0,
            upper: 125.0,
        });
        Prediction {
            unit: UnitId::from(42),
            cycle: Cycle(30),
            rul: 112.5,
            interval,
            truth: None,
            flags: Vec::new(),
        }
    }

    fn csv(sheet: PredictionSheet<'_>) -> String {
        String::from_utf8(sheet.csv().unwrap()).unwrap()
    }

    #[test]
    fn csv_has_columns_of_truth_only_where_the_truth_is_known() {
        let rows = [one()];
        let capped = |rows| PredictionSheet {
            truth_cap: Some(125.0),
            ..PredictionSheet::of(rows)
        };
        let plain = "unit,cycle,rul,lower,upper,flags\n42,30,112.5,90.0,125.0,\n";
        assert_eq!(csv(capped(&rows)), plain);
        let known = [Prediction {
            truth: Some(140.0),
            interval: None,
            ..one()
        }];
        let expected =
            "unit,cycle,rul,lower,upper,truth,truth_capped,flags\n42,30,112.5,,,140.0,125.0,\n";
        assert_eq!(csv(capped(&known)), expected);
    }

    #[test]
    fn flags_and_alarms_are_columns() {
        let flag = |kind| Flag {
            kind,
            message: "m".to_owned(),
        };
        let rows = [
            one(),
            Prediction {
                flags: vec![flag(FlagKind::Gaps), flag(FlagKind::Age)],
                ..one()
            },
        ];
        let text = csv(PredictionSheet {
            alarms: Some(vec![false, true]),
            ..PredictionSheet::of(&rows)
        });
        assert_eq!(
            text,
            "unit,cycle,rul,lower,upper,flags,alarm\n42,30,112.5,90.0,125.0,,false\n42,30,112.5,90.0,125.0,gaps;age,true\n"
        );
        let table = predictions_table(&rows, Some(&[false, true]));
        assert!(
            table.contains("gaps, age") && table.lines().last().unwrap().ends_with("ALARM"),
            "{table}"
        );
        assert_eq!(table.matches("ALARM").count(), 1);
        assert!(!predictions_table(&rows[..1], None).contains("outside of training"));
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let rows = [one()];
        PredictionSheet::of(&rows)
            .write(&folder.path().join("rul.parquet"))
            .unwrap();
        assert!(matches!(
            PredictionSheet::of(&rows).write(&folder.path().join("rul.xlsx")),
            Err(ReportError::UnknownFormat(_))
        ));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
