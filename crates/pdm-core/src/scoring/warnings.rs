//! Warnings about the statistics of a scorecard.

use super::bootstrap::Score;
use super::rows::{ScoredRow, admit, by_unit};
use super::totals::Totals;
use super::{Cuts, Metric, Protocol, ScoringError};
use crate::domain::Prediction;

/// Number of units below which a bootstrap over units is known to give too narrow intervals.
const FEW_UNITS: usize = 20;
/// Share of truths above the cap from which a score says little about them.
const MOSTLY: f64 = 2.0 / 3.0;
/// Share of the cap that the longest truth must reach; below it the cap is probably a mistake.
const FAR_BELOW: f64 = 0.5;
/// Share of the worst units that are examined for the NASA score.
const WORST: f64 = 0.05;

/// Returns warnings about the statistics, one sentence each without a period.
pub(super) fn warnings(
    predictions: &[Prediction],
    rows: &[ScoredRow],
    units: &[Totals],
    protocol: &Protocol,
    scores: &[Score],
    baseline: &[Score],
) -> Vec<String> {
    let checks = [
        few_units(units.len()),
        few_cuts(rows, protocol),
        unseen_ages(rows, protocol),
        mostly_capped(predictions, protocol),
        far_below_the_cap(predictions, protocol),
        out_of_reach(rows, protocol),
        no_better_than_a_constant(scores, baseline),
        few_units_carry_the_score(units),
    ];
    checks
        .into_iter()
        .flatten()
        .chain(left_out(rows, scores))
        .collect()
}

/// A restriction on the meaning of scores, in a sentence without a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caution(pub String);

/// Returns restrictions on the meaning of scores, unlike the other warnings, which concern their reliability.
///
/// # Errors
/// The predictions cannot be scored.
pub fn cautions(
    predictions: &[Prediction],
    protocol: &Protocol,
    scores: &[Score],
) -> Result<Vec<Caution>, ScoringError> {
    let rows = admit(predictions, protocol)?;
    let checks = [
        few_cuts(&rows, protocol),
        out_of_reach(&rows, protocol),
        mostly_capped(predictions, protocol),
    ];
    Ok(checks
        .into_iter()
        .flatten()
        .chain(left_out(&rows, scores))
        .map(Caution)
        .collect())
}

fn few_units(units: usize) -> Option<String> {
    (units < FEW_UNITS).then(|| format!("only {units} units: the intervals are likely too narrow"))
}

fn few_cuts(rows: &[ScoredRow], protocol: &Protocol) -> Option<String> {
    let Cuts::RandomCuts { per_unit, .. } = protocol.cuts else {
        return None;
    };
    let short = by_unit(rows).filter(|cuts| cuts.len() < per_unit).count();
    (short > 0).then(|| {
        format!(
            "{short} of {} units have fewer than {per_unit} cuts",
            protocol.units
        )
    })
}

/// Cuts begin after the first rows of a history, so no score covers predictions before that.
fn unseen_ages(rows: &[ScoredRow], protocol: &Protocol) -> Option<String> {
    if protocol.cuts == Cuts::LastCycle {
        return None;
    }
    let first = rows.iter().map(|row| row.cycle.0).min()?;
    (first > 1)
        .then(|| format!("no cut is before cycle {first}, so earlier predictions are not scored"))
}

/// A score against a truth that is nearly always the cap only shows that the model predicts the cap.
fn mostly_capped(predictions: &[Prediction], protocol: &Protocol) -> Option<String> {
    let cap = protocol.truth_cap?;
    let capped = predictions
        .iter()
        .filter(|prediction| prediction.truth.is_some_and(|truth| truth > cap))
        .count();
    let share = capped as f64 / predictions.len() as f64;
    let longest = longest_truth(predictions);
    (share > MOSTLY).then(|| {
        format!(
            "{capped} of {} truths are above target.cap = {cap} and count as {cap}, so the scores say little about them; the \
            longest is {longest}; target.cap = \"auto\" caps none of them",
            predictions.len()
        )
    })
}

/// A cap far above every truth is valid, but probably not intended.
fn far_below_the_cap(predictions: &[Prediction], protocol: &Protocol) -> Option<String> {
    let most = protocol.clip.upper;
    let longest = longest_truth(predictions);
    let whole_lives = protocol.cuts != Cuts::LastCycle;
    (whole_lives && longest < FAR_BELOW * most).then(|| {
        format!(
            "target.cap = {most} is far above the longest truth, {longest}: predictions may be as large as the cap; \
            target.cap = \"auto\" adapts it to the lives"
        )
    })
}

fn longest_truth(predictions: &[Prediction]) -> f64 {
    predictions
        .iter()
        .filter_map(|prediction| prediction.truth)
        .fold(0.0, f64::max)
}

fn out_of_reach(rows: &[ScoredRow], protocol: &Protocol) -> Option<String> {
    let most = protocol.clip.upper;
    let above = rows.iter().filter(|row| row.truth > most).count();
    (above > 0).then(|| {
        format!(
            "{above} of {} truths are above {most} cycles, the largest possible prediction",
            rows.len()
        )
    })
}

fn no_better_than_a_constant(scores: &[Score], baseline: &[Score]) -> Option<String> {
    let rmse = |scores: &[Score]| {
        scores
            .iter()
            .find(|score| score.metric == Metric::Rmse)
            .map(|score| score.value)
    };
    (rmse(scores)? >= rmse(baseline)?)
        .then(|| "the model is no better than a constant prediction".to_owned())
}

fn few_units_carry_the_score(units: &[Totals]) -> Option<String> {
    let mut penalties: Vec<_> = units.iter().map(|totals| totals.nasa).collect();
    penalties.sort_by(|a, b| b.total_cmp(a));
    let worst = ((units.len() as f64 * WORST).round() as usize).max(1);
    let share = penalties.iter().take(worst).sum::<f64>() / penalties.iter().sum::<f64>();
    (units.len() >= FEW_UNITS && share > 0.5).then(|| {
        format!(
            "{worst} of {} units contribute {:.0} % of the NASA score",
            units.len(),
            share * 100.0
        )
    })
}

fn left_out(rows: &[ScoredRow], scores: &[Score]) -> impl Iterator<Item = String> {
    let has_intervals = rows.iter().all(|row| row.interval.is_some());
    let missing = move |metric: &Metric| scores.iter().all(|score| score.metric != *metric);
    let expected = Metric::ALL
        .into_iter()
        .filter(move |metric| has_intervals || !metric.needs_intervals());
    expected
        .filter(missing)
        .map(|metric| format!("{metric} has no finite value and is left out"))
        .collect::<Vec<_>>()
        .into_iter()
}
