//! The values that a key may take in a search.

use serde_json::Value;

use super::RangeOptions;
use super::round::tidy;
use pdm_core::codes::Code;
use pdm_core::domain::Problem;

/// Whole numbers beyond this are not exact as floats.
const LARGEST_WHOLE: f64 = 9e15;

/// The values a key may take.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// One of these, in no order.
    Choices(Vec<Value>),
    /// One of these numbers, ascending.
    Rungs(Vec<Value>),
    /// A whole number from `low` to `high`.
    Whole {
        /// Smallest.
        low: i64,
        /// Largest.
        high: i64,
        /// Whether the range is searched by ratio.
        log: bool,
    },
    /// Any number from `low` to `high`.
    Real {
        /// Smallest.
        low: f64,
        /// Largest.
        high: f64,
        /// Whether the range is searched by ratio.
        log: bool,
    },
}

impl Values {
    /// Returns the values of a range without [`RangeOptions::problems`]; `whole` if the key takes only whole numbers.
    ///
    /// # Errors
    /// The key takes whole numbers, but an end or a step is not whole.
    pub fn of(range: &RangeOptions, whole: bool) -> Result<Self, Problem> {
        if let Some(choices) = &range.choices {
            return Ok(Self::Choices(choices.clone()));
        }
        let low = range.low.unwrap_or_default();
        let high = range.high.unwrap_or_default();
        if whole {
            let ends = [
                ("low", Some(low)),
                ("high", Some(high)),
                ("step", range.step),
            ];
            let broken = |value: f64| value.fract() != 0.0 || value.abs() > LARGEST_WHOLE;
            if let Some((key, Some(value))) = ends
                .into_iter()
                .find(|(_, value)| value.is_some_and(broken))
            {
                let message = format!("is {value}, but the key takes whole numbers");
                return Err(Problem::new(key, message).with_code(Code::SearchRange));
            }
        }
        Ok(match rungs(range, low, high) {
            Some(rungs) => Self::Rungs(numbers(rungs, whole)),
            None if whole => Self::Whole {
                low: low as i64,
                high: high as i64,
                log: range.log,
            },
            None => Self::Real {
                low,
                high,
                log: range.log,
            },
        })
    }

    /// Returns the number of values; `None` if there are infinitely many.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Choices(values) | Self::Rungs(values) => Some(values.len() as u64),
            Self::Whole { low, high, .. } => Some(high.abs_diff(*low) + 1),
            Self::Real { .. } => None,
        }
    }

    /// Returns value number `index`, from 0; `None` after the last one, or if there are infinitely many.
    pub(super) fn nth(&self, index: u64) -> Option<Value> {
        match self {
            Self::Choices(values) | Self::Rungs(values) => {
                values.get(usize::try_from(index).ok()?).cloned()
            }
            Self::Whole { low, high, .. } => {
                let value = low.checked_add(i64::try_from(index).ok()?)?;
                (value <= *high).then(|| value.into())
            }
            Self::Real { .. } => None,
        }
    }

    /// Returns the value at a position from 0 to below 1; equal intervals have equal probability.
    pub(super) fn at(&self, position: f64) -> Value {
        match self {
            Self::Choices(values) | Self::Rungs(values) => {
                values[((position * values.len() as f64) as usize).min(values.len() - 1)].clone()
            }
            Self::Whole { low, high, log } => {
                let scale = RangeScale::of(*low as f64 - 0.5, *high as f64 + 0.5, *log);
                (scale.value(position).round() as i64)
                    .clamp(*low, *high)
                    .into()
            }
            Self::Real { low, high, log } => {
                let value = RangeScale::of(*low, *high, *log).value(position);
                let width = if *log {
                    value * (high / low).ln()
                } else {
                    high - low
                };
                tidy(value, width).clamp(*low, *high).into()
            }
        }
    }

    /// Returns the position of a value, the inverse of `at`; `None` for other values.
    pub(super) fn position(&self, value: &Value) -> Option<f64> {
        match self {
            Self::Choices(values) | Self::Rungs(values) => {
                let index = values.iter().position(|other| same(other, value))?;
                Some((index as f64 + 0.5) / values.len() as f64)
            }
            Self::Whole { low, high, log } => {
                let value = value
                    .as_i64()
                    .filter(|value| (*low..=*high).contains(value))?;
                Some(
                    RangeScale::of(*low as f64 - 0.5, *high as f64 + 0.5, *log)
                        .position(value as f64),
                )
            }
            Self::Real { low, high, log } => {
                let value = value
                    .as_f64()
                    .filter(|value| (*low..=*high).contains(value))?;
                Some(RangeScale::of(*low, *high, *log).position(value))
            }
        }
    }

    /// Returns values that suffice to check whether a key takes all of them, each with the part of the range it is from.
    pub fn probes(&self) -> Vec<(String, Value)> {
        match self {
            Self::Choices(values) => values
                .iter()
                .enumerate()
                .map(|(i, value)| (format!("choices.{i}"), value.clone()))
                .collect(),
            Self::Rungs(values) => {
                let ends = values.first().into_iter().zip(values.last());
                ends.flat_map(|(low, high)| {
                    [("low".into(), low.clone()), ("high".into(), high.clone())]
                })
                .collect()
            }
            Self::Whole { low, high, .. } => vec![
                ("low".into(), (*low).into()),
                ("high".into(), (*high).into()),
            ],
            Self::Real { low, high, .. } => vec![
                ("low".into(), (*low).into()),
                ("high".into(), (*high).into()),
            ],
        }
    }
}

