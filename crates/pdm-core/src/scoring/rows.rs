//! Predictions prepared for scoring.

use super::{Protocol, ScoringError};
use crate::domain::{Cycle, Interval, Prediction, UnitId};

/// One prediction under the protocol: clipped, with the truth it is scored against.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScoredRow {
    pub(super) unit: UnitId,
    pub(super) cycle: Cycle,
    pub(super) predicted: f64,
    pub(super) truth: f64,
    pub(super) interval: Option<Interval>,
}

impl ScoredRow {
    pub(super) fn error(&self) -> f64 {
        self.predicted - self.truth
    }
}

/// Returns the rows in order of unit, then cycle: the same whatever the order of the predictions.
pub(super) fn admit(
    predictions: &[Prediction],
    protocol: &Protocol,
) -> Result<Vec<ScoredRow>, ScoringError> {
    protocol.check()?;
    let mut rows = predictions
        .iter()
        .map(|prediction| row(prediction, protocol))
        .collect::<Result<Vec<_>, _>>()?;
    rows.sort_by(|a, b| (&a.unit, a.cycle).cmp(&(&b.unit, b.cycle)));
    require_distinct(&rows)?;
    require_intervals(&rows)?;
    require_every_unit(&rows, protocol)?;
    Ok(rows)
}

/// Splits sorted rows into the rows of each unit.
pub(super) fn by_unit(rows: &[ScoredRow]) -> impl Iterator<Item = &[ScoredRow]> {
    rows.chunk_by(|a, b| a.unit == b.unit)
}

fn row(prediction: &Prediction, protocol: &Protocol) -> Result<ScoredRow, ScoringError> {
    let Prediction {
        unit,
        cycle,
        rul,
        interval,
        truth,
        flags: _,
    } = prediction;
    let unit = unit.clone();
    let cycle = *cycle;
    let Some(truth) = *truth else {
        return Err(ScoringError::MissingTruth { unit, cycle });
    };
    let bad = |what, value, expected| ScoringError::BadValue {
        what,
        unit: unit.clone(),
        cycle,
        value,
        expected,
    };
    if !rul.is_finite() {
        return Err(bad("predicted life", *rul, "a finite number of cycles"));
    }
    if !(truth.is_finite() && truth >= 0.0) {
        return Err(bad("true life", truth, "a finite number of cycles from 0"));
    }
    if let Some(Interval { lower, upper }) = *interval {
        if !(lower.is_finite() && upper.is_finite()) {
            let end = if lower.is_finite() { upper } else { lower };
            return Err(bad("interval", end, "a finite number of cycles"));
        }
        if lower > upper {
            return Err(bad(
                "interval's lower end",
                lower,
                "a number up to the upper end",
            ));
        }
    }
    let predicted = rul.max(protocol.clip.lower).min(protocol.clip.upper);
    Ok(ScoredRow {
        unit,
        cycle,
        predicted,
        truth: protocol.truth(truth),
        interval: *interval,
    })
}

fn require_distinct(rows: &[ScoredRow]) -> Result<(), ScoringError> {
    match rows
        .windows(2)
        .find(|pair| (&pair[0].unit, pair[0].cycle) == (&pair[1].unit, pair[1].cycle))
    {
        Some([row, ..]) => Err(ScoringError::Duplicate {
            unit: row.unit.clone(),
            cycle: row.cycle,
        }),
        _ => Ok(()),
    }
}

fn require_intervals(rows: &[ScoredRow]) -> Result<(), ScoringError> {
    if rows.iter().all(|row| row.interval.is_none()) {
        return Ok(());
    }
    match rows.iter().find(|row| row.interval.is_none()) {
        Some(row) => Err(ScoringError::MissingInterval {
            unit: row.unit.clone(),
            cycle: row.cycle,
        }),
        None => Ok(()),
    }
}

