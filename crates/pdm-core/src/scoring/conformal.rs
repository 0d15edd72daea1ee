//! Conformal calibration of intervals.

use std::collections::BTreeMap;
use std::ops::Range;

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::options::refuse;
use super::rows::{ScoredRow, admit, by_unit};
use super::scale::{ErrorScale, Ordered};
use super::{CalibrateOptions, CalibrationMethod, Protocol, ScoringError};
use crate::content::Digest;
use crate::domain::{Interval, Prediction, UnitId};

/// Number of parts of the units for intervals that are calibrated without the units they belong to.
const PARTS: usize = 5;

/// Turns predictions into intervals that cover the truth of a stated share of units.
///
/// Split conformal prediction (Vovk, Gammerman, Shafer 2005; Lei et al., JASA 113, 2018) on out-of-fold predictions.
/// Units are exchangeable, not rows, so each calibration unit gives one residual `|d|`, at one of its cuts drawn by seed.
/// With n units and coverage c the interval is `prediction ± q`, where q is the ⌈(n+1)·c⌉-th smallest residual. The scaled
/// form divides residuals by the mean `|d|` of all cuts with a similar prediction, and multiplies q by it again: narrow near
/// failure, wide far from it. The residual of a unit is divided by the curve of the other units: with its own error in the
/// curve it would look smaller than that of a new unit (by simulation, a point of coverage).
///
/// With the method `quantile` the model itself returns an interval `[lower, upper]`, and the residual is the distance of the
/// truth from it, `max(lower − truth, truth − upper)`, negative inside. The interval is `[lower − q, upper + q]`
/// (conformalized quantile regression: Romano, Patterson, Candès, NeurIPS 2019). The model's interval, and this one, are
/// widened to the clipped prediction where they exclude it.
///
/// The truth is that of the protocol. With a truth capped at c the interval is for `min(rul, c)`, so neither its centre nor
/// its upper end is above c, and an upper end of c means "c or more". With an uncapped truth the upper end is not limited.
/// The lower end is at least 0. Coverage holds for units that are cut like the calibration units, and on average over units,
/// not at every prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    method: CalibrationMethod,
    coverage: f64,
    scaled: bool,
    units: usize,
    rows: usize,
    truth_cap: Option<f64>,
    clip: Interval,
    /// The ⌈(n+1)·c⌉-th smallest residual: relative to the usual magnitude in the scaled form, else in cycles.
    quantile: f64,
    scale: ErrorScale,
    /// Digest of the protocol the calibration predictions were made under.
    protocol: Digest,
}

impl Conformal {
    /// Calibrates on out-of-fold predictions with truths.
    ///
    /// # Errors
    /// Options are out of range, [`super::score`] would refuse the predictions, the model has no intervals for the method
    /// `quantile`, or there are too few units for the coverage: n units reach at most n / (n + 1).
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

    /// Returns out-of-fold predictions with intervals that are calibrated without the unit they belong to.
    ///
    /// The units are divided into five parts by seed, and each part gets the intervals of the other four, to score the coverage
    /// without a test part.
    ///
    /// # Errors
    /// Those of [`Conformal::fit`], with four fifths of the units for calibration.
    pub fn cross_calibrated(
        predictions: &[Prediction],
        options: &CalibrateOptions,
        protocol: &Protocol,
        seed: u64,
    ) -> Result<Vec<Prediction>, ScoringError> {
        refuse(options.problems())?;
        let rows = admit(predictions, protocol)?;
        let part_of = assign_parts(&rows, seed);
        let without = |part: usize| {
            let others: Vec<_> = by_unit(&rows)
                .filter(|cuts| part_of[&cuts[0].unit] != part)
                .collect();
            Self::of_units(&others, options, protocol, seed)
        };
        let conformals = (0..PARTS).map(without).collect::<Result<Vec<_>, _>>()?;
        let calibrate = |p: &Prediction| {
            let interval = conformals[part_of[&p.unit]].interval(p.rul, p.interval);
            Prediction {
                interval: Some(interval),
                ..p.clone()
            }
        };
        Ok(predictions.iter().map(calibrate).collect())
    }

