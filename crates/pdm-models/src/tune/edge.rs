//! Finds values at an end of their range, where a wider range might have better ones.

use serde::Serialize;
use serde_json::Value;

use super::values::RangeScale;
use super::{SearchPoint, Space, Values};

/// Share of a range that counts as its end, by ratio if the range is searched by ratio. Samplers seldom draw an end itself:
/// of 60 evenly spread trials, about 3 are in a twentieth.
const END_SHARE: f64 = 0.05;

/// An end of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The smallest values.
    Low,
    /// The largest values.
    High,
}

/// A value at an end of its range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AtEdge {
    /// The dotted key.
    pub key: String,
    /// The value.
    pub value: Value,
    /// The end at or beyond which it is.
    pub end: End,
    /// Whether it is beyond the end: the value in the file may be outside the range.
    pub is_outside: bool,
    /// Smallest value of the range.
    pub low: Value,
    /// Largest value of the range.
    pub high: Value,
}

impl Space {
    /// Returns the values of a point at an end of their range, in the order of the keys; choices have no ends.
    pub fn at_edge(&self, point: &SearchPoint) -> Vec<AtEdge> {
        let mut found = Vec::new();
        for dimension in self.dimensions() {
            let Some(value) = point.get(&dimension.key) else {
                continue;
            };
            let Some((low, high)) = dimension.values.ends() else {
                continue;
            };
            let Some(end) = dimension.values.end_at(value) else {
                continue;
            };
            let is_outside = is_outside_range(value, &low, &high);
            found.push(AtEdge {
                key: dimension.key.clone(),
                value: value.clone(),
                end,
                is_outside,
                low,
                high,
            });
        }
        found
    }
}

fn is_outside_range(value: &Value, low: &Value, high: &Value) -> bool {
    let (Some(value), Some(low), Some(high)) = (value.as_f64(), low.as_f64(), high.as_f64()) else {
        return false;
    };
    value < low || value > high
}

impl Values {
    /// Returns the smallest and the largest value; `None` for choices.
    fn ends(&self) -> Option<(Value, Value)> {
        match self {
            Self::Choices(_) => None,
            Self::Rungs(values) => Some((values.first()?.clone(), values.last()?.clone())),
            Self::Whole { low, high, .. } => Some(((*low).into(), (*high).into())),
            Self::Real { low, high, .. } => Some(((*low).into(), (*high).into())),
        }
    }

    /// Returns the end at or beyond which a value is; the value in the file may be outside the range.
    fn end_at(&self, value: &Value) -> Option<End> {
        let (low, high) = self.ends()?;
        let value = value.as_f64()?;
        let low = low.as_f64()?;
        let high = high.as_f64()?;
        if value <= low {
            return Some(End::Low);
        }
        if value >= high {
            return Some(End::High);
        }
        let log = match self {
            // Only the first and the last rung are ends, since nothing between two rungs is tried.
            Self::Choices(_) | Self::Rungs(_) => return None,
            Self::Whole { log, .. } | Self::Real { log, .. } => *log,
        };
        let position = RangeScale::of(low, high, log).position(value);
        if position < END_SHARE {
            return Some(End::Low);
        }
        if position > 1.0 - END_SHARE {
            return Some(End::High);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tune::RangeOptions;

    fn end(toml: &str, whole: bool, value: Value) -> Option<End> {
        let range: RangeOptions = toml::from_str(toml).unwrap();
        Values::of(&range, whole).unwrap().end_at(&value)
    }

    #[test]
    fn an_end_is_a_twentieth_of_a_range() {
        let range = "low = 0\nhigh = 10";
        assert_eq!(end(range, false, json!(9.8)), Some(End::High));
        assert_eq!(end(range, false, json!(9.4)), None);
        assert_eq!(end(range, false, json!(0.3)), Some(End::Low));
    }

    #[test]
    fn by_ratio_where_the_search_was() {
        let range = "low = 1e-4\nhigh = 1\nlog = true";
        assert_eq!(end(range, false, json!(1.4e-4)), Some(End::Low));
        // By difference this would be at the end, too.
        assert_eq!(end(range, false, json!(2e-3)), None);
        assert_eq!(end(range, false, json!(0.7)), Some(End::High));
        assert_eq!(end(range, false, json!(0.5)), None);
    }

    #[test]
    fn of_steps_the_first_and_the_last() {
        let range = "low = 10\nhigh = 65\nstep = 10";
        assert_eq!(end(range, true, json!(60)), Some(End::High));
        assert_eq!(end(range, true, json!(50)), None);
        assert_eq!(end(range, true, json!(10)), Some(End::Low));
    }

    #[test]
    fn few_whole_numbers_have_ends_too() {
        assert_eq!(end("low = 2\nhigh = 5", true, json!(5)), Some(End::High));
        assert_eq!(end("low = 2\nhigh = 5", true, json!(4)), None);
    }

    #[test]
    fn choices_have_no_ends() {
        assert_eq!(end("choices = [1, 2, 3]", true, json!(3)), None);
    }

    #[test]
    fn a_value_of_the_file_may_lie_outside() {
        assert_eq!(end("low = 2\nhigh = 5", true, json!(9)), Some(End::High));
        assert_eq!(
            end("low = 10\nhigh = 60\nstep = 10", true, json!(5)),
            Some(End::Low)
        );
        assert!(
            is_outside_range(&json!(9), &json!(2), &json!(5))
                && is_outside_range(&json!(1.5), &json!(2), &json!(5))
        );
        assert!(
            !is_outside_range(&json!(2.0), &json!(2), &json!(5))
                && !is_outside_range(&json!(5), &json!(2), &json!(5))
        );
    }
}
