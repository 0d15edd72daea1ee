//! The options of `[train]`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Backend, Loss};
use crate::data::Lives;
use pdm_core::domain::{FromData, Problem, ResolvedValue};

/// How a model is fitted, which rows of a history it learns from, and at which cycles a held-out unit is judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct TrainOptions {
    /// Fits of every model, each with other random numbers; predictions are the mean. 1 to 100.
    pub seeds: usize,
    /// First row of each unit, counted from 1, that models on the feature table learn from; `auto`: a sixth of the
    /// shortest training life, at most 20.
    pub first_row: FromData<usize>,
    /// Distance in rows from one such row to the next, since neighbouring rows are almost alike. `auto`: an eighth of the
    /// median training life, at most 4.
    pub row_stride: FromData<usize>,
    /// Random cut points of each held-out unit in cross-validation; fewer where its history is too short.
    pub cuts_per_unit: usize,
    /// Rows before the earliest cut point, where the history is that long; `auto`: a sixth of the shortest life, at most 15.
    pub shortest_history: FromData<usize>,
    /// Loss that networks minimise: `mse`, `huber`, `asymmetric` or `quantile`.
    pub loss: Loss,
    /// Error in cycles above which `huber` grows linearly.
    pub huber_delta: f64,
    /// Weight of a late error relative to an early one in `asymmetric`.
    pub late_weight: f64,
    /// Levels of the lower end, the prediction and the upper end that `quantile` learns, ascending between 0 and 1.
    pub quantiles: [f64; 3],
    /// Share of the training units that the fit of a network or of trees holds back, each as a whole, to stop early and
    /// keep the state that predicted them best; 0 fits on all units for all steps or rounds.
    pub validation: f64,
    /// Steps, or trees, between two evaluations on the units held back.
    pub validate_every: usize,
    /// Evaluations without an improvement after which a fit stops.
    pub patience: usize,
    /// What computes the fit of a network: `native`, `flex`, or a backend that the program was built with.
    pub backend: Backend,
}

/// More fits than this are a typing mistake: the spread of a mean of 100 is a tenth of that of one fit.
const MOST_SEEDS: usize = 100;

/// More rows, cut points, steps or evaluations than this are a typing mistake, and their products would overflow.
const MOST_ROWS: usize = 1_000_000;

/// Largest error in cycles and largest weight; the squares of larger ones overflow in single precision.
const HEAVIEST: f64 = 1e6;

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            seeds: 1,
            first_row: FromData::Auto,
            row_stride: FromData::Auto,
            cuts_per_unit: 8,
            shortest_history: FromData::Auto,
            loss: Loss::Mse,
            huber_delta: 10.0,
            late_weight: 2.0,
            quantiles: [0.05, 0.5, 0.95],
            validation: 0.0,
            validate_every: 25,
            patience: 8,
            backend: Backend::Native,
        }
    }
}

/// Values of `auto` where units live long enough, and the shares of a life that it may not exceed.
const LATEST_FIRST_ROW: usize = 20;
const LONGEST_ROW_STRIDE: usize = 4;
const LONGEST_SHORTEST_HISTORY: usize = 15;
const EARLY_SHARE: usize = 6;
const STRIDE_SHARE: usize = 8;

impl TrainOptions {
    /// Returns these options with a number for every `auto`.
    #[must_use]
    pub fn settled(&self, lives: &Lives) -> Self {
        let early = (lives.shortest / EARLY_SHARE).max(1);
        let stride = (lives.median / STRIDE_SHARE).max(1);
        let first_row = self.first_row.or(early.min(LATEST_FIRST_ROW));
        let row_stride = self.row_stride.or(stride.min(LONGEST_ROW_STRIDE));
        let shortest_history = self
            .shortest_history
            .or(early.min(LONGEST_SHORTEST_HISTORY));
        Self {
            first_row: FromData::Set(first_row),
            row_stride: FromData::Set(row_stride),
            shortest_history: FromData::Set(shortest_history),
            ..self.clone()
        }
    }

