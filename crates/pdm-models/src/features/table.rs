//! The feature table: one row per cycle, from the whole history up to that cycle.
//!
//! With 14 sensors and default options there are 115 features: 7 per sensor, 15 for the health index, 2 for the age.

use super::FeatureOptions;
use super::rolling::{
    Moments, baseline, difference, expanding, exponential_mean, running_minimum, trailing,
};
use pdm_core::domain::Cycle;

/// Half-life of the smoothed signal whose distance from the baseline is the drift of a unit, in cycles.
pub(super) const DRIFT_HALF_LIFE: f64 = 8.0;

/// Slopes of sensors and drift are of order 1 when multiplied by this number of cycles.
const SENSOR_SLOPE_CYCLES: f64 = 40.0;

const HEALTH_HALF_LIVES: [f64; 5] = [2.0, 5.0, 10.0, 20.0, 40.0];
const HEALTH_SLOPE_WINDOWS: [f64; 3] = [15.0, 30.0, 60.0];
const HEALTH_SPREAD_WINDOWS: [f64; 2] = [30.0, 60.0];
const HEALTH_CROSSING_WINDOWS: [f64; 2] = [30.0, 60.0];
const HEALTH_SLOPE_CYCLES: f64 = 30.0;
const HEALTH_SMOOTH_HALF_LIFE: f64 = 5.0;

/// The line through the health index is extrapolated to minus this value, since units fail at values around 0.
const CROSSING_MARGIN: f64 = 0.15;
/// Slowest decline that is extrapolated, per cycle.
const CROSSING_MIN_DECLINE: f64 = 1e-3;
/// Longest extrapolation, in cycles.
const CROSSING_MAX_CYCLES: f64 = 400.0;
const CROSSING_UNIT_CYCLES: f64 = 100.0;

/// Returns the names of the columns of [`columns`], in order.
pub(super) fn names<'a>(
    sensors: impl Iterator<Item = &'a str>,
    options: &FeatureOptions,
) -> Vec<String> {
    let mut names: Vec<_> = sensors
        .flat_map(|sensor| sensor_names(sensor, options))
        .collect();
    names.extend(health_names(options));
    names.extend(["cycle", "log_cycle"].map(str::to_owned));
    names
}

/// Returns the table as `[feature][row]`, from standardised sensors `[sensor][row]` and the health index.
pub(super) fn columns(
    sensors: &[Vec<f64>],
    health: &[f64],
    cycles: &[Cycle],
    options: &FeatureOptions,
) -> Vec<Vec<f64>> {
    let mut columns: Vec<_> = sensors
        .iter()
        .flat_map(|sensor| sensor_columns(sensor, options))
        .collect();
    columns.extend(health_columns(health, options));
    columns.push(cycles.iter().map(|cycle| f64::from(cycle.0)).collect());
    columns.push(
        cycles
            .iter()
            .map(|cycle| f64::from(cycle.0).ln_1p())
            .collect(),
    );
    columns
}

fn sensor_names(sensor: &str, options: &FeatureOptions) -> Vec<String> {
    let window = options.window_cycles();
    let half_lives = options.half_lives();
    let means = half_lives
        .iter()
        .map(|half_life| format!("{sensor}.ema{half_life}"));
    let others = [
        "base",
        "drift",
        &format!("slope{window}"),
        &format!("sd{window}"),
        "slope",
    ]
    .map(|statistic| format!("{sensor}.{statistic}"));
    means.chain(others).collect()
}

fn sensor_columns(sensor: &[f64], options: &FeatureOptions) -> Vec<Vec<f64>> {
    let window = options.window_cycles();
    let scale = options.time_scale();
    let base = baseline(sensor, options.baseline_cycles());
    let drift = difference(&exponential_mean(sensor, DRIFT_HALF_LIFE * scale), &base);
    let recent = trailing(sensor, window);
    let cycles = SENSOR_SLOPE_CYCLES * scale;
    let trusted = options.trusted_rows();
    let half_lives = options.half_lives();
    let mut columns: Vec<_> = half_lives
        .iter()
        .map(|half_life| exponential_mean(sensor, *half_life))
        .collect();
    columns.extend([
        base,
        drift,
        slopes(&recent, trusted.min(window), cycles),
        spreads(&recent),
    ]);
    columns.push(slopes(&expanding(sensor), trusted, cycles));
    columns
}

