//! Early stopping of boosting on held-back rows.

use crate::features::Matrix;
use crate::models::Predictor;
use crate::models::gbdt::{Gbdt, Mark};
use crate::train::TrainOptions;

/// The rows of units that a fit holds back, to decide when it has grown enough trees.
pub(in crate::train) struct HeldBack {
    rows: Matrix,
    labels: Vec<f64>,
    every: usize,
    patience: usize,
    /// The forest's prediction at every row, as of the last evaluation.
    predictions: Vec<f64>,
    /// Number of trees in them.
    seen: usize,
    best: Option<BestEvaluation>,
}

/// The evaluation at which the forest predicted best.
struct BestEvaluation {
    round: usize,
    rmse: f64,
    mark: Mark,
}

impl HeldBack {
    /// Returns the held-back rows and labels; `None` without any.
    pub(in crate::train) fn new(
        (rows, labels): (Matrix, Vec<f64>),
        options: &TrainOptions,
    ) -> Option<Self> {
        let held_back = Self {
            rows,
            labels,
            every: options.validate_every,
            patience: options.patience,
            predictions: Vec::new(),
            seen: 0,
            best: None,
        };
        (!held_back.labels.is_empty()).then_some(held_back)
    }

    /// Returns whether an evaluation is due after this round.
    pub(super) fn is_due(&self, round: usize, rounds: usize) -> bool {
        round.is_multiple_of(self.every) || round == rounds
    }

    /// Returns the root mean squared error at the rows, in cycles, and records the best.
    pub(super) fn evaluate(&mut self, forest: &Gbdt, round: usize) -> f64 {
        match self.seen {
            0 => self.predictions = forest.predict(&self.rows),
            seen => forest.add_trees(seen, &self.rows, &mut self.predictions),
        }
        self.seen = forest.trees();
        let squares = self
            .labels
            .iter()
            .zip(&self.predictions)
            .map(|(label, prediction)| (label - prediction).powi(2));
        let rmse = (squares.sum::<f64>() / self.labels.len() as f64).sqrt();
        if self.best.as_ref().is_none_or(|best| rmse < best.rmse) {
            self.best = Some(BestEvaluation {
                round,
                rmse,
                mark: forest.mark(),
            });
        }
        rmse
    }

    /// Returns whether the best evaluation is so long ago that the fit should stop.
    pub(super) fn is_over(&self, round: usize) -> bool {
        self.best
            .as_ref()
            .is_some_and(|best| round >= best.round + self.every * self.patience)
    }

    /// Removes the trees after the best evaluation.
    pub(super) fn keep_best(self, forest: &mut Gbdt) {
        if let Some(best) = self.best {
            forest.cut(best.mark);
        }
    }
}