    /// Returns the interval for a prediction in cycles, which is clipped by the protocol, and for the interval of the model
    /// itself, which only `quantile` uses; the ends are `NaN` if these inputs are absent or `NaN`.
    pub fn interval(&self, rul: f64, own: Option<Interval>) -> Interval {
        let most = self.truth_cap.unwrap_or(f64::INFINITY);
        let centre = rul.max(self.clip.lower).min(self.clip.upper).min(most);
        let reach = self.quantile * self.scale.at(centre);
        const UNKNOWN: Interval = Interval {
            lower: f64::NAN,
            upper: f64::NAN,
        };
        if rul.is_nan() {
            return UNKNOWN;
        }
        match self.method {
            CalibrationMethod::SplitConformal => Interval {
                lower: (centre - reach).max(0.0),
                upper: (centre + reach).min(most).max(0.0),
            },
            CalibrationMethod::Quantile => {
                let Some(own) = own.filter(|own| own.lower <= own.upper) else {
                    return UNKNOWN;
                };
                let own = around(own, centre);
                let wider = around(
                    Interval {
                        lower: own.lower - reach,
                        upper: own.upper + reach,
                    },
                    centre,
                );
                Interval {
                    lower: wider.lower.max(0.0),
                    upper: wider.upper.min(most).max(0.0),
                }
            }
        }
    }

    /// Returns what is invalid in a calibration that was read from a file, as a fragment.
    pub fn problem(&self) -> Option<String> {
        if !(self.coverage > 0.0 && self.coverage < 1.0) {
            return Some(format!(
                "has the coverage {}, which is not between 0 and 1",
                self.coverage
            ));
        }
        if let Some(cap) = self
            .truth_cap
            .filter(|cap| !(*cap > 0.0 && cap.is_finite()))
        {
            return Some(format!("caps the truth at {cap}"));
        }
        let Interval { lower, upper } = self.clip;
        if !(0.0 <= lower && lower <= upper) {
            return Some(format!("clips predictions to [{lower}, {upper}]"));
        }
        if self.method == CalibrationMethod::SplitConformal && self.quantile < 0.0 {
            return Some(format!("has the negative residual {}", self.quantile));
        }
        self.scale.problem()
    }

    /// Returns whether it needs the interval of the model itself.
    pub fn reads_intervals(&self) -> bool {
        self.method == CalibrationMethod::Quantile
    }

    /// Returns the share of units whose truth an interval should cover.
    pub fn coverage(&self) -> f64 {
        self.coverage
    }

    /// Returns the number of units that calibrated the intervals.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Returns the cap on the truth of the intervals, in cycles.
    pub fn truth_cap(&self) -> Option<f64> {
        self.truth_cap
    }

    /// Returns the digest of the protocol the calibration predictions were made under.
    pub fn protocol(&self) -> Digest {
        self.protocol
    }

    fn of_units(
        units: &[&[ScoredRow]],
        options: &CalibrateOptions,
        protocol: &Protocol,
        seed: u64,
    ) -> Result<Self, ScoringError> {
        let CalibrateOptions {
            method, coverage, ..
        } = *options;
        let scaled = options.scaled && method == CalibrationMethod::SplitConformal;
        let units = units
            .iter()
            .map(|cuts| capped(cuts, protocol))
            .collect::<Vec<_>>();
        let rows: Vec<&ScoredRow> = units.iter().flatten().collect();
        let ordered = scaled.then(|| Ordered::new(&rows));
        let chosen = one_cut_each(&units, seed);
        let mut judged = Vec::with_capacity(units.len());
        let mut first = 0;
        for (unit, cut) in units.iter().zip(chosen) {
            judged.push((cut, first..first + unit.len()));
            first += unit.len();
        }
        let residual = |(cut, own): (&ScoredRow, Range<usize>)| {
            let usual = ordered
                .as_ref()
                .map_or(1.0, |ordered| ordered.without(own).at(cut.predicted));
            Ok(distance(cut, method)? / usual)
        };
        // In order, so that the first invalid cut is reported at any number of threads.
        let residuals: Vec<_> = judged.into_par_iter().map(residual).collect();
        let residuals = residuals.into_iter().collect::<Result<_, _>>()?;
        let scale = if scaled {
            ErrorScale::fit(&rows)
        } else {
            ErrorScale::constant()
        };
        let quantile = conformal_quantile(residuals, coverage)?;
        let units = units.len();
        let rows = rows.len();
        let protocol_digest = protocol.digest();
        let Protocol {
            truth_cap, clip, ..
        } = *protocol;
        Ok(Self {
            method,
            coverage,
            scaled,
            units,
            rows,
            truth_cap,
            clip,
            quantile,
            scale,
            protocol: protocol_digest,
        })
    }
}