/// Returns the stretched windows, without those that become equal for very short lives.
fn stretched<const N: usize>(windows: [f64; N], options: &FeatureOptions) -> Vec<usize> {
    let mut stretched: Vec<usize> = windows
        .into_iter()
        .map(|cycles| options.window(cycles))
        .collect();
    stretched.dedup();
    stretched
}

fn health_half_lives(options: &FeatureOptions) -> [f64; 5] {
    HEALTH_HALF_LIVES.map(|half_life| half_life * options.time_scale())
}

fn health_names(options: &FeatureOptions) -> Vec<String> {
    let mut names: Vec<_> = health_half_lives(options)
        .iter()
        .map(|half_life| format!("ema{half_life}"))
        .collect();
    names.extend(
        stretched(HEALTH_SLOPE_WINDOWS, options)
            .iter()
            .map(|window| format!("slope{window}")),
    );
    names.push("slope".to_owned());
    names.extend(
        stretched(HEALTH_SPREAD_WINDOWS, options)
            .iter()
            .map(|window| format!("sd{window}")),
    );
    names.extend(["min", "drift"].map(str::to_owned));
    names.extend(
        stretched(HEALTH_CROSSING_WINDOWS, options)
            .iter()
            .map(|window| format!("crossing{window}")),
    );
    names
        .iter()
        .map(|statistic| format!("health_index.{statistic}"))
        .collect()
}

fn health_columns(health: &[f64], options: &FeatureOptions) -> Vec<Vec<f64>> {
    let scale = options.time_scale();
    let trusted = options.trusted_rows();
    let smooth = exponential_mean(health, HEALTH_SMOOTH_HALF_LIFE * scale);
    let cycles = HEALTH_SLOPE_CYCLES * scale;
    let level = exponential_mean(health, DRIFT_HALF_LIFE * scale);
    let slopes_over =
        |window: usize, cycles| slopes(&trailing(health, window), trusted.min(window), cycles);
    let half_lives = health_half_lives(options);
    let mut columns: Vec<_> = half_lives
        .iter()
        .map(|half_life| exponential_mean(health, *half_life))
        .collect();
    let slope_windows = stretched(HEALTH_SLOPE_WINDOWS, options);
    columns.extend(
        slope_windows
            .into_iter()
            .map(|window| slopes_over(window, cycles)),
    );
    columns.push(slopes(&expanding(health), trusted, cycles));
    let spread_windows = stretched(HEALTH_SPREAD_WINDOWS, options);
    columns.extend(
        spread_windows
            .into_iter()
            .map(|window| spreads(&trailing(health, window))),
    );
    columns.push(running_minimum(&smooth));
    columns.push(difference(
        &smooth,
        &baseline(health, options.baseline_cycles()),
    ));
    let crossing_windows = stretched(HEALTH_CROSSING_WINDOWS, options);
    columns.extend(
        crossing_windows
            .into_iter()
            .map(|window| crossings(&level, &slopes_over(window, 1.0), scale)),
    );
    columns
}

/// Returns the change over `cycles` cycles at the slope of each run, damped while it has fewer than `trusted` rows.
fn slopes(moments: &[Moments], trusted: usize, cycles: f64) -> Vec<f64> {
    moments
        .iter()
        .map(|moments| cycles * moments.damped_slope(trusted))
        .collect()
}

fn spreads(moments: &[Moments]) -> Vec<f64> {
    moments.iter().map(Moments::sd).collect()
}

