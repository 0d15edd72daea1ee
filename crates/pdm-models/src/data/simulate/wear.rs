//! Simulates how the health of an engine declines.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Gamma, Normal};

/// Lifetimes in cycles: the shortest of FD001 and FD002 plus a gamma tail with their mean (206) and deviation (46).
const SHORTEST_LIFE: f64 = 128.0;
const LONGEST_LIFE: f64 = 362.0;
const TAIL_SHAPE: f64 = 2.9;
const TAIL_SCALE: f64 = 27.0;
/// Largest initial wear, as a share of health; units differ by up to this much when new.
const MOST_INITIAL_WEAR: f64 = 0.4;
/// Deviation of the wear of one cycle from its expectation, relative.
const CYCLE_VARIATION: f64 = 0.3;

/// Simulates the health of one unit from new to failure, one value per cycle; the last value is the first not above zero.
///
/// Health is `h(t) = 1 − d − w·(exp(a·t^b) − 1)` with initial wear `d` and wear scale `w` (Saxena et al., PHM 2008,
/// section 3: the generalised wear equation `A·exp(B(t))`, taken from its value when new). The decline per cycle varies.
pub(super) fn health(rng: &mut ChaCha8Rng) -> Vec<f64> {
    let tail = Gamma::new(TAIL_SHAPE, TAIL_SCALE).expect("shape and scale are positive");
    let varied = Normal::new(1.0, CYCLE_VARIATION).expect("the deviation is finite");
    let life = (SHORTEST_LIFE + tail.sample(rng)).min(LONGEST_LIFE);
    let initial_wear = rng.random_range(0.0..MOST_INITIAL_WEAR);
    let growth = rng.random_range(3.0..4.4);
    let bend = rng.random_range(0.9..1.1);
    let scale = (1.0 - initial_wear) / f64::exp_m1(growth);
    let wear = |cycle: f64| scale * f64::exp_m1(growth * (cycle / life).powf(bend));

    let mut health = 1.0 - initial_wear;
    let mut history = Vec::new();
    for cycle in 1_u32.. {
        let fall = wear(f64::from(cycle)) - wear(f64::from(cycle - 1));
        health -= fall * varied.sample(rng).max(0.0);
        history.push(health);
        if health <= 0.0 {
            break;
        }
    }
    history
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn lives_are_spread_like_those_of_the_real_fleet() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let lives: Vec<f64> = (0..1000).map(|_| health(&mut rng).len() as f64).collect();
        let mean = lives.iter().sum::<f64>() / 1000.0;
        assert!((195.0..220.0).contains(&mean), "{mean}");
        assert!(lives.iter().all(|life| (110.0..400.0).contains(life)));
    }

    #[test]
    fn health_falls_to_zero_and_faster_at_the_end() {
        let health = health(&mut ChaCha8Rng::seed_from_u64(4));
        assert!(health.is_sorted_by(|a, b| a >= b));
        let (last, before) = (health[health.len() - 1], health[health.len() - 2]);
        assert!(last <= 0.0 && before > 0.0);
        let half = health.len() / 2;
        assert!(health[0] - health[half] < health[half] - last);
    }
}
