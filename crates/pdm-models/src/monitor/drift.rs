//! Compares new units with those a model learnt from.

use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::summary::{Series, series};
use super::{Quantity, adjusted};
use crate::data::Trajectory;
use crate::features::FittedFeatures;
use pdm_core::statistics::{quantile, smallest_p, smirnov};

/// Thresholds for drift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DriftOptions {
    /// False discovery rate over all tests of one comparison.
    pub fdr: f64,
    /// Minimum number of units on either side.
    pub minimum_units: usize,
}

/// The result of comparing units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftVerdict {
    /// Nothing differs more than chance explains.
    None,
    /// Some quantity differs.
    Drift,
    /// There are too few units to decide.
    TooLittleData,
}

impl fmt::Display for DriftVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "no drift",
            Self::Drift => "drift",
            Self::TooLittleData => "too little data to say",
        })
    }
}

/// The differences between the units a model learnt from and others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    /// The verdict.
    pub verdict: DriftVerdict,
    /// Units the model learnt from.
    pub reference_units: usize,
    /// Units they were compared with.
    pub new_units: usize,
    /// Minimum number of units on either side.
    pub minimum_units: usize,
    /// False discovery rate over all tests.
    pub fdr: f64,
    /// The tests, the smallest q-value first; empty if there is too little data.
    pub tests: Vec<DriftRow>,
}

/// One test: one number per unit, on both sides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftRow {
    /// The sensor's column, or that of the cycle.
    pub channel: String,
    /// Operating regime, from 0; absent if there is only one, and for quantities without a regime.
    pub regime: Option<usize>,
    /// The quantity that was compared.
    pub quantity: Quantity,
    /// Largest distance between the two distributions, from 0 to 1.
    pub distance: f64,
    /// Probability of such a distance by chance (p-value).
    pub p: f64,
    /// The p-value, adjusted for the number of tests (q-value).
    pub q: f64,
    /// Whether this is drift at the false discovery rate.
    pub drifted: bool,
    /// Median over the reference units.
    pub reference_median: f64,
    /// Median over the new units.
    pub new_median: f64,
}

impl DriftRow {
    /// Returns its figures by name, for logs and trackers; `drifted` is 1 for drift.
    pub fn figures(&self) -> [(&'static str, f64); 6] {
        [
            ("distance", self.distance),
            ("p", self.p),
            ("q", self.q),
            ("drifted", if self.drifted { 1.0 } else { 0.0 }),
            ("training_median", self.reference_median),
            ("new_median", self.new_median),
        ]
    }
}

/// Compares units that ran to failure with those a model learnt from, in the model's own operating regimes.
pub fn drift(
    features: &FittedFeatures,
    reference: &[&Trajectory],
    new: &[&Trajectory],
    options: &DriftOptions,
) -> DriftReport {
    let mut report = DriftReport {
        verdict: DriftVerdict::TooLittleData,
        reference_units: reference.len(),
        new_units: new.len(),
        minimum_units: options.minimum_units,
        fdr: options.fdr,
        tests: Vec::new(),
    };
    if reference.len().min(new.len()) < options.minimum_units.max(1) {
        return report;
    }
    let pairs: Vec<_> = series(features, reference)
        .into_iter()
        .zip(series(features, new))
        .collect();
    let enough = |series: &Series| series.values.len() >= options.minimum_units.max(1);
    let judged = pairs
        .par_iter()
        .filter(|(old, new)| enough(old) && enough(new) && varies(old, new));
    let mut tests: Vec<_> = judged.filter_map(|(old, new)| test(old, new)).collect();
    // With very few units and many tests, no distance can be significant, so the verdict would mean nothing.
    if smallest_p(reference.len(), new.len()) * tests.len() as f64 > options.fdr {
        return report;
    }
    let q = adjusted(&tests.iter().map(|test| test.p).collect::<Vec<_>>());
    for (test, q) in tests.iter_mut().zip(q) {
        (test.q, test.drifted) = (q, q <= options.fdr);
    }
    tests.sort_by(|a, b| {
        a.q.total_cmp(&b.q)
            .then(a.p.total_cmp(&b.p))
            .then(b.distance.total_cmp(&a.distance))
    });
    let any = tests.iter().any(|test| test.drifted);
    report.verdict = if any {
        DriftVerdict::Drift
    } else {
        DriftVerdict::None
    };
    report.tests = tests;
    report
}

/// A constant quantity contains no information, and must not weaken the other tests.
fn varies(old: &Series, new: &Series) -> bool {
    let mut values = old.values.iter().chain(&new.values);
    let first = values.next();
    values.any(|value| Some(value) != first)
}

fn test(old: &Series, new: &Series) -> Option<DriftRow> {
    let found = smirnov(&old.values, &new.values)?;
    Some(DriftRow {
        channel: old.channel.clone(),
        regime: old.regime,
        quantity: old.quantity,
        distance: found.distance,
        p: found.p,
        q: 1.0,
        drifted: false,
        reference_median: median(&old.values),
        new_median: median(&new.values),
    })
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}

impl DriftReport {
    /// Returns the tests that are drift.
    pub fn drifted(&self) -> impl Iterator<Item = &DriftRow> {
        self.tests.iter().filter(|test| test.drifted)
    }