    /// Returns the options as they enter the keys of cached results, in the same bytes as earlier versions wrote them.
    ///
    /// # Panics
    /// Never: the options have a JSON form.
    pub fn key_parameters(&self) -> Value {
        let mut parameters = json!(self);
        parameters["backend"] = json!(self.backend.key_name());
        parameters
    }

    /// Returns the first row that is learnt from, counted from 1; that of long lives where the lives are not known yet.
    pub fn first_row(&self) -> usize {
        self.first_row.or(LATEST_FIRST_ROW)
    }

    /// Returns the distance in rows from one row that is learnt from to the next, likewise.
    pub fn row_stride(&self) -> usize {
        self.row_stride.or(LONGEST_ROW_STRIDE)
    }

    /// Returns the rows before the earliest cut, likewise.
    pub fn shortest_history(&self) -> usize {
        self.shortest_history.or(LONGEST_SHORTEST_HISTORY)
    }

    /// Returns the value found for every `auto`, and the reason.
    pub fn found(&self, lives: &Lives) -> Vec<ResolvedValue> {
        let settled = self.settled(lives);
        let shortest = format!("the shortest training life has {} rows", lives.shortest);
        let median = format!("the median training life has {} rows", lives.median);
        let keys = [
            (
                "first_row",
                &self.first_row,
                settled.first_row(),
                self.first_row(),
                &shortest,
            ),
            (
                "row_stride",
                &self.row_stride,
                settled.row_stride(),
                self.row_stride(),
                &median,
            ),
            (
                "shortest_history",
                &self.shortest_history,
                settled.shortest_history(),
                self.shortest_history(),
                &shortest,
            ),
        ];
        let left = keys
            .into_iter()
            .filter(|(_, asked, ..)| asked.set().is_none());
        let found = left.map(|(key, _, value, usual, why)| ResolvedValue {
            key: format!("train.{key}"),
            value: value.to_string(),
            why: why.clone(),
            usual: value == usual,
        });
        found.collect()
    }

    /// Returns what is wrong with the values, with paths relative to this table.
    pub fn problems(&self) -> Vec<Problem> {
        let counts = [
            ("first_row", self.first_row()),
            ("row_stride", self.row_stride()),
            ("cuts_per_unit", self.cuts_per_unit),
            ("shortest_history", self.shortest_history()),
            ("validate_every", self.validate_every),
            ("patience", self.patience),
        ];
        let mut problems = Problem::out_of_range(&counts, MOST_ROWS);
        problems.extend(Problem::out_of_range(&[("seeds", self.seeds)], MOST_SEEDS));
        let weights = [
            ("huber_delta", self.huber_delta),
            ("late_weight", self.late_weight),
        ];
        let wrong = weights
            .into_iter()
            .filter(|(_, value)| !(*value > 0.0 && *value <= HEAVIEST));
        let range = |(key, v)| {
            Problem::new(
                key,
                format!("must be more than 0 and at most {HEAVIEST}, not {v:?}"),
            )
        };
        problems.extend(wrong.map(range));
        if !(0.0..=0.5).contains(&self.validation) {
            problems.push(Problem::new(
                "validation",
                format!("must be from 0 to 0.5, not {}", self.validation),
            ));
        }
        let [lower, middle, upper] = self.quantiles;
        if !(0.0 < lower && lower < middle && middle < upper && upper < 1.0) {
            let message = format!("must ascend between 0 and 1, not {lower}, {middle}, {upper}");
            problems.push(Problem::new("quantiles", message).hint("such as [0.05, 0.5, 0.95]"));
        }
        problems.extend(self.backend.problem());
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_beyond_the_limits_are_problems() {
        let mut whole = serde_json::to_value(TrainOptions::default()).unwrap();
        for key in ["first_row", "row_stride", "shortest_history"] {
            assert_eq!(whole[key], "auto");
            whole[key] = 1.into();
        }
        let wrong = |key: &str, value: serde_json::Value| {
            let mut table = whole.clone();
            table[key] = value;
            let options: TrainOptions = serde_json::from_value(table).unwrap();
            let named: Vec<_> = options
                .problems()
                .into_iter()
                .map(|problem| problem.path)
                .collect();
            assert_eq!(named, [key]);
        };
        let numbers = whole
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| value.is_number());
        for (key, value) in numbers {
            wrong(
                key,
                if value.is_u64() {
                    u64::MAX.into()
                } else {
                    1e300.into()
                },
            );
        }
    }

