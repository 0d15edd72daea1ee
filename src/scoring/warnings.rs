use super::bootstrap::Score;
use super::rows::{Row, admit, by_unit};
use super::totals::Totals;
use super::{Cuts, Metric, Protocol, ScoringError};
use crate::domain::Prediction;

/// Units below which a bootstrap over units is known to give too narrow intervals.
const FEW_UNITS: usize = 20;
/// The worst units looked at for the NASA score, as a share of all.
const WORST: f64 = 0.05;

/// Returns what a reader of the scores should know about the statistics, one sentence each without a period.
pub(super) fn warnings(
    rows: &[Row],
    units: &[Totals],
    protocol: &Protocol,
    scores: &[Score],
    baseline: &[Score],
) -> Vec<String> {
    let checks = [
        few_units(units.len()),
        few_cuts(rows, protocol),
        out_of_reach(rows, protocol),
        no_better_than_a_constant(scores, baseline),
        few_units_carry_the_score(units),
    ];
    checks.into_iter().flatten().chain(left_out(rows, scores)).collect()
}

/// Something that makes a score less than its name, in a sentence without a period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caution(pub String);

/// Share of the truths above the cap from which on scores mostly say how well the cap is predicted.
const MOSTLY_CAPPED: f64 = 0.5;

/// Returns what changes the meaning of scores, unlike the other warnings, which say how far to trust them.
///
/// # Errors
/// Predictions that cannot be scored.
pub fn cautions(
    predictions: &[Prediction],
    protocol: &Protocol,
    scores: &[Score],
) -> Result<Vec<Caution>, ScoringError> {
    let rows = admit(predictions, protocol)?;
    let checks = [few_cuts(&rows, protocol), out_of_reach(&rows, protocol), mostly_capped(predictions, protocol)];
    Ok(checks.into_iter().flatten().chain(left_out(&rows, scores)).map(Caution).collect())
}

fn mostly_capped(predictions: &[Prediction], protocol: &Protocol) -> Option<String> {
    let cap = protocol.truth_cap?;
    let above = predictions.iter().filter(|prediction| prediction.truth.is_some_and(|truth| truth > cap)).count();
    let most = above as f64 > MOSTLY_CAPPED * predictions.len() as f64;
    most.then(|| format!("{above} of {} truths lie above the cap of {cap} cycles and count as that", predictions.len()))
}

fn few_units(units: usize) -> Option<String> {
    (units < FEW_UNITS).then(|| format!("only {units} units: the intervals are likely too narrow"))
}

fn few_cuts(rows: &[Row], protocol: &Protocol) -> Option<String> {
    let Cuts::RandomCuts { per_unit, .. } = protocol.cuts else { return None };
    let short = by_unit(rows).filter(|cuts| cuts.len() < per_unit).count();
    (short > 0).then(|| format!("{short} of {} units have fewer than {per_unit} cuts", protocol.units))
}

fn out_of_reach(rows: &[Row], protocol: &Protocol) -> Option<String> {
    let most = protocol.clip.upper;
    let above = rows.iter().filter(|row| row.truth > most).count();
    (above > 0)
        .then(|| format!("{above} of {} truths lie above {most} cycles, the largest possible prediction", rows.len()))
}

fn no_better_than_a_constant(scores: &[Score], baseline: &[Score]) -> Option<String> {
    let rmse = |scores: &[Score]| scores.iter().find(|score| score.metric == Metric::Rmse).map(|score| score.value);
    (rmse(scores)? >= rmse(baseline)?).then(|| "the model is no better than a constant prediction".to_owned())
}

fn few_units_carry_the_score(units: &[Totals]) -> Option<String> {
    let mut penalties: Vec<_> = units.iter().map(|totals| totals.nasa).collect();
    penalties.sort_by(|a, b| b.total_cmp(a));
    let worst = ((units.len() as f64 * WORST).round() as usize).max(1);
    let share = penalties.iter().take(worst).sum::<f64>() / penalties.iter().sum::<f64>();
    (units.len() >= FEW_UNITS && share > 0.5)
        .then(|| format!("{worst} of {} units make {:.0} % of the NASA score", units.len(), share * 100.0))
}

fn left_out(rows: &[Row], scores: &[Score]) -> impl Iterator<Item = String> {
    let has_intervals = rows.iter().all(|row| row.interval.is_some());
    let missing = move |metric: &Metric| scores.iter().all(|score| score.metric != *metric);
    let expected = Metric::ALL.into_iter().filter(move |metric| has_intervals || !metric.needs_intervals());
    expected
        .filter(missing)
        .map(|metric| format!("{metric} has no finite value and is left out"))
        .collect::<Vec<_>>()
        .into_iter()
}
