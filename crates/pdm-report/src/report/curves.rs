//! Learning curves.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ReportError, Sheet, chart};

/// One number that was logged while a model was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Name of the metric, such as `gru/loss`.
    pub metric: String,
    /// The part of the work it was logged in, such as `fold-1` or `final`; may be empty.
    pub part: String,
    /// Step of the optimiser or boosting round.
    pub step: u64,
    /// The number.
    pub value: f64,
}

/// Learning curves: a line for each metric and part, with one point per step.
///
/// If a step is logged twice, as by a fit that resumes from a checkpoint, the later point counts. Values that are not
/// finite are left out. The order of the points does not matter.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curves {
    metrics: BTreeMap<String, BTreeMap<PartKey, Curve>>,
}

/// Step and value, in order of step.
pub(super) type Curve = BTreeMap<u64, f64>;

/// Sorts parts by number: `fold-2` before `fold-10`, and parts that start with `final` last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PartKey {
    last: bool,
    padded: String,
    pub(super) name: String,
}

impl PartKey {
    fn new(name: &str) -> Self {
        let digits = |text: &str| text.chars().next().is_some_and(|c| c.is_ascii_digit());
        let chunks = name
            .as_bytes()
            .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
        let padded = chunks.map(|chunk| {
            let text = String::from_utf8_lossy(chunk);
            if digits(&text) {
                format!("{text:0>20}")
            } else {
                text.into_owned()
            }
        });
        Self {
            last: name.starts_with("final"),
            padded: padded.collect(),
            name: name.to_owned(),
        }
    }

    /// Returns whether this is the fit on all units.
    pub(super) fn is_final(&self) -> bool {
        self.last
    }
}

impl Curves {
    /// Adds a point.
    pub fn add(&mut self, point: CurvePoint) {
        if point.value.is_finite() {
            let parts = self.metrics.entry(point.metric).or_default();
            parts
                .entry(PartKey::new(&point.part))
                .or_default()
                .insert(point.step, point.value);
        }
    }

    /// Returns whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.metrics.is_empty()
    }

    /// Returns the points, in order of metric, part and step.
    pub fn points(&self) -> Vec<CurvePoint> {
        let mut points = Vec::new();
        for (metric, part, line) in self.lines() {
            points.extend(line.iter().map(|(step, value)| CurvePoint {
                metric: metric.to_owned(),
                part: part.name.clone(),
                step: *step,
                value: *value,
            }));
        }
        points
    }

    /// Returns the points as CSV: `metric,part,step,value`.
    ///
    /// # Errors
    /// Never in practice: the columns have one length.
    pub fn csv(&self) -> Result<Vec<u8>, ReportError> {
        let points = self.points();
        let text =
            |of: fn(&CurvePoint) -> &str| points.iter().map(|point| of(point).to_owned()).collect();
        Sheet::default()
            .text("metric", text(|point| &point.metric))
            .text("part", text(|point| &point.part))
            .whole(
                "step",
                points
                    .iter()
                    .map(|point| u32::try_from(point.step).unwrap_or(u32::MAX))
                    .collect(),
            )
            .number(
                "value",
                points.iter().map(|point| Some(point.value)).collect(),
            )
            .csv()
    }

    /// Returns the curves as SVG: a panel for each metric, with a line for each part; the same points give the same
    /// bytes. Colours follow the reader's preference for light or dark.
    pub fn svg(&self, title: &str) -> String {
        chart::draw(self, title)
    }

    pub(super) fn metrics(&self) -> impl Iterator<Item = (&str, &BTreeMap<PartKey, Curve>)> {
        self.metrics
            .iter()
            .map(|(name, parts)| (name.as_str(), parts))
    }

    /// Returns the parts of all metrics together.
    pub(super) fn parts(&self) -> Vec<PartKey> {
        let parts: BTreeSet<_> = self.lines().map(|(_, part, _)| part.clone()).collect();
        parts.into_iter().collect()
    }

    fn lines(&self) -> impl Iterator<Item = (&str, &PartKey, &Curve)> {
        self.metrics()
            .flat_map(|(metric, parts)| parts.iter().map(move |(part, line)| (metric, part, line)))
    }
}

impl FromIterator<CurvePoint> for Curves {
    fn from_iter<I: IntoIterator<Item = CurvePoint>>(points: I) -> Self {
        let mut curves = Self::default();
        for point in points {
            curves.add(point);
        }
        curves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(metric: &str, part: &str, step: u64, value: f64) -> CurvePoint {
        CurvePoint {
            metric: metric.into(),
            part: part.into(),
            step,
            value,
        }
    }

    #[test]
    fn points_come_in_any_order_and_the_later_of_two_counts() {
        let points = [
            point("gru/loss", "final", 20, 0.5),
            point("gru/loss", "fold-10", 20, 0.4),
            point("gru/loss", "fold-2", 40, 9.0),
            point("gru/loss", "fold-2", 20, 0.25),
            point("gru/loss", "fold-2", 40, 0.125),
            point("gru/loss", "fold-2", 60, f64::NAN),
        ];
        let curves: Curves = points.into_iter().collect();
        insta::assert_snapshot!(String::from_utf8(curves.csv().unwrap()).unwrap(), @"
        metric,part,step,value
        gru/loss,fold-2,20,0.25
        gru/loss,fold-2,40,0.125
        gru/loss,fold-10,20,0.4
        gru/loss,final,20,0.5
        ");
        assert_eq!(
            curves.points().into_iter().rev().collect::<Curves>(),
            curves
        );
    }

    #[test]
    fn numbers_that_are_not_finite_make_no_curve() {
        let curves: Curves = [point("gru/loss", "fold-1", 1, f64::INFINITY)]
            .into_iter()
            .collect();
        assert!(curves.is_empty() && curves.points().is_empty());
    }
}