/// Returns whether two values are equal for a key: 4 equals 4.0.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

fn rungs(range: &RangeOptions, low: f64, high: f64) -> Option<Vec<f64>> {
    if let Some(step) = range.step {
        // An excess of a thousandth of a step is rounding, not another value.
        let last = ((high - low) / step + 1e-3).floor() as usize;
        return Some(
            (0..=last)
                .map(|i| tidy(low + i as f64 * step, step).min(high))
                .collect(),
        );
    }
    let points = range.points?;
    let scale = RangeScale::of(low, high, range.log);
    let between = |i: usize| {
        let value = scale.value(i as f64 / (points - 1) as f64);
        let next = scale.value((i + 1) as f64 / (points - 1) as f64);
        tidy(value, next - value).clamp(low, high)
    };
    Some((0..points).map(between).collect())
}

fn numbers(rungs: Vec<f64>, whole: bool) -> Vec<Value> {
    let mut values: Vec<Value> = if whole {
        rungs
            .into_iter()
            .map(|rung| Value::from(rung.round() as i64))
            .collect()
    } else {
        rungs.into_iter().map(Value::from).collect()
    };
    values.dedup();
    values
}

/// Positions from 0 to 1 in a range, by difference or by ratio.
pub(super) struct RangeScale {
    start: f64,
    width: f64,
    log: bool,
}

impl RangeScale {
    pub(super) fn of(low: f64, high: f64, log: bool) -> Self {
        let (start, end) = if log {
            (low.ln(), high.ln())
        } else {
            (low, high)
        };
        Self {
            start,
            width: end - start,
            log,
        }
    }

    fn value(&self, position: f64) -> f64 {
        let value = self.start + position * self.width;
        if self.log { value.exp() } else { value }
    }

    pub(super) fn position(&self, value: f64) -> f64 {
        let value = if self.log { value.ln() } else { value };
        ((value - self.start) / self.width).clamp(0.0, 1.0 - f64::EPSILON)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn values(toml: &str, whole: bool) -> Values {
        let range: RangeOptions = toml::from_str(toml).unwrap();
        assert_eq!(range.problems(), []);
        Values::of(&range, whole).unwrap()
    }

    fn all(values: &Values) -> Value {
        (0..values.count().unwrap())
            .map(|index| values.nth(index).unwrap())
            .collect()
    }

    #[test]
    fn steps_and_points_make_lists_without_rounding_dust() {
        assert_eq!(
            all(&values("low = 16\nhigh = 96\nstep = 16", true)),
            json!([16, 32, 48, 64, 80, 96])
        );
        assert_eq!(
            all(&values("low = 0.1\nhigh = 0.45\nstep = 0.1", false)),
            json!([0.1, 0.2, 0.3, 0.4])
        );
        assert_eq!(
            all(&values(
                "low = 1e-3\nhigh = 1\npoints = 4\nlog = true",
                false
            )),
            json!([0.001, 0.01, 0.1, 1.0])
        );
        assert_eq!(
            all(&values("low = 1\nhigh = 4\npoints = 7", true)),
            json!([1, 2, 3, 4])
        );
        assert_eq!(all(&values("low = 2\nhigh = 4", true)), json!([2, 3, 4]));
        assert_eq!(values("low = 2\nhigh = 4", false).count(), None);
    }

    #[test]
    fn a_key_for_whole_numbers_takes_no_others() {
        let range: RangeOptions = toml::from_str("low = 1.5\nhigh = 4").unwrap();
        assert_eq!(
            Values::of(&range, true).unwrap_err().message,
            "is 1.5, but the key takes whole numbers"
        );
    }

    #[test]
    fn by_ratio_the_middle_is_the_geometric_mean() {
        assert_eq!(
            values("low = 1e-4\nhigh = 1\nlog = true", false).at(0.5),
            json!(0.01)
        );
        assert_eq!(values("low = 0\nhigh = 8", false).at(0.25), json!(2.0));
        let counts = (0..1000)
            .map(|i| values("low = 1\nhigh = 100\nlog = true", true).at(f64::from(i) / 1000.0));
        let small = counts.filter(|value| value.as_i64().unwrap() <= 10).count();
        assert!(
            (500..640).contains(&small),
            "{small}: half of the places and the wide first numbers"
        );
    }

    #[test]
    fn four_is_four_point_nothing() {
        let choices = values("choices = [[4, 15], [2, 8, 30]]", false);
        assert_eq!(choices.position(&json!([4.0, 15.0])), Some(0.25));
        assert_eq!(choices.position(&json!([4.0])), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn positions_and_values_correspond(
            low in 1_i64..500, width in 1_i64..500, log: bool, whole: bool, position in 0.0..1.0
        ) {
            let (low, high) = (low as f64, (low + width) as f64);
            let range = RangeOptions { low: Some(low), high: Some(high), log, ..RangeOptions::default() };
            let values = Values::of(&range, whole).unwrap();
            let value = values.at(position);
            prop_assert!((low..=high).contains(&value.as_f64().unwrap()), "{}", value);
            prop_assert_eq!(value.is_i64(), whole);
            let back = values.position(&value).unwrap();
            prop_assert!((0.0..1.0).contains(&back));
            prop_assert_eq!(values.at(back), value);
            prop_assert!(values.position(&(high + 1.0).into()).is_none());
        }
    }
}
