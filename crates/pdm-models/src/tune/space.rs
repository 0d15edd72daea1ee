//! The search space.

use serde_json::Value;

use super::values::same;
use super::{SearchPoint, Simpler, Values};

/// All values that a search may try.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Space {
    dimensions: Vec<SearchDimension>,
}

/// One key that is searched.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchDimension {
    /// The dotted key.
    pub key: String,
    /// The values it may take.
    pub values: Values,
    /// Which end makes simpler models.
    pub simpler: Option<Simpler>,
    /// When it is active; always if absent.
    pub when: Option<When>,
}

/// A condition: a key is active only if another key has one of these values.
#[derive(Debug, Clone, PartialEq)]
pub struct When {
    /// The other key, which is also searched and always active.
    pub key: String,
    /// The values.
    pub one_of: Vec<Value>,
}

impl Space {
    /// Returns a space over these keys.
    pub fn new(dimensions: Vec<SearchDimension>) -> Self {
        Self { dimensions }
    }

    /// Returns the keys, in the order they are written.
    pub fn dimensions(&self) -> &[SearchDimension] {
        &self.dimensions
    }

    /// Returns the values of these keys in the file; a value in a list of choices in the form of the list.
    pub fn point_of(&self, value_of: impl Fn(&str) -> Option<Value>) -> SearchPoint {
        self.build(|dimension| {
            let value = value_of(&dimension.key)?;
            let own = match &dimension.values {
                Values::Choices(values) | Values::Rungs(values) => {
                    values.iter().find(|own| same(own, &value)).cloned()
                }
                Values::Whole { .. } | Values::Real { .. } => None,
            };
            Some(own.unwrap_or(value))
        })
    }

    /// Builds a point by calling a function for every active key, unconditional keys first.
    pub(super) fn build(
        &self,
        mut pick: impl FnMut(&SearchDimension) -> Option<Value>,
    ) -> SearchPoint {
        let mut picked = SearchPoint::new();
        for dimension in self.parents_first() {
            if dimension.is_active(&picked)
                && let Some(value) = pick(dimension)
            {
                picked.insert(dimension.key.clone(), value);
            }
        }
        let in_order = |dimension: &SearchDimension| {
            Some((dimension.key.clone(), picked.get(&dimension.key)?.clone()))
        };
        self.dimensions.iter().filter_map(in_order).collect()
    }

    /// Returns the first key with infinitely many values.
    pub fn uncountable(&self) -> Option<&SearchDimension> {
        self.dimensions
            .iter()
            .find(|dimension| dimension.values.count().is_none())
    }

    /// Returns at most `most` points of the grid; the last key changes fastest.
    pub fn grid(&self, most: usize) -> Vec<SearchPoint> {
        let order: Vec<_> = self.parents_first().collect();
        let mut points = Vec::new();
        self.fill(&order, &SearchPoint::new(), most, &mut points);
        points
    }

    fn fill(
        &self,
        rest: &[&SearchDimension],
        so_far: &SearchPoint,
        most: usize,
        points: &mut Vec<SearchPoint>,
    ) {
        let Some((dimension, rest)) = rest.split_first() else {
            points.push(self.build(|dimension| so_far.get(&dimension.key).cloned()));
            return;
        };
        if !dimension.is_active(so_far) {
            return self.fill(rest, so_far, most, points);
        }
        let mut index = 0;
        while points.len() < most
            && let Some(value) = dimension.values.nth(index)
        {
            let mut with = so_far.clone();
            with.insert(dimension.key.clone(), value);
            self.fill(rest, &with, most, points);
            index += 1;
        }
    }

    fn parents_first(&self) -> impl Iterator<Item = &SearchDimension> {
        let of = |conditional: bool| {
            self.dimensions
                .iter()
                .filter(move |d| d.when.is_some() == conditional)
        };
        of(false).chain(of(true))
    }
}

impl SearchDimension {
    fn is_active(&self, picked: &SearchPoint) -> bool {
        self.when.as_ref().is_none_or(|when| {
            picked
                .get(&when.key)
                .is_some_and(|value| when.one_of.iter().any(|other| same(other, value)))
        })
    }
}

#[cfg(test)]
pub(super) mod samples {
    use serde_json::json;

    use super::*;

    /// Two kinds: `rounds` belongs to one, `hidden` to the other, `rate` to both.
    pub(in crate::tune) fn kinds() -> Space {
        let free = |key: &str, values| SearchDimension {
            key: key.to_owned(),
            values,
            simpler: None,
            when: None,
        };
        let when = |key: &str, values, kind: &str| {
            let when = When {
                key: "kind".to_owned(),
                one_of: vec![kind.into()],
            };
            SearchDimension {
                when: Some(when),
                ..free(key, values)
            }
        };
        Space::new(vec![
            when(
                "rounds",
                Values::Rungs(vec![json!(100), json!(200), json!(300)]),
                "gbdt",
            ),
            free("kind", Values::Choices(vec![json!("gbdt"), json!("gru")])),
            when(
                "hidden",
                Values::Whole {
                    low: 1,
                    high: 2,
                    log: false,
                },
                "gru",
            ),
            free("rate", Values::Choices(vec![json!(0.1), json!(0.2)])),
        ])
    }

    /// One number between 0 and 1.
    pub(in crate::tune) fn line() -> Space {
        let values = Values::Real {
            low: 0.0,
            high: 1.0,
            log: false,
        };
        Space::new(vec![SearchDimension {
            key: "x".to_owned(),
            values,
            simpler: None,
            when: None,
        }])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::samples::{kinds, line};
    use super::*;

    #[test]
    fn a_grid_skips_inactive_keys() {
        let points: Vec<_> = kinds()
            .grid(100)
            .into_iter()
            .map(|point| Value::from(point).to_string())
            .collect();
        insta::assert_snapshot!(points.join("\n"), @r#"
        {"rounds":100,"kind":"gbdt","rate":0.1}
        {"rounds":200,"kind":"gbdt","rate":0.1}
        {"rounds":300,"kind":"gbdt","rate":0.1}
        {"rounds":100,"kind":"gbdt","rate":0.2}
        {"rounds":200,"kind":"gbdt","rate":0.2}
        {"rounds":300,"kind":"gbdt","rate":0.2}
        {"kind":"gru","hidden":1,"rate":0.1}
        {"kind":"gru","hidden":2,"rate":0.1}
        {"kind":"gru","hidden":1,"rate":0.2}
        {"kind":"gru","hidden":2,"rate":0.2}
        "#);
        assert_eq!(kinds().grid(4).len(), 4);
    }

    #[test]
    fn only_lists_and_whole_numbers_can_be_counted() {
        assert_eq!(kinds().uncountable(), None);
        assert_eq!(
            line().uncountable().map(|dimension| dimension.key.as_str()),
            Some("x")
        );
    }

    #[test]
    fn the_point_of_the_file_has_the_active_keys() {
        let file = json!({ "kind": "gbdt", "rounds": 150, "hidden": 1, "rate": 0.2 });
        let point = kinds().point_of(|key| file.get(key).cloned());
        assert_eq!(
            Value::from(point),
            json!({ "rounds": 150, "kind": "gbdt", "rate": 0.2 })
        );
    }
}
