//! Values that no sensor measured: placeholders for missing values, overflows and typing errors.

use super::super::findings::FindingLog;
use super::super::ingest::RawPart;
use super::super::rows::Rows;
use super::super::{Expectation, Severity};
use super::{Scope, Subject};

/// Largest value whose square can be summed over all rows of a file without overflow.
const LARGEST: f64 = 1e140;

/// Share of the values at either end that do not count for the width of a column.
const TAIL: f64 = 0.05;

/// Distance in widths from which a value is suspicious; it may be a spike.
const FAR: f64 = 10.0;

/// Distance in widths from which no sensor can have measured a value: a 24-bit converter resolves 16 million steps.
const IMPOSSIBLY_FAR: f64 = 1e9;

/// Minimum distance, in the sensor's own unit, at which a value is left out of the width: hardly any sensor reads as much,
/// and gauges that span many decades, such as vacuum gauges, stay below it.
const BEYOND_READINGS: f64 = 1e9;

/// Minimum width of a column as a share of its values: a column that hardly varies does not show which distances are large.
const LEAST_WIDTH: f64 = 1e-3;

/// Maximum share of far values that are accidents; more of them are another mode of operation.
const SELDOM: f64 = 0.01;

/// Smallest number that may be a placeholder, if it consists of nines or is at the limit of a binary integer.
const PLACEHOLDERS_FROM: f64 = 999.0;

/// No value is so far from all others of its column that no sensor can have measured it.
pub(super) fn implausible_values(subject: &Subject<'_>, log: &mut FindingLog) -> Scope {
    for (part, rows) in subject.raw.histories() {
        for (channel, name) in subject.raw.schema.channels().enumerate() {
            for odd in odd_values(&rows.channels[channel]) {
                note(subject.severity, part, rows, name, &odd, log);
            }
        }
    }
    subject.scope_of_rows()
}

/// Every value can be squared and summed without overflow.
pub(super) fn computable(subject: &Subject<'_>, log: &mut FindingLog) {
    for (part, rows) in subject.raw.histories() {
        for (channel, name) in subject.raw.schema.channels().enumerate() {
            let values = rows.channels[channel].iter().enumerate();
            for (row, value) in values.filter(|(_, value)| value.abs() > LARGEST) {
                let location = rows.location(&part.file, row).column(name);
                let message = format!("{name} is {value:e}, too large to compute with");
                log.error(Expectation::Finite, location, message);
            }
        }
    }
}

/// Why a value was probably not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// It is beyond the range of any instrument.
    Impossible,
    /// It is a common placeholder, and far from all others.
    Placeholder,
    /// It is far from all others: a spike, or a placeholder of another kind.
    Far,
}

/// Values of one column that are reported in one sentence.
#[derive(Debug, Clone, PartialEq)]
struct Odd {
    doubt: Doubt,
    /// The first of them.
    value: f64,
    row: usize,
    count: usize,
    /// Whether all of them are equal.
    same: bool,
    /// The range of nine tenths of the other values.
    middle: [f64; 2],
}

fn odd_values(values: &[f64]) -> Vec<Odd> {
    let usual: Vec<f64> = values
        .iter()
        .copied()
        .filter(|value| !looks_like_placeholder(*value))
        .collect();
    let Some(middle) = middle(usual).or_else(|| middle(values.to_vec())) else {
        return Vec::new();
    };
    let width = width_of(middle);
    let mut odd: Vec<Odd> = Vec::new();
    for (row, value) in values.iter().enumerate() {
        let Some(doubt) = doubt(*value, middle, width) else {
            continue;
        };
        let placeholder = doubt == Doubt::Placeholder;
        match odd
            .iter_mut()
            .find(|known| known.doubt == doubt && (!placeholder || known.value == *value))
        {
            Some(known) => {
                known.count += 1;
                known.same &= known.value == *value;
            }
            None => odd.push(Odd {
                doubt,
                value: *value,
                row,
                count: 1,
                same: true,
                middle,
            }),
        }
    }
    // Many values that are merely far away are another mode of operation, not accidents.
    let most = (SELDOM * values.len() as f64).max(1.0) as usize;
    odd.retain(|odd| odd.doubt != Doubt::Far || odd.count <= most);
    odd
}

/// Returns the width of a column with this range of its middle nine tenths; 0 if no distance can be judged.
fn width_of([low, high]: [f64; 2]) -> f64 {
    let size = low.abs().max(high.abs());
    // A column that nearly always has one value is rounded, or a counter: its own size serves as the width.
    if low == high {
        size
    } else {
        (high - low).max(LEAST_WIDTH * size)
    }
}