/// Returns when the health index would reach the level of failed units by linear extrapolation, in hundreds of cycles, all
/// times stretched by `scale`.
fn crossings(level: &[f64], slopes: &[f64], scale: f64) -> Vec<f64> {
    let slowest = CROSSING_MIN_DECLINE / scale;
    let most = CROSSING_MAX_CYCLES * scale;
    let crossing = |(level, slope): (&f64, &f64)| {
        let cycles = (level + CROSSING_MARGIN) / (-slope).max(slowest);
        cycles.clamp(0.0, most) / (CROSSING_UNIT_CYCLES * scale)
    };
    level.iter().zip(slopes).map(crossing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, sensor: &[f64], health: &[f64]) -> Vec<f64> {
        let options = FeatureOptions::default();
        let cycles: Vec<_> = (1..=health.len() as u32).map(Cycle).collect();
        let names = names(["s"].into_iter(), &options);
        let at = names
            .iter()
            .position(|known| known == name)
            .unwrap_or_else(|| panic!("no {name} in {names:?}"));
        columns(&[sensor.to_vec()], health, &cycles, &options).swap_remove(at)
    }

    #[test]
    fn every_column_has_a_name() {
        let (options, sensors) = (FeatureOptions::default(), vec![vec![0.0; 3]; 2]);
        let columns = columns(
            &sensors,
            &[0.0; 3],
            &[Cycle(1), Cycle(2), Cycle(3)],
            &options,
        );
        assert_eq!(names(["a", "b"].into_iter(), &options).len(), columns.len());
        assert!(columns.iter().all(|column| column.len() == 3));
    }

    #[test]
    fn a_straight_line_by_hand() {
        let line: Vec<f64> = (0..100).map(|t| 0.01 * f64::from(t)).collect();
        let last = |name| *column(name, &line, &line).last().unwrap();
        let near = |name, expected: f64| {
            assert!(
                (last(name) - expected).abs() < 1e-9,
                "{name}: {}",
                last(name)
            )
        };
        near("s.slope40", 0.4);
        near("s.slope", 0.4);
        near("s.base", 0.095);
        near("s.sd40", 0.01 * ((40.0_f64.powi(2) - 1.0) / 12.0).sqrt());
        near("health_index.slope15", 0.3);
        near(
            "health_index.sd30",
            0.01 * ((30.0_f64.powi(2) - 1.0) / 12.0).sqrt(),
        );
        near("health_index.min", 0.0);
        near("health_index.crossing30", 4.0);
        near("cycle", 100.0);
        near("log_cycle", 101.0_f64.ln());
        // The exponential mean lags a line by decay / (1 − decay) rows.
        let lag = |half_life: f64| 1.0 / (0.5_f64.powf(-1.0 / half_life) - 1.0);
        let ema = |half_life: f64| 0.01 * (99.0 - lag(half_life));
        assert!((last("s.ema4") - ema(4.0)).abs() < 1e-5);
        assert!((last("s.drift") - (ema(8.0) - 0.095)).abs() < 2e-4);
        assert!((last("health_index.drift") - (ema(5.0) - 0.095)).abs() < 1e-4);
    }

    #[test]
    fn early_slopes_are_damped_by_the_square_of_the_share_of_20_rows() {
        let line: Vec<f64> = (0..30).map(|t| 0.01 * f64::from(t)).collect();
        let check = |name, row: usize, expected: f64| {
            assert!(
                (column(name, &line, &line)[row] - expected).abs() < 1e-9,
                "{name} at {row}"
            );
        };
        check("s.slope40", 0, 0.0);
        check("s.slope40", 9, 0.4 * 0.25);
        check("s.slope", 9, 0.4 * 0.25);
        check("s.slope40", 19, 0.4);
        check("health_index.slope15", 4, 0.3 / 9.0);
        check("health_index.slope15", 14, 0.3);
    }

    #[test]
    fn a_declining_index_crosses_the_failure_level_where_the_line_does() {
        let decline: Vec<f64> = (0..120).map(|t| 1.0 - 0.008 * f64::from(t)).collect();
        let crossing = column("health_index.crossing60", &decline, &decline)[119];
        let level = *exponential_mean(&decline, DRIFT_HALF_LIFE).last().unwrap();
        assert!((crossing - (level + 0.15) / 0.008 / 100.0).abs() < 1e-9);
        let failed = column("health_index.crossing60", &decline, &[-2.0; 50]);
        assert_eq!(failed, [0.0; 50]);
    }
}