    fn lives(shortest: usize, median: usize) -> Lives {
        Lives {
            units: 9,
            shortest,
            median,
            longest: 2 * median,
            longest_rul: 0.0,
        }
    }

    #[test]
    fn auto_follows_the_lives() {
        let found = |shortest, median| {
            let settled = TrainOptions::default().settled(&lives(shortest, median));
            [
                settled.first_row(),
                settled.row_stride(),
                settled.shortest_history(),
            ]
        };
        // The shortest training lives of FD001 to FD004 are 128, 128, 145 and 128.
        assert_eq!(found(128, 199), [20, 4, 15]);
        assert_eq!(found(128, 199), found(145, 234));
        assert_eq!(found(60, 100), [10, 4, 10]);
        assert_eq!(found(5, 11), [1, 1, 1]);
        assert_eq!(found(1, 1), [1, 1, 1]);
        assert_eq!(found(15, 22), [2, 2, 2]);
    }

    #[test]
    fn a_value_that_was_set_stays_and_is_not_reported_as_found() {
        let asked = TrainOptions {
            first_row: FromData::Set(9),
            ..Default::default()
        };
        let settled = asked.settled(&lives(5, 11));
        assert_eq!(
            (settled.first_row(), settled.settled(&lives(200, 200))),
            (9, settled.clone())
        );
        assert_eq!(
            ResolvedValue::describe(&asked.found(&lives(5, 11))).unwrap(),
            "train.row_stride = 1 (the median training life has 11 rows); \
             train.shortest_history = 1 (the shortest training life has 5 rows)",
        );
        assert_eq!(settled.found(&lives(5, 11)), []);
        let long = TrainOptions::default().found(&lives(128, 199));
        assert_eq!((long.len(), ResolvedValue::describe(&long)), (3, None));
    }

    /// Written down from the version before `backend = "native"`: other bytes would refit every model.
    #[test]
    fn the_default_has_the_same_bytes_in_keys_as_ever() {
        let before = r#"{"backend":"flex","cuts_per_unit":8,"first_row":"auto","huber_delta":10.0,"late_weight":2.0,"#
            .to_owned()
            + r#""loss":"mse","patience":8,"quantiles":[0.05,0.5,0.95],"row_stride":"auto","seeds":1,"#
            + r#""shortest_history":"auto","validate_every":25,"validation":0.0}"#;
        let bytes = |options: &TrainOptions| {
            let bytes = pdm_core::content::canonical_json(&options.key_parameters()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(bytes(&TrainOptions::default()), before);
        for backend in Backend::built() {
            let options = TrainOptions {
                backend,
                ..Default::default()
            };
            assert_eq!(bytes(&options) == before, backend == Backend::Native);
        }
    }

    #[test]
    fn zeros_are_problems() {
        assert!(TrainOptions::default().problems().is_empty());
        let zeros = TrainOptions {
            seeds: 0,
            first_row: FromData::Set(0),
            row_stride: FromData::Set(0),
            cuts_per_unit: 0,
            shortest_history: FromData::Set(0),
            huber_delta: 0.0,
            late_weight: f64::NAN,
            validation: 0.6,
            validate_every: 0,
            patience: 0,
            ..Default::default()
        };
        assert_eq!(zeros.problems().len(), 10);
        for quantiles in [
            [0.5, 0.5, 0.9],
            [0.0, 0.5, 0.9],
            [0.1, 0.5, 1.0],
            [0.1, f64::NAN, 0.9],
            [5.0, 50.0, 95.0],
        ] {
            assert_eq!(
                TrainOptions {
                    quantiles,
                    ..Default::default()
                }
                .problems()[0]
                    .path,
                "quantiles"
            );
        }
        assert_eq!(
            TrainOptions {
                seeds: 101,
                ..Default::default()
            }
            .problems()[0]
                .path,
            "seeds"
        );
    }
}
