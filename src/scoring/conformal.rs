use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::options::refuse;
use super::rows::{Row, admit, by_unit};
use super::scale::Scale;
use super::{CalibrateOptions, CalibrationMethod, Protocol, ScoringError};
use crate::content::Digest;
use crate::domain::{Interval, Prediction, UnitId};

/// Parts the units are divided into where intervals must not be judged on the units that calibrated them.
const PARTS: usize = 5;

/// Turns predictions into intervals that hold the truth of a stated share of units.
///
/// Split conformal prediction (Vovk, Gammerman, Shafer 2005; Lei et al., JASA 113, 2018) on out-of-fold predictions.
/// What is exchangeable is the unit, so each calibration unit gives one residual `|d|`, at one of its cuts drawn by
/// seed. With n units and coverage c the interval is `prediction ± q`, where q is the ⌈(n+1)·c⌉-th smallest residual.
/// The scaled form divides residuals by the mean `|d|` of all cuts with a similar prediction, and multiplies q by it
/// again: narrow near failure, wide far from it. The residual of a unit is divided by the curve the other units give:
/// with its own error in the curve it would look smaller than that of a new unit (by simulation, a point of coverage).
///
/// The truth is that of the protocol. Under a truth capped at c the interval speaks of `min(rul, c)`, so neither its
/// centre nor its upper end is above c, and an upper end of c says "c or more". Under an uncapped truth the upper end is
/// free. The lower end is at least 0. Coverage holds for units cut as the calibration units were cut, and on average
/// over units, not at every prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    method: CalibrationMethod,
    coverage: f64,
    scaled: bool,
    units: usize,
    rows: usize,
    truth_cap: Option<f64>,
    clip: Interval,
    /// The ⌈(n+1)·c⌉-th smallest residual: in cycles in the plain form, in usual magnitudes in the scaled one.
    quantile: f64,
    scale: Scale,
    /// Digest of the protocol the calibration predictions were made under.
    protocol: Digest,
}

impl Conformal {
    /// Calibrates on out-of-fold predictions with truths.
    ///
    /// # Errors
    /// Options out of range, predictions that [`super::score`] would refuse, or too few units for the coverage: n units
    /// reach at most n / (n + 1).
    pub fn fit(
        predictions: &[Prediction],
        options: &CalibrateOptions,
        protocol: &Protocol,
        seed: u64,
    ) -> Result<Self, ScoringError> {
        refuse(options.problems())?;
        let rows = admit(predictions, protocol)?;
        let units: Vec<_> = by_unit(&rows).collect();
        Self::of_units(&units, options, protocol, seed)
    }

    /// Returns out-of-fold predictions with intervals that were calibrated without the unit they belong to.
    ///
    /// The units are dealt into five parts by seed, and each part gets the intervals of the other four: what an honest
    /// coverage is scored on where there is no test part.
    ///
    /// # Errors
    /// As [`Conformal::fit`], with four fifths of the units to calibrate on.
    pub fn cross_calibrated(
        predictions: &[Prediction],
        options: &CalibrateOptions,
        protocol: &Protocol,
        seed: u64,
    ) -> Result<Vec<Prediction>, ScoringError> {
        refuse(options.problems())?;
        let rows = admit(predictions, protocol)?;
        let part_of = deal(&rows, seed);
        let without = |part: usize| {
            let others: Vec<_> = by_unit(&rows).filter(|cuts| part_of[&cuts[0].unit] != part).collect();
            Self::of_units(&others, options, protocol, seed)
        };
        let conformals = (0..PARTS).map(without).collect::<Result<Vec<_>, _>>()?;
        let calibrate = |p: &Prediction| {
            let interval = conformals[part_of[&p.unit]].interval(p.rul);
            Prediction { interval: Some(interval), ..p.clone() }
        };
        Ok(predictions.iter().map(calibrate).collect())
    }

