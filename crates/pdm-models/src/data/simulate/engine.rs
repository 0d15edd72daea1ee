//! Simulates one turbofan engine until failure.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, StandardNormal};

use super::SimulateOptions;
use super::sensors::{SENSORS, SimulatedSensor};
use super::wear::health;

/// Altitude (1000 ft), Mach number and throttle resolver angle of the regimes, as published.
const REGIMES: [[f64; 3]; 6] = [
    [0.0, 0.0, 100.0],
    [10.0, 0.25, 100.0],
    [20.0, 0.7, 100.0],
    [25.0, 0.62, 60.0],
    [35.0, 0.84, 100.0],
    [42.0, 0.84, 100.0],
];
/// Decimals of the settings in the files.
const SETTING_DECIMALS: [usize; 3] = [4, 4, 1];
/// Mean initial wear of the units the sensor table was measured on.
const MEASURED_WEAR: f64 = 0.2;
/// Spread of a sensor's offset from unit to unit, as a share of its change from new to failure.
const UNIT_OFFSET: f64 = 0.06;
/// Core speed and corrected core speed (`s_9`, `s_14`) respond to damage very differently from unit to unit.
const CORE_SPEEDS: [usize; 2] = [8, 13];
const CORE_SPEED_SPREAD: f64 = 0.8;

/// Simulates a unit until failure: values as `[channel][row]`, rounded as in the files.
pub(super) fn run_to_failure(options: &SimulateOptions, rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let fan = options.fault_modes == 2 && rng.random_bool(0.5);
    let health = health(rng);
    let unit = Unit::new(fan, rng);
    let mut channels = vec![Vec::with_capacity(health.len()); 3 + SENSORS.len()];
    for health in health {
        let regime = if options.regimes == 6 {
            rng.random_range(0..REGIMES.len())
        } else {
            0
        };
        let settings = settings(options, regime, rng);
        let sensors = unit.sensors(regime, health, rng);
        for (channel, value) in channels.iter_mut().zip(settings.into_iter().chain(sensors)) {
            channel.push(value);
        }
    }
    channels
}

/// Returns the decimals of every channel.
pub(super) fn decimals() -> impl Iterator<Item = usize> {
    SETTING_DECIMALS
        .into_iter()
        .chain(SENSORS.iter().map(|sensor| sensor.decimals))
}

fn settings(options: &SimulateOptions, regime: usize, rng: &mut ChaCha8Rng) -> [f64; 3] {
    let [altitude, mach, throttle] = REGIMES[regime];
    // The noise of the published files: symmetric in FD001 and FD003, one-sided among six regimes.
    let (altitude, mach) = if options.regimes == 6 {
        let below: f64 = if altitude > 0.0 { -0.002 } else { 0.0 };
        (
            altitude + rng.random_range(below..below + 0.01).min(0.008),
            mach + rng.random_range(0.0..0.002),
        )
    } else {
        let noise: f64 = StandardNormal.sample(rng);
        (
            altitude + (0.0022 * noise).clamp(-0.0087, 0.0087),
            mach + rng.random_range(-0.0005..0.0005),
        )
    };
    [
        rounded(altitude, SETTING_DECIMALS[0]),
        rounded(mach, SETTING_DECIMALS[1]),
        throttle,
    ]
}

/// The properties in which units differ.
struct Unit {
    fan: bool,
    /// By sensor, as a share of its change from new to failure.
    offsets: Vec<f64>,
    core_speed_gain: f64,
}

impl Unit {
    fn new(fan: bool, rng: &mut ChaCha8Rng) -> Self {
        let spread = Normal::new(0.0, UNIT_OFFSET).expect("the deviation is finite");
        let gain = Normal::new(1.0, CORE_SPEED_SPREAD).expect("the deviation is finite");
        let offsets = SENSORS.iter().map(|_| spread.sample(rng)).collect();
        Self {
            fan,
            offsets,
            core_speed_gain: gain.sample(rng),
        }
    }

    fn sensors(&self, regime: usize, health: f64, rng: &mut ChaCha8Rng) -> Vec<f64> {
        SENSORS
            .iter()
            .enumerate()
            .map(|(index, sensor)| self.reading(index, sensor, regime, health, rng))
            .collect()
    }

    fn reading(
        &self,
        index: usize,
        sensor: &SimulatedSensor,
        regime: usize,
        health: f64,
        rng: &mut ChaCha8Rng,
    ) -> f64 {
        let change = if self.fan {
            sensor.fan[regime]
        } else {
            sensor.compressor[regime]
        };
        let gain = if CORE_SPEEDS.contains(&index) && !self.fan {
            self.core_speed_gain
        } else {
            1.0
        };
        let damage = (1.0 - health - MEASURED_WEAR) / (1.0 - MEASURED_WEAR);
        let noise: f64 = StandardNormal.sample(rng);
        let value = sensor.base[regime]
            + change * (gain * damage + self.offsets[index])
            + sensor.noise * noise;
        rounded(value, sensor.decimals)
    }
}

fn rounded(value: f64, decimals: usize) -> f64 {
    let scale = 10_f64.powi(decimals as i32);
    (value * scale).round() / scale
}
