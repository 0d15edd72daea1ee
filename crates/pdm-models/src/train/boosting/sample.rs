//! Samples without replacement.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// Draws `wanted` of the numbers below `count` without replacement, in ascending order.
///
/// Selection sampling: Knuth, The Art of Computer Programming, volume 2, section 3.4.2, algorithm S. Implemented here so that a
/// new release of the random-number crate cannot change a model.
pub(super) fn draw(count: u32, wanted: u32, random: &mut ChaCha8Rng) -> Vec<u32> {
    let mut drawn = Vec::with_capacity(wanted as usize);
    for number in 0..count {
        let missing = wanted.saturating_sub(drawn.len() as u32);
        let draw = (u64::from(random.next_u32()) * u64::from(count - number)) >> 32;
        if draw < u64::from(missing) {
            drawn.push(number);
        }
    }
    drawn
}

/// Returns the number of elements that a fraction of `count` is: rounded, and at least one.
pub(super) fn share(count: usize, fraction: f64) -> usize {
    ((count as f64 * fraction).round() as usize).clamp(1, count.max(1))
}
