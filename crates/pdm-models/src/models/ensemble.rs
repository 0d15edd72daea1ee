//! The mean of several fits of one family.

use super::parts::{join, split};
use super::weights::wrong;
use super::{Family, InputKind, ModelError, Predictor};
use crate::features::Matrix;
use pdm_core::domain::Interval;

const WHOLE: &str = "ensemble";

/// The mean of several fits of the same family with different seeds.
///
/// This averages out the effect of the seed (Lakshminarayanan et al., NeurIPS 2017, for networks).
#[derive(Debug)]
pub struct Ensemble {
    pub(crate) members: Vec<Box<dyn Predictor>>,
}

impl Ensemble {
    /// Returns the mean of these models, of which there must be at least one.
    pub(crate) fn new(members: Vec<Box<dyn Predictor>>) -> Self {
        Self { members }
    }

    /// Reads an ensemble, with `load` for its members; `None` if the weights are those of a single model.
    ///
    /// # Errors
    /// The bytes are not safetensors, or a member's are not those of its family.
    pub(super) fn load(
        weights: &[u8],
        load: impl Fn(&[u8]) -> Result<Box<dyn Predictor>, ModelError>,
    ) -> Result<Option<Self>, ModelError> {
        let Some(parts) = split(WHOLE, weights)? else {
            return Ok(None);
        };
        if parts.is_empty() {
            return Err(wrong("__metadata__", "has no members"));
        }
        let members = parts
            .iter()
            .map(|(_, weights)| load(weights))
            .collect::<Result<_, _>>()?;
        Ok(Some(Self { members }))
    }

    fn mean(&self, sum: f64) -> f64 {
        sum / self.members.len() as f64
    }

    fn mean_of(&self, ranges: &[Interval]) -> Interval {
        let lower = self.mean(ranges.iter().map(|range| range.lower).sum());
        Interval {
            lower,
            upper: self.mean(ranges.iter().map(|range| range.upper).sum()),
        }
    }
}

impl Predictor for Ensemble {
    fn input(&self) -> InputKind {
        self.members[0].input()
    }

    fn predict(&self, history: &Matrix) -> Vec<f64> {
        let mut sums = vec![0.0; history.rows()];
        for member in &self.members {
            for (sum, value) in sums.iter_mut().zip(member.predict(history)) {
                *sum += value;
            }
        }
        sums.into_iter().map(|sum| self.mean(sum)).collect()
    }

    fn predict_last(&self, history: &Matrix) -> f64 {
        self.mean(
            self.members
                .iter()
                .map(|member| member.predict_last(history))
                .fold(0.0, |sum, value| sum + value),
        )
    }

    fn intervals(&self, history: &Matrix) -> Option<Vec<Interval>> {
        let members = self
            .members
            .iter()
            .map(|member| member.intervals(history))
            .collect::<Option<Vec<_>>>()?;
        let at = |row| self.mean_of(&members.iter().map(|ranges| ranges[row]).collect::<Vec<_>>());
        Some((0..history.rows()).map(at).collect())
    }

    fn last_interval(&self, history: &Matrix) -> Option<Interval> {
        let members = self
            .members
            .iter()
            .map(|member| member.last_interval(history))
            .collect::<Option<Vec<_>>>()?;
        Some(self.mean_of(&members))
    }

    fn weights(&self) -> Vec<u8> {
        let members = self.members.iter().enumerate();
        join(
            WHOLE,
            &members
                .map(|(i, member)| (format!("seed-{}", i + 1), member.weights()))
                .collect::<Vec<_>>(),
        )
    }

    fn family(&self) -> Option<Family<'_>> {
        Some(Family::Ensemble(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::{Linear, LinearOptions, ModelOptions};

    fn ensemble() -> Ensemble {
        let linear =
            |intercept| Box::new(Linear::new(intercept, vec![2.0, -1.0])) as Box<dyn Predictor>;
        Ensemble::new([1.0, 2.0, 6.0].map(linear).into())
    }

    #[test]
    fn members_are_averaged_and_come_back() {
        let history = Matrix {
            width: 2,
            values: vec![1.0, 4.0, 0.0, 2.0],
        };
        let options = ModelOptions::Linear(LinearOptions::default());
        let loaded = options.load(&ensemble().weights()).unwrap();
        for model in [&ensemble() as &dyn Predictor, loaded.as_ref()] {
            assert_eq!(model.predict(&history), [1.0, 1.0]);
            assert_eq!(model.predict_last(&history), 1.0);
            assert_eq!(model.weights(), ensemble().weights());
            assert!(
                model
                    .predict_last(&Matrix {
                        width: 2,
                        values: Vec::new()
                    })
                    .is_nan()
            );
        }
    }

    /// Returns the same range at every row.
    #[derive(Debug)]
    struct Range(f64, f64);

    impl Predictor for Range {
        fn input(&self) -> InputKind {
            InputKind::Table
        }

        fn predict(&self, history: &Matrix) -> Vec<f64> {
            vec![self.0; history.rows()]
        }

        fn intervals(&self, history: &Matrix) -> Option<Vec<Interval>> {
            Some(vec![
                Interval {
                    lower: self.0,
                    upper: self.1
                };
                history.rows()
            ])
        }

        fn weights(&self) -> Vec<u8> {
            Vec::new()
        }
    }

    #[test]
    fn ranges_are_averaged_where_every_member_gives_one() {
        let history = |rows| Matrix {
            width: 1,
            values: vec![0.0; rows],
        };
        let pair = Ensemble::new(vec![Box::new(Range(1.0, 5.0)), Box::new(Range(3.0, 4.0))]);
        let mean = Interval {
            lower: 2.0,
            upper: 4.5,
        };
        assert_eq!(
            (pair.intervals(&history(2)), pair.last_interval(&history(2))),
            (Some(vec![mean; 2]), Some(mean))
        );
        assert_eq!(
            (pair.intervals(&history(0)), pair.last_interval(&history(0))),
            (Some(Vec::new()), None)
        );
        let mixed = Ensemble::new(vec![
            Box::new(Range(1.0, 5.0)),
            Box::new(Linear::new(1.0, vec![2.0])),
        ]);
        assert_eq!(
            (
                mixed.intervals(&history(2)),
                mixed.last_interval(&history(2))
            ),
            (None, None)
        );
    }

    #[test]
    fn members_of_another_family_are_refused() {
        let error = ModelOptions::default()
            .load(&ensemble().weights())
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor `__metadata__` has no `gbdt_format`"
        );
    }
}