fn require_every_unit(rows: &[ScoredRow], protocol: &Protocol) -> Result<(), ScoringError> {
    if rows.is_empty() {
        return Err(ScoringError::Empty);
    }
    let allowed = protocol.cuts.most_per_unit();
    if let Some(cuts) = by_unit(rows).find(|cuts| cuts.len() > allowed) {
        return Err(ScoringError::CutCount {
            unit: cuts[0].unit.clone(),
            allowed,
            found: cuts.len(),
        });
    }
    match by_unit(rows).count() {
        found if found == protocol.units => Ok(()),
        found => Err(ScoringError::UnitCount {
            expected: protocol.units,
            found,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::samples::{prediction, test_protocol};

    fn refusal(predictions: &[Prediction], units: usize) -> String {
        admit(predictions, &test_protocol(units))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn predictions_are_clipped_and_sorted() {
        let rows = admit(
            &[
                prediction(10, 5, 140.0, 20.0),
                prediction(2, 7, -3.0, 150.0),
            ],
            &test_protocol(2),
        )
        .unwrap();
        let seen: Vec<_> = rows
            .iter()
            .map(|row| (row.unit.as_str(), row.predicted, row.truth))
            .collect();
        assert_eq!(seen, [("2", 0.0, 150.0), ("10", 125.0, 20.0)]);
    }

    #[test]
    fn the_truth_is_capped_by_the_protocol() {
        let protocol = Protocol {
            truth_cap: Some(125.0),
            ..test_protocol(1)
        };
        assert_eq!(
            admit(&[prediction(1, 9, 130.0, 150.0)], &protocol).unwrap()[0].error(),
            0.0
        );
    }

    #[test]
    fn what_cannot_be_scored_is_refused_by_name() {
        let good = prediction(1, 9, 30.0, 31.0);
        let unknown = Prediction {
            truth: None,
            ..prediction(7, 9, 30.0, 0.0)
        };
        assert_eq!(refusal(&[], 0), "there are no predictions to score");
        assert!(refusal(&[good.clone(), unknown], 2).starts_with("unit 7 at cycle 9 has no true"));
        assert!(
            refusal(&[prediction(3, 4, f64::NAN, 1.0)], 1)
                .contains("predicted life of unit 3 at cycle 4 is NaN")
        );
        assert!(
            refusal(&[prediction(3, 4, 1.0, -1.0)], 1)
                .contains("true life of unit 3 at cycle 4 is -1")
        );
        assert_eq!(
            refusal(&[good.clone(), good.clone()], 1),
            "unit 1 at cycle 9 is predicted more than once"
        );
        assert!(
            refusal(&[good.clone(), prediction(1, 8, 1.0, 1.0)], 1)
                .contains("unit 1 is predicted at 2 cycles")
        );
        assert!(
            refusal(std::slice::from_ref(&good), 2)
                .contains("all of 2 units, but there are predictions for 1")
        );
        let interval = |lower, upper| Prediction {
            interval: Some(Interval { lower, upper }),
            ..good.clone()
        };
        let other = prediction(2, 9, 30.0, 31.0);
        assert!(
            refusal(&[interval(1.0, 2.0), other], 2)
                .starts_with("unit 2 at cycle 9 has no interval")
        );
        assert!(
            refusal(&[interval(1.0, f64::INFINITY)], 1)
                .contains("interval of unit 1 at cycle 9 is inf")
        );
        assert!(
            refusal(&[interval(3.0, 2.0)], 1)
                .contains("interval's lower end of unit 1 at cycle 9 is 3")
        );
    }

    #[test]
    fn an_impossible_protocol_is_refused() {
        let base = test_protocol(1);
        let clip = Protocol {
            clip: Interval {
                lower: 5.0,
                upper: 5.0,
            },
            ..base.clone()
        };
        let cap = Protocol {
            truth_cap: Some(f64::NAN),
            ..base
        };
        for protocol in [clip, cap] {
            assert!(matches!(
                admit(&[prediction(1, 1, 1.0, 1.0)], &protocol),
                Err(ScoringError::Protocol(_))
            ));
        }
    }
}