    /// Returns the interval for a prediction in cycles, which is clipped as the protocol says; `NaN` ends for `NaN`.
    pub fn interval(&self, rul: f64) -> Interval {
        if rul.is_nan() {
            return Interval { lower: f64::NAN, upper: f64::NAN };
        }
        let most = self.truth_cap.unwrap_or(f64::INFINITY);
        let centre = rul.max(self.clip.lower).min(self.clip.upper).min(most);
        let reach = self.quantile * self.scale.at(centre);
        Interval { lower: (centre - reach).max(0.0), upper: (centre + reach).min(most).max(0.0) }
    }

    /// Returns the share of units whose truth an interval should hold.
    pub fn coverage(&self) -> f64 {
        self.coverage
    }

    /// Returns the number of units that calibrated the intervals.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Returns the cap on the truth the intervals speak of, in cycles.
    pub fn truth_cap(&self) -> Option<f64> {
        self.truth_cap
    }

    /// Returns the digest of the protocol the calibration predictions were made under.
    pub fn protocol(&self) -> Digest {
        self.protocol
    }

    fn of_units(
        units: &[&[Row]],
        options: &CalibrateOptions,
        protocol: &Protocol,
        seed: u64,
    ) -> Result<Self, ScoringError> {
        let CalibrateOptions { method, scaled, coverage } = *options;
        let units = units.iter().map(|cuts| capped(cuts, protocol)).collect::<Vec<_>>();
        let rows: Vec<&Row> = units.iter().flatten().collect();
        let scale_of = |rows: &[&Row]| if scaled { Scale::fit(rows) } else { Scale::constant() };
        let residual = |cut: &Row| {
            let others: Vec<_> = rows.iter().copied().filter(|row| row.unit != cut.unit).collect();
            cut.error().abs() / scale_of(&others).at(cut.predicted)
        };
        let residuals = one_cut_each(&units, seed).into_par_iter().map(residual).collect();
        let scale = scale_of(&rows);
        let quantile = conformal_quantile(residuals, coverage)?;
        let (units, rows, protocol_digest) = (units.len(), rows.len(), protocol.digest());
        let Protocol { truth_cap, clip, .. } = *protocol;
        Ok(Self { method, coverage, scaled, units, rows, truth_cap, clip, quantile, scale, protocol: protocol_digest })
    }
}

/// Deals the units of sorted rows into parts whose sizes differ by at most one.
fn deal(rows: &[Row], seed: u64) -> BTreeMap<&UnitId, usize> {
    let mut units: Vec<_> = by_unit(rows).map(|cuts| &cuts[0].unit).collect();
    // A stream of its own: the choice of cuts draws from the first.
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1);
    units.shuffle(&mut rng);
    units.into_iter().enumerate().map(|(i, unit)| (unit, i % PARTS)).collect()
}

/// Returns the cuts with predictions no larger than the truth can be: the centres of the intervals.
fn capped(cuts: &[Row], protocol: &Protocol) -> Vec<Row> {
    cuts.iter().map(|row| Row { predicted: protocol.truth(row.predicted), ..row.clone() }).collect()
}

/// Returns one cut of each unit; residuals of one unit are alike, so more of them would overstate what is known.
fn one_cut_each(units: &[Vec<Row>], seed: u64) -> Vec<&Row> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    units.iter().map(|cuts| &cuts[rng.random_range(0..cuts.len())]).collect()
}

/// Returns the ⌈(n+1)·coverage⌉-th smallest of n residuals.
fn conformal_quantile(mut residuals: Vec<f64>, coverage: f64) -> Result<f64, ScoringError> {
    let units = residuals.len();
    let rank = rank(units, coverage);
    if rank > units {
        let need = (coverage / (1.0 - coverage) - 1e-6).ceil() as usize;
        return Err(ScoringError::Uncalibratable { coverage, units, need });
    }
    residuals.sort_by(f64::total_cmp);
    Ok(residuals[rank - 1])
}

