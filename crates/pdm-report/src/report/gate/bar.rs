//! Intervals and errors as text characters, for comments without pictures.

use super::judgement::GateLine;
use pdm_core::scoring::Band;

/// Width of a bar in characters.
const WIDTH: usize = 25;
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Returns the interval of a gate with its limits, such as `·├──●──┤······┃××××`: `×` marks refused values, `┃` a limit. `None`
/// if nothing was judged.
pub(super) fn interval(gate: &GateLine) -> Option<String> {
    let [lower, value, upper] = gate.observed.as_ref()?.numbers();
    let [low, high] = gate.allowed()?;
    let limits = [low, high].into_iter().filter(|limit| limit.is_finite());
    let shown: Vec<f64> = [lower, value, upper]
        .into_iter()
        .chain(limits.clone())
        .collect();
    if shown.iter().any(|number| !number.is_finite()) {
        return None;
    }
    let (least, most) = shown
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), n| {
            (a.min(*n), b.max(*n))
        });
    let size = if most > least {
        most - least
    } else {
        least.abs().max(1.0)
    };
    let from = least - 0.08 * size;
    let size = 1.16 * size;
    let column = |number: f64| {
        (((number - from) / size * (WIDTH - 1) as f64).round() as usize).min(WIDTH - 1)
    };
    let number_at = |column: usize| from + column as f64 / (WIDTH - 1) as f64 * size;
    let background = |column| {
        if (low..=high).contains(&number_at(column)) {
            '·'
        } else {
            '×'
        }
    };
    let mut bar: Vec<char> = (0..WIDTH).map(background).collect();
    for limit in limits {
        bar[column(limit)] = '┃';
    }
    bar[column(lower)..=column(upper)].fill('─');
    (bar[column(lower)], bar[column(upper)]) = ('├', '┤');
    bar[column(value)] = '●';
    Some(bar.into_iter().collect())
}

/// Returns the errors by remaining life as small columns, scaled to the highest; short lives first.
pub(super) fn spark(bands: &[Band]) -> String {
    let most = bands.iter().map(|band| band.rmse).fold(0.0, f64::max);
    let step = |band: &Band| {
        let share = if most > 0.0 { band.rmse / most } else { 0.0 };
        STEPS[((share * STEPS.len() as f64).ceil() as usize).clamp(1, STEPS.len()) - 1]
    };
    bands.iter().map(step).collect()
}
