//! One sensor of a fleet, described by the ranks of its values.

use std::ops::Range;

/// Maximum number of decimal places that are distinguished.
const MOST_DECIMALS: u8 = 9;

/// Number of rows before and after a row that count as its neighbourhood.
const AROUND: usize = 4;

/// A sensor, row by row over the whole fleet.
pub(super) struct Channel {
    pub(super) values: Vec<f64>,
    /// For each row, the number of rows of the fleet with a smaller value.
    pub(super) below: Vec<u32>,
    /// For each row, the number of rows with this value or a smaller one.
    up_to: Vec<u32>,
    /// Mean step between similar rows in which the sensor moves, in ranks; zero if it never moves.
    pub(super) step: f64,
    /// Mean deviation from the trend around each row, since ranks are closer where values are rare, as near a failure.
    noise: Vec<f32>,
    /// How much information a matching row adds to a match of the previous row, from 0 to 1: little if the sensor moves
    /// smoothly, since then one match implies the next.
    novelty: f64,
}

impl Channel {
    /// Ranks the values of a sensor.
    pub(super) fn ranked(values: Vec<f64>) -> Self {
        let mut order: Vec<(u64, u32)> = (0_u32..)
            .zip(&values)
            .map(|(row, value)| (sort_key(*value), row))
            .collect();
        order.sort_unstable();
        let mut below = vec![0; values.len()];
        let mut up_to = vec![0; values.len()];
        let mut start = 0;
        while start < order.len() {
            let same = order[start..]
                .iter()
                .take_while(|(key, _)| *key == order[start].0)
                .count();
            for (_, row) in &order[start..start + same] {
                below[*row as usize] = start as u32;
                up_to[*row as usize] = (start + same) as u32;
            }
            start += same;
        }
        Self {
            noise: vec![0.0; values.len()],
            values,
            below,
            up_to,
            step: 0.0,
            novelty: 0.0,
        }
    }

    /// Returns the rank of a row's value, in rows; the middle one if several rows have the value.
    pub(super) fn rank(&self, row: usize) -> f64 {
        f64::midpoint(f64::from(self.below[row]), f64::from(self.up_to[row]))
    }

    /// Returns whether two rows have the same value.
    pub(super) fn ties(&self, a: usize, b: usize) -> bool {
        self.below[a] == self.below[b]
    }

    /// Returns whether two values are closer than a share of the noise around both.
    pub(super) fn is_within_noise(&self, a: usize, b: usize, share: f64) -> bool {
        (self.rank(a) - self.rank(b)).abs() <= share * self.noise_at(a, b)
    }

    /// Returns the negative logarithm of the share of neighbouring rows that are as close to row `a` as row `b` is.
    pub(super) fn surprise(&self, a: usize, b: usize) -> f64 {
        // Rows between the two values, the two rows included.
        let between =
            f64::from(self.up_to[a].max(self.up_to[b]) - self.below[a].min(self.below[b]));
        if self.ties(a, b) {
            let others = between - 2.0;
            let surprise = ((2.0 * self.step + 1.0) / (others + 1.0)).max(1.0).ln();
            // A value that many rows have is one that units reach independently.
            return if others <= FEW_TIES {
                surprise
            } else {
                surprise * self.novelty
            };
        }
        let as_close = 2.0 * (between - 2.0) + 1.0;
        ((2.0 * self.noise_at(a, b) + 1.0) / as_close).max(1.0).ln() * self.novelty
    }

    fn noise_at(&self, a: usize, b: usize) -> f64 {
        f64::from(self.noise[a].min(self.noise[b]))
    }