    /// Returns the verdict with its figures in one sentence, without a period.
    pub fn summary(&self) -> String {
        let Self {
            reference_units,
            new_units,
            minimum_units,
            fdr,
            ..
        } = self;
        let sides = format!("{new_units} new units against {reference_units} of training");
        match self.verdict {
            DriftVerdict::TooLittleData => {
                format!("too little data to say: {sides}, at least {minimum_units} needed")
            }
            DriftVerdict::None => match self.tests.first() {
                Some(least) => format!(
                    "none in {} tests, least q {:.2} ({least}): {sides}",
                    self.tests.len(),
                    least.q
                ),
                None => format!("no quantity varies: {sides}"),
            },
            DriftVerdict::Drift => {
                const NAMED: usize = 3;
                let drifted: Vec<_> = self.drifted().collect();
                let named: Vec<_> = drifted
                    .iter()
                    .take(NAMED)
                    .map(|test| test.describe())
                    .collect();
                let more = drifted.len().saturating_sub(NAMED);
                let more = if more > 0 {
                    format!(" and {more} more")
                } else {
                    String::new()
                };
                format!("{}{more}, FDR {fdr}: {sides}", named.join(", "))
            }
        }
    }
}

impl DriftRow {
    fn describe(&self) -> String {
        let Self {
            reference_median,
            new_median,
            q,
            ..
        } = self;
        format!("{self} {reference_median:.4} → {new_median:.4} (q {q:.1e})")
    }
}

impl fmt::Display for DriftRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.regime {
            None if self.quantity == Quantity::Life => write!(f, "{}", self.quantity),
            None => write!(f, "{} {}", self.channel, self.quantity),
            Some(regime) => write!(f, "{} {} in regime {regime}", self.channel, self.quantity),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{
        DatasetOptions, SimulateOptions, ValidDataset, ValidateOptions, ingest, simulate, validate,
    };
    use crate::features::{FeatureOptions, TargetOptions, fit};

    const OPTIONS: DriftOptions = DriftOptions {
        fdr: 0.01,
        minimum_units: 5,
    };

    fn fleet(regimes: u32, units: u32, seed: u64) -> ValidDataset {
        let folder = tempfile::tempdir().unwrap();
        let options = SimulateOptions {
            path: folder.path().to_owned(),
            regimes,
            train_units: units,
            test_units: 2,
            seed,
            ..SimulateOptions::default()
        };
        simulate(&options).write(folder.path()).unwrap();
        let raw = ingest(&DatasetOptions::Simulated(options), folder.path()).unwrap();
        validate(raw, &ValidateOptions::default()).dataset.unwrap()
    }

    /// The report on the units after the first `split`, changed by `change`, against those before.
    fn report(data: &ValidDataset, split: usize, change: impl Fn(&mut Trajectory)) -> DriftReport {
        let features = fit(
            &data.training(),
            &FeatureOptions::default(),
            &TargetOptions::default(),
            1,
        )
        .unwrap();
        let (old, new) = data.train().split_at(split);
        let mut new = new.to_vec();
        new.iter_mut().for_each(change);
        drift(
            &features,
            &old.iter().collect::<Vec<_>>(),
            &new.iter().collect::<Vec<_>>(),
            &OPTIONS,
        )
    }

    fn at(data: &ValidDataset, sensor: &str) -> usize {
        data.schema()
            .channels()
            .position(|name| name == sensor)
            .unwrap()
    }

    #[test]
    fn a_sensor_that_moved_is_named_and_no_other() {
        for regimes in [1, 6] {
            let data = fleet(regimes, 60, 3);
            let (t30, phi) = (at(&data, "s_3"), at(&data, "s_12"));
            let found = report(&data, 52, |unit| {
                unit.channels[t30]
                    .iter_mut()
                    .for_each(|value| *value += 12.0);
                unit.channels[phi]
                    .iter_mut()
                    .enumerate()
                    .for_each(|(row, value)| *value += [2.0, -2.0][row % 2]);
            });
            assert_eq!(found.verdict, DriftVerdict::Drift, "{}", found.summary());
            let named: std::collections::BTreeSet<_> = found
                .drifted()
                .map(|row| (row.channel.as_str(), row.quantity.to_string()))
                .collect();
            assert!(named.contains(&("s_3", "level".to_owned())), "{named:?}");
            assert!(named.contains(&("s_12", "noise".to_owned())), "{named:?}");
            assert!(
                named
                    .iter()
                    .all(|(sensor, _)| ["s_3", "s_12"].contains(sensor)),
                "{named:?}"
            );
        }
    }

    /// At a false discovery rate of 1 % a comparison without drift has one false alarm in a hundred.
    #[test]
    fn the_same_process_rarely_looks_like_drift() {
        let false_alarms = (0..24).filter(|seed| {
            let found = report(&fleet(1, 48, 100 + seed), 40, |_| {});
            assert!(found.tests.len() > 20, "{}", found.tests.len());
            found.verdict == DriftVerdict::Drift
        });
        let false_alarms = false_alarms.count();
        assert!(false_alarms <= 2, "{false_alarms} of 24");
    }

    #[test]
    fn rows_do_not_count_as_units() {
        // A thousand rows of four units are four numbers.
        let data = fleet(1, 30, 5);
        let found = report(&data, 26, |unit| {
            unit.channels
                .iter_mut()
                .flatten()
                .for_each(|value| *value += 1e6)
        });
        assert_eq!(
            (found.verdict, found.tests.len()),
            (DriftVerdict::TooLittleData, 0)
        );
        assert_eq!(
            found.summary(),
            "too little data to say: 4 new units against 26 of training, at least 5 needed"
        );
    }
}