/// Returns the range of the middle nine tenths of a column; `None` without values. Values that are impossibly far from the
/// middle half do not count: from one row in twenty they would determine the width.
fn middle(mut values: Vec<f64>) -> Option<[f64; 2]> {
    values.retain(|value| value.is_finite());
    values.sort_by(f64::total_cmp);
    let half = between(&values, 0.25)?;
    let width = width_of(half);
    if width > 0.0 {
        let limit = (IMPOSSIBLY_FAR * width).max(BEYOND_READINGS);
        values.retain(|value| distance(*value, half) < limit);
    }
    between(&values, TAIL)
}

/// Returns the range that leaves out this share of the sorted values at either end.
fn between(sorted: &[f64], tail: f64) -> Option<[f64; 2]> {
    let last = sorted.len().checked_sub(1)?;
    let tail = (last as f64 * tail) as usize;
    Some([sorted[tail], sorted[last - tail]])
}

/// Returns the distance of a value from a range; negative inside it.
fn distance(value: f64, [low, high]: [f64; 2]) -> f64 {
    (low - value).max(value - high)
}

fn doubt(value: f64, middle: [f64; 2], width: f64) -> Option<Doubt> {
    // Values too large to compute with are logged by `computable`; in a column of zeros no distance can be judged.
    if value.is_nan() || value.abs() > LARGEST || width == 0.0 {
        return None;
    }
    let widths = distance(value, middle) / width;
    if widths >= IMPOSSIBLY_FAR {
        Some(Doubt::Impossible)
    } else if widths >= FAR && looks_like_placeholder(value) {
        Some(Doubt::Placeholder)
    } else if widths >= FAR {
        Some(Doubt::Far)
    } else {
        None
    }
}

/// Returns whether a number commonly stands for "no value": written with nines only, such as `-9999` and `999.9`, a limit of
/// 16-, 32- or 64-bit integers, or the largest single-precision number.
fn looks_like_placeholder(value: f64) -> bool {
    let size = value.abs();
    if size < PLACEHOLDERS_FROM {
        return false;
    }
    let text = format!("{size}");
    let nines = text.len() < 16 && text.chars().all(|character| matches!(character, '9' | '.'));
    let bits = [15, 16, 31, 32, 63, 64].map(|bits| 2.0_f64.powi(bits));
    let ends = bits.iter().any(|end| size == *end || size == *end - 1.0);
    // The largest single-precision number written with eight digits differs from it in double precision.
    nines || ends || size as f32 == f32::MAX
}