    /// Measures how the sensor moves; `units` has the rows of each unit, and `alike` the earlier row of its unit that each row
    /// is compared with, or the row itself without one. Returns the moves without the trend of the unit.
    pub(super) fn measure(&mut self, units: &[Range<usize>], alike: &[u32]) -> Vec<f32> {
        let mut moves: Vec<f32> = vec![0.0; self.values.len()];
        let mut distance = 0.0;
        let mut moved = 0_u32;
        let mut along = 0.0;
        let mut squares = 0.0;
        for unit in units {
            for row in unit.clone() {
                let step = self.rank(row) - self.rank(alike[row] as usize);
                moves[row] = step as f32;
                if step != 0.0 {
                    distance += step.abs();
                    moved += 1;
                }
            }
            let moves = &mut moves[unit.clone()];
            center(moves);
            for pair in moves.windows(2).skip(1) {
                let before = f64::from(pair[0]);
                let step = f64::from(pair[1]);
                along += step * before;
                squares += f64::midpoint(step * step, before * before);
            }
            measure_noise(moves, &mut self.noise[unit.clone()]);
        }
        self.step = distance / f64::from(moved.max(1));
        if squares > 0.0 {
            self.novelty = (1.0 - along / squares).clamp(0.0, 1.0);
        }
        moves
    }
}

/// If more rows than these share the value of the two compared rows, a match adds no information in a smooth sensor.
const FEW_TIES: f64 = 3.0;

/// Removes the trend from moves; the first row of a unit has no move.
fn center(moves: &mut [f32]) {
    let Some((first, moves)) = moves.split_first_mut() else {
        return;
    };
    *first = 0.0;
    let mean = moves.iter().sum::<f32>() / moves.len().max(1) as f32;
    for step in moves {
        *step -= mean;
    }
}

/// Averages the moves around each row.
fn measure_noise(moves: &[f32], noise: &mut [f32]) {
    for (row, noise) in noise.iter_mut().enumerate() {
        let around = &moves[row.saturating_sub(AROUND).max(1).min(moves.len())
            ..(row + AROUND + 1).min(moves.len())];
        *noise = around.iter().map(|step| step.abs()).sum::<f32>() / around.len().max(1) as f32;
    }
}

/// Returns an integer with the same order as the values; negative and positive zero are equal.
fn sort_key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

/// Returns the number of decimal places of the values.
pub(super) fn decimals(values: &[f64]) -> u8 {
    let mut decimals = 0;
    let mut scale = 1.0;
    for value in values {
        while decimals < MOST_DECIMALS && !is_whole(value * scale) {
            decimals += 1;
            scale *= 10.0;
        }
    }
    decimals
}

fn is_whole(scaled: f64) -> bool {
    (scaled - scaled.round()).abs() <= scaled.abs() * 1e-12
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The previous row of each row of a unit, as the similar one.
    fn before(rows: u32, unit: u32) -> Vec<u32> {
        (0..rows)
            .map(|row| if row % unit == 0 { row } else { row - 1 })
            .collect()
    }

    #[test]
    fn equal_values_share_their_rank() {
        let channel = Channel::ranked(vec![2.0, -1.0, 2.0, 7.0, -0.0, 0.0]);
        let ranks: Vec<_> = (0..6).map(|row| channel.rank(row)).collect();
        assert_eq!(ranks, [4.0, 0.5, 4.0, 5.5, 2.0, 2.0]);
        assert!(channel.ties(4, 5) && !channel.ties(0, 1));
    }

    #[test]
    fn a_smooth_sensor_has_little_novelty() {
        let measured = |values: Vec<f64>| {
            let mut channel = Channel::ranked(values);
            channel.measure(&[0..50, 50..100], &before(100, 50));
            channel.novelty
        };
        let wave = measured((0..100).map(|row| (f64::from(row) / 9.0).sin()).collect());
        assert!(wave < 0.1, "{wave}");
        let noise = measured((0..100).map(|row| f64::from(row * 37 % 101)).collect());
        assert!(noise > 0.9, "{noise}");
    }

    #[test]
    fn decimal_places_are_those_of_the_finest_value() {
        assert_eq!(decimals(&[641.82, 9046.19, 8.0]), 2);
        assert_eq!(decimals(&[390.0, -2.0]), 0);
        assert_eq!(decimals(&[0.1 + 0.2]), 1);
        assert_eq!(decimals(&[1.0 / 3.0]), 9);
    }
}