/// Divides the units of sorted rows into parts whose sizes differ by at most one.
fn assign_parts(rows: &[ScoredRow], seed: u64) -> BTreeMap<&UnitId, usize> {
    let mut units: Vec<_> = by_unit(rows).map(|cuts| &cuts[0].unit).collect();
    // A separate stream: the choice of cuts uses the first.
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1);
    units.shuffle(&mut rng);
    units
        .into_iter()
        .enumerate()
        .map(|(i, unit)| (unit, i % PARTS))
        .collect()
}

/// Returns the distance of the truth from the prediction or, with `quantile`, from the model's own interval.
fn distance(cut: &ScoredRow, method: CalibrationMethod) -> Result<f64, ScoringError> {
    match (method, cut.interval) {
        (CalibrationMethod::SplitConformal, _) => Ok(cut.error().abs()),
        (CalibrationMethod::Quantile, Some(own)) => {
            let own = around(own, cut.predicted);
            Ok((own.lower - cut.truth).max(cut.truth - own.upper))
        }
        (CalibrationMethod::Quantile, None) => Err(ScoringError::NoQuantiles {
            unit: cut.unit.clone(),
            cycle: cut.cycle,
        }),
    }
}

/// Widens an interval to the clipped prediction: beyond the cap there is no truth to miss.
fn around(interval: Interval, predicted: f64) -> Interval {
    Interval {
        lower: interval.lower.min(predicted),
        upper: interval.upper.max(predicted),
    }
}

/// Returns the cuts with predictions limited to the cap on the truth, as centres of the intervals.
fn capped(cuts: &[ScoredRow], protocol: &Protocol) -> Vec<ScoredRow> {
    cuts.iter()
        .map(|row| ScoredRow {
            predicted: protocol.truth(row.predicted),
            ..row.clone()
        })
        .collect()
}

/// Returns one cut of each unit; residuals of one unit are similar, so more of them would overstate the information.
fn one_cut_each(units: &[Vec<ScoredRow>], seed: u64) -> Vec<&ScoredRow> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    units
        .iter()
        .map(|cuts| &cuts[rng.random_range(0..cuts.len())])
        .collect()
}

/// Returns the ⌈(n+1)·coverage⌉-th smallest of n residuals.
fn conformal_quantile(mut residuals: Vec<f64>, coverage: f64) -> Result<f64, ScoringError> {
    let units = residuals.len();
    let rank = rank(units, coverage);
    if rank > units {
        let need = (coverage / (1.0 - coverage) - 1e-6).ceil() as usize;
        return Err(ScoringError::Uncalibratable {
            coverage,
            units,
            need,
        });
    }
    residuals.sort_by(f64::total_cmp);
    Ok(residuals[rank - 1])
}

/// Returns whether intervals can be calibrated at a coverage with this many units, or with four fifths of them if the
/// coverage itself is scored out of fold.
pub fn is_reachable(units: usize, coverage: f64) -> bool {
    let others = units - units.div_ceil(PARTS);
    rank(others, coverage) <= others
}

/// Returns the highest coverage that this many units reach, in whole percent, as a share; `None` below one half.
pub fn highest_reachable(units: usize) -> Option<f64> {
    (50..100_u32)
        .rev()
        .map(|percent| f64::from(percent) / 100.0)
        .find(|coverage| is_reachable(units, *coverage))
}

/// Returns the number of units that a coverage needs.
pub fn units_needed(coverage: f64) -> usize {
    const MOST: usize = 1_000_000;
    (1..MOST)
        .find(|units| is_reachable(*units, coverage))
        .unwrap_or(MOST)
}

fn rank(units: usize, coverage: f64) -> usize {
    // The product of, say, 20 and 0.95 must not round up to just above 19.
    ((units as f64 + 1.0) * coverage - 1e-9).ceil().max(1.0) as usize
}

#[cfg(test)]
mod tests;