fn note(
    severity: Severity,
    part: &RawPart,
    rows: &Rows,
    name: &str,
    odd: &Odd,
    log: &mut FindingLog,
) {
    let Odd {
        doubt,
        value,
        row,
        count,
        same,
        middle: [low, high],
    } = odd;
    let times = match (count, same) {
        (1, _) => String::new(),
        (count, true) => format!(" in {count} cells, first here"),
        (count, false) => format!(" here, and {} other cells are as far off", count - 1),
    };
    let others = format!("90 % of its values are from {low} to {high}");
    let shown = if value.abs() >= 1e15 {
        format!("{value:e}")
    } else {
        format!("{value}")
    };
    let message = match doubt {
        Doubt::Impossible => {
            format!("{name} is {shown}{times}, which no sensor can measure; {others}")
        }
        Doubt::Placeholder => {
            format!("{name} is {shown}{times}, a placeholder for a missing value; {others}")
        }
        Doubt::Far => format!("{name} is {shown}{times}, a spike or a placeholder; {others}"),
    };
    let severity = match doubt {
        Doubt::Impossible | Doubt::Placeholder => severity,
        // A real spike is data.
        Doubt::Far => severity.max(Severity::Warning),
    };
    let location = rows.location(&part.file, *row).column(name);
    log.add(severity, Expectation::ImplausibleValues, location, message);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sensor around 642 with a spread of 1, as in an engine.
    fn sensor() -> Vec<f64> {
        (0..400)
            .map(|i| 642.0 + f64::from((i * 37) % 100) / 50.0 - 1.0)
            .collect()
    }

    fn doubts(values: &[f64]) -> Vec<(Doubt, f64, usize)> {
        odd_values(values)
            .into_iter()
            .map(|odd| (odd.doubt, odd.value, odd.count))
            .collect()
    }

    fn with(cells: &[(usize, f64)]) -> Vec<f64> {
        let mut values = sensor();
        for (row, value) in cells {
            values[*row] = *value;
        }
        values
    }

    #[test]
    fn placeholders_overflows_and_spikes_are_distinguished() {
        assert_eq!(doubts(&sensor()), []);
        assert_eq!(doubts(&with(&[(7, 1e155)])), []);
        assert_eq!(
            doubts(&with(&[(7, -1e12)])),
            [(Doubt::Impossible, -1e12, 1)]
        );
        let largest = f64::from(f32::MAX);
        assert_eq!(
            doubts(&with(&[(7, largest)])),
            [(Doubt::Impossible, largest, 1)]
        );
        assert_eq!(
            doubts(&with(&[(7, -9999.0), (9, -9999.0)])),
            [(Doubt::Placeholder, -9999.0, 2)]
        );
        let two = [
            (Doubt::Placeholder, 65535.0, 1),
            (Doubt::Placeholder, -999.9, 2),
        ];
        assert_eq!(
            doubts(&with(&[(3, 65535.0), (7, -999.9), (9, -999.9)])),
            two
        );
        assert_eq!(doubts(&with(&[(7, 742.0)])), [(Doubt::Far, 742.0, 1)]);
        assert_eq!(doubts(&with(&[(7, 649.0)])), []);
    }

    #[test]
    fn a_placeholder_in_a_constant_column_is_found() {
        let values: Vec<f64> = (0..400)
            .map(|i| if i == 9 { -9999.0 } else { 518.67 })
            .collect();
        assert_eq!(doubts(&values), [(Doubt::Placeholder, -9999.0, 1)]);
    }

    #[test]
    fn a_tenth_of_placeholders_does_not_hide_them() {
        let cells: Vec<(usize, f64)> = (0..40).map(|i| (i * 10, -9999.0)).collect();
        assert_eq!(doubts(&with(&cells)), [(Doubt::Placeholder, -9999.0, 40)]);
    }

    #[test]
    fn a_tenth_of_impossible_values_does_not_hide_them() {
        for value in [3.4028235e38, 1e12, 1e20, -1e30, 1e100, 9.96921e36] {
            let cells: Vec<(usize, f64)> = (0..40).map(|i| (i * 10, value)).collect();
            assert_eq!(doubts(&with(&cells)), [(Doubt::Impossible, value, 40)]);
        }
        let vacuum: Vec<f64> = (0..400)
            .map(|i| {
                if i % 10 == 0 {
                    1e3
                } else {
                    1e-9 * f64::from(i)
                }
            })
            .collect();
        assert_eq!(doubts(&vacuum), []);
    }

    #[test]
    fn steps_counters_regimes_and_real_nines_are_data() {
        let switch: Vec<f64> = (0..400).map(|i| f64::from(u8::from(i > 396))).collect();
        assert_eq!(doubts(&switch), []);
        let register: Vec<f64> = switch.iter().map(|on| on * 65535.0).collect();
        assert_eq!(doubts(&register), []);
        let mostly_one_regime: Vec<f64> = (0..400)
            .map(|i| if i % 20 == 0 { 0.0 } else { 42.0 })
            .collect();
        assert_eq!(doubts(&mostly_one_regime), []);
        let rounded: Vec<f64> = (0..400).map(|i| if i == 9 { 1.32 } else { 1.3 }).collect();
        assert_eq!(doubts(&rounded), []);
        let speed: Vec<f64> = (0..400).map(|i| 9800.0 + f64::from(i)).collect();
        assert_eq!(doubts(&speed), []);
        let growing: Vec<f64> = (0..400).map(|i| 1.02_f64.powi(i)).collect();
        assert_eq!(doubts(&growing), []);
        assert_eq!(doubts(&[1.0]), []);
        assert_eq!(doubts(&[]), []);
    }

    #[test]
    fn numbers_that_mean_no_value() {
        for value in [
            -9999.0,
            999.0,
            999.9,
            99999.0,
            65535.0,
            -32768.0,
            2147483647.0,
            3.4028234663852886e38,
            -3.4028235e38,
        ] {
            assert!(looks_like_placeholder(value), "{value}");
        }
        for value in [0.0, -1.0, 99.0, 255.0, 4096.0, 1000.0, 9990.0, 998.9] {
            assert!(!looks_like_placeholder(value), "{value}");
        }
    }
}