/// Returns whether intervals can be calibrated at a coverage with this many units, four fifths of them where the
/// coverage itself is to be judged out of fold.
pub fn is_reachable(units: usize, coverage: f64) -> bool {
    let others = units - units.div_ceil(PARTS);
    rank(others, coverage) <= others
}

fn rank(units: usize, coverage: f64) -> usize {
    // The product of, say, 20 and 0.95 must not round up to just above 19.
    ((units as f64 + 1.0) * coverage - 1e-9).ceil().max(1.0) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scoring::samples::{fleet, out_of_fold_protocol, prediction, test_protocol, wavy_errors};
    use crate::scoring::{BootstrapOptions, Metric, score};

    fn options(scaled: bool, coverage: f64) -> CalibrateOptions {
        CalibrateOptions { scaled, coverage, ..Default::default() }
    }

    fn covered(conformal: &Conformal, predictions: &[Prediction], protocol: &Protocol) -> f64 {
        let holds = |p: &&Prediction| conformal.interval(p.rul).contains(protocol.truth(p.truth.unwrap()));
        predictions.iter().filter(holds).count() as f64 / predictions.len() as f64
    }

    /// Mean coverage of new units over many draws of calibration units, and the mean width at predictions under 20.
    fn simulate(scaled: bool, units: usize, truth_cap: Option<f64>) -> (f64, f64) {
        let protocol = Protocol { truth_cap, ..out_of_fold_protocol(units, 4) };
        let draws = 300;
        let (mut share, mut width) = (0.0, 0.0);
        for seed in 0..draws {
            let conformal = Conformal::fit(&fleet(units, 4, seed), &options(scaled, 0.9), &protocol, seed).unwrap();
            share += covered(&conformal, &fleet(100, 1, 10_000 + seed), &protocol);
            width += conformal.interval(10.0).width();
        }
        (share / draws as f64, width / draws as f64)
    }

    #[test]
    fn plain_intervals_of_mapie_and_numpy() {
        // mapie 1.6.0 SplitConformalRegressor(prefit=True) on predictions 20 + 1.5 i and the wavy errors, at 50 cycles;
        // numpy.sort(abs(d))[ceil((n + 1) * c) - 1] says the same.
        for (units, coverage, half_width) in
            [(60, 0.9, 13.345457924585066), (60, 0.95, 13.86044787492244), (25, 0.8, 11.521999611915753)]
        {
            let protocol = Protocol { clip: Interval { lower: 0.0, upper: 1e3 }, ..test_protocol(units) };
            let predictions: Vec<_> = (0..units as u32)
                .zip(wavy_errors(units))
                .map(|(i, d)| prediction(i, 50, 20.0 + 1.5 * f64::from(i), 20.0 + 1.5 * f64::from(i) - d))
                .collect();
            // Truths must not be negative; shifting both leaves the residuals alone.
            let shifted: Vec<_> = predictions
                .into_iter()
                .map(|p| Prediction { rul: p.rul + 100.0, truth: p.truth.map(|t| t + 100.0), ..p })
                .collect();
            let conformal = Conformal::fit(&shifted, &options(false, coverage), &protocol, 1).unwrap();
            let Interval { lower, upper } = conformal.interval(50.0);
            assert!((lower - (50.0 - half_width)).abs() < 1e-9 && (upper - (50.0 + half_width)).abs() < 1e-9);
        }
    }

    #[test]
    fn coverage_of_new_units_is_what_was_asked_for() {
        let cases =
            [(false, 40, None), (true, 20, None), (true, 80, None), (false, 80, Some(100.0)), (true, 80, Some(100.0))];
        for (scaled, units, cap) in cases {
            let (share, _) = simulate(scaled, units, cap);
            assert!((0.893..0.93).contains(&share), "scaled {scaled}, {units} units, cap {cap:?}: {share}");
        }
    }

    #[test]
    fn scaled_intervals_are_narrower_near_failure() {
        let ((_, plain), (_, scaled)) = (simulate(false, 80, None), simulate(true, 80, None));
        assert!(scaled < 0.6 * plain, "{scaled} against {plain}");
    }

    #[test]
    fn too_few_units_are_said_so() {
        let fit =
            |units, coverage| Conformal::fit(&fleet(units, 1, 3), &options(true, coverage), &test_protocol(units), 3);
        assert_eq!(fit(8, 0.9), Err(ScoringError::Uncalibratable { coverage: 0.9, units: 8, need: 9 }));
        assert_eq!(fit(5, 0.95), Err(ScoringError::Uncalibratable { coverage: 0.95, units: 5, need: 19 }));
        assert!(fit(9, 0.9).is_ok() && fit(19, 0.95).is_ok());
        assert!(matches!(fit(19, 1.0 - 1e-15), Err(ScoringError::Uncalibratable { .. })));
        assert!(matches!(fit(19, 1.0), Err(ScoringError::Options { .. })));
        assert_eq!(
            fit(8, 0.9).unwrap_err().to_string(),
            "intervals cannot be calibrated at 90.0000 % coverage with 8 units: at least 9 are needed"
        );
    }

    #[test]
    fn ends_stay_within_what_the_truth_can_be() {
        let fit = |truth_cap| {
            let protocol = Protocol { truth_cap, ..out_of_fold_protocol(60, 4) };
            Conformal::fit(&fleet(60, 4, 1), &options(true, 0.9), &protocol, 1).unwrap()
        };
        let (capped, free) = (fit(Some(125.0)), fit(None));
        assert_eq!((capped.interval(125.0).upper, capped.interval(900.0).upper), (125.0, 125.0));
        assert!(free.interval(125.0).upper > 125.0);
        assert_eq!((capped.interval(0.0).lower, free.interval(-7.0).lower), (0.0, 0.0));
        assert!(free.interval(f64::NAN).lower.is_nan());
    }

    #[test]
    fn json_keeps_every_interval() {
        let protocol = Protocol { truth_cap: Some(125.0), ..out_of_fold_protocol(60, 4) };
        let conformal = Conformal::fit(&fleet(60, 4, 1), &options(true, 0.9), &protocol, 1).unwrap();
        let json = serde_json::to_string(&conformal).unwrap();
        let back: Conformal = serde_json::from_str(&json).unwrap();
        assert_eq!((&back, serde_json::to_string(&back).unwrap()), (&conformal, json));
        assert_eq!(back.interval(33.3), conformal.interval(33.3));
    }

    #[test]
    fn cross_calibrated_intervals_cover_what_they_have_not_seen() {
        let protocol = out_of_fold_protocol(200, 4);
        let predictions = fleet(200, 4, 5);
        let calibrated = Conformal::cross_calibrated(&predictions, &options(true, 0.9), &protocol, 5).unwrap();
        assert!(calibrated.iter().all(|p| p.interval.is_some()));
        let card = score(&calibrated, protocol, 60.0, &BootstrapOptions::default(), 5).unwrap();
        let coverage = card.score(Metric::Coverage).unwrap();
        assert!(coverage.lower < 0.9 && 0.9 < coverage.upper, "{coverage:?}");
    }

    #[test]
    fn a_units_own_truth_does_not_move_its_cross_calibrated_interval() {
        let protocol = test_protocol(50);
        let mut predictions = fleet(50, 1, 5);
        let run = |p: &[Prediction]| Conformal::cross_calibrated(p, &options(true, 0.9), &protocol, 5).unwrap();
        let before = run(&predictions);
        predictions[17].truth = Some(1e4);
        let after = run(&predictions);
        assert_eq!(before[17].interval, after[17].interval);
        assert!(before.iter().zip(&after).any(|(a, b)| a.interval != b.interval));
    }
}
