//! Finds the levels at which a column stays: operating conditions change between a few of them.

use crate::data::profile::statistics::known_ascending;

/// The share of a column's range that divides two levels.
const APART: f64 = 0.05;
/// The share of a column's range that the values of one level may span.
const WIDTH: f64 = 0.01;
/// Levels that a column may have to count as one with few levels.
const MOST: usize = 8;

/// Returns the centres of a column's levels in rising order, if its values keep to a few narrow levels.
pub(in crate::data) fn levels(values: &[f64]) -> Option<Vec<f64>> {
    let sorted = known_ascending(values);
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    let range = last - first;
    if range == 0.0 {
        return Some(vec![first]);
    }
    let mut centres = Vec::new();
    let mut begin = 0;
    for at in 1..=sorted.len() {
        let ends = sorted
            .get(at)
            .is_none_or(|next| next - sorted[at - 1] > APART * range);
        if !ends {
            continue;
        }
        let level = &sorted[begin..at];
        if level[level.len() - 1] - level[0] > WIDTH * range || centres.len() == MOST {
            return None;
        }
        centres.push(level.iter().sum::<f64>() / level.len() as f64);
        begin = at;
    }
    Some(centres)
}

/// Returns the position of the level that is nearest to a value.
pub(in crate::data) fn nearest(levels: &[f64], value: f64) -> usize {
    let after = levels.partition_point(|level| *level < value);
    match (after.checked_sub(1), levels.get(after)) {
        (Some(before), Some(next)) if value - levels[before] < next - value => before,
        (Some(before), None) => before,
        (Some(_), Some(_)) | (None, _) => after.min(levels.len().saturating_sub(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_narrow_levels_are_found_and_others_are_not() {
        let noisy: Vec<f64> = (0..60)
            .map(|at| [0.0, 20.0, 42.0][at % 3] + f64::from(at as u32) * 1e-3)
            .collect();
        let found = levels(&noisy).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(
            (
                nearest(&found, 1.0),
                nearest(&found, 19.0),
                nearest(&found, 99.0)
            ),
            (0, 1, 2)
        );
        let rising: Vec<f64> = (0..60).map(f64::from).collect();
        assert_eq!(levels(&rising), None);
        assert_eq!(levels(&[2.0, 2.0, f64::NAN]), Some(vec![2.0]));
        assert_eq!(levels(&[f64::NAN]), None);
    }
}
