//! Fits gradient-boosted trees.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::binning::BinnedTable;
use super::fixed_point::{FixedPoint, MAX_ROWS};
use super::grow::{Grower, GrownTree};
use super::held_back::HeldBack;
use super::sample::{draw, share};
use super::split::Judge;
use crate::features::Matrix;
use crate::models::gbdt::{Leaf, WHEN_DIVERGED};
use crate::models::{Gbdt, GbdtOptions};
use crate::train::TrainError;
use pdm_core::events::Reporter;

/// Number of rounds between two reports.
const REPORT_ROUNDS: usize = 10;

/// Number of rows that a thread processes at once.
const CHUNK_ROWS: usize = 2048;

/// Fits gradient-boosted trees to a label for each row of a table of finite features.
///
/// The forest depends only on the arguments: the same bytes on any number of threads.
///
/// # Errors
/// The work was interrupted, there are too few rows for one split, or labels are not finite.
pub fn fit_gbdt(
    rows: &Matrix,
    labels: &[f64],
    options: &GbdtOptions,
    seed: u64,
    reporter: &Reporter,
) -> Result<Gbdt, TrainError> {
    fit_forest(rows, labels, None, options, seed, reporter)
}

/// Like [`fit`], but stops early when predictions of held-back rows no longer improve; returns the forest that predicts them
/// best.
pub(in crate::train) fn fit_forest(
    rows: &Matrix,
    labels: &[f64],
    held_back: Option<HeldBack>,
    options: &GbdtOptions,
    seed: u64,
    reporter: &Reporter,
) -> Result<Gbdt, TrainError> {
    check_size(rows.rows(), labels.len(), options)?;
    // Runs inside the thread pool, which avoids handing over many short parallel steps.
    rayon::scope(|_| {
        let table = BinnedTable::new(rows, options.bins);
        Boosting::new(&table, labels, options, seed, rows.width).run(held_back, reporter)
    })
}

fn check_size(rows: usize, labels: usize, options: &GbdtOptions) -> Result<(), TrainError> {
    let need = (2.0 * options.min_leaf_rows.max(1) as f64
        / options.bagging_fraction.clamp(1e-6, 1.0))
    .ceil() as usize;
    let checks = [
        ("labels", labels, rows),
        ("training rows", rows, need.max(labels)),
        ("row numbers", MAX_ROWS, rows),
    ];
    match checks.into_iter().find(|(_, have, need)| have < need) {
        Some((what, have, need)) => Err(TrainError::TooLittleData { what, have, need }),
        None => Ok(()),
    }
}

/// The state between two rounds.
struct Boosting<'a> {
    table: &'a BinnedTable,
    labels: &'a [f64],
    options: &'a GbdtOptions,
    random: ChaCha8Rng,
    grower: Grower<'a>,
    /// The forest's prediction at every row so far.
    predictions: Vec<f64>,
    /// Packed residuals, of the rows in the bag.
    residuals: Vec<i64>,
    forest: Gbdt,
}

impl<'a> Boosting<'a> {
    fn new(
        table: &'a BinnedTable,
        labels: &'a [f64],
        options: &'a GbdtOptions,
        seed: u64,
        width: usize,
    ) -> Self {
        let init = labels.iter().sum::<f64>() / labels.len() as f64;
        Self {
            table,
            labels,
            options,
            random: ChaCha8Rng::seed_from_u64(seed),
            grower: Grower::new(table, options.leaves),
            predictions: vec![init; labels.len()],
            residuals: vec![0; labels.len()],
            forest: Gbdt::new(init, width),
        }
    }

    fn run(
        mut self,
        mut held_back: Option<HeldBack>,
        reporter: &Reporter,
    ) -> Result<Gbdt, TrainError> {
        if self.table.features.is_empty() {
            reporter.warn("no feature varies: every prediction is the mean label");
            return Ok(self.forest);
        }
        if self.uses_all_features() {
            self.grower.choose(
                numbers(self.table.features.len()),
                &numbers(self.table.rows),
            );
        }
        for round in 1..=self.options.rounds {
            reporter.check()?;
            self.round(round)?;
            if round % REPORT_ROUNDS == 0 || round == self.options.rounds {
                self.report(round, reporter);
            }
            if held_back
                .as_mut()
                .is_some_and(|held_back| self.is_enough(held_back, round, reporter))
            {
                break;
            }
        }
        if let Some(held_back) = held_back {
            held_back.keep_best(&mut self.forest);
        }
        Ok(self.forest)
    }

    /// Evaluates the held-back rows, if due, and returns whether the fit should stop.
    fn is_enough(&self, held_back: &mut HeldBack, round: usize, reporter: &Reporter) -> bool {
        if held_back.is_due(round, self.options.rounds) {
            let rmse = held_back.evaluate(&self.forest, round);
            reporter.metric("gbdt/validation_rmse", round as u64, rmse);
        }
        held_back.is_over(round)
    }

    /// Adds one tree, fitted to the residuals of the rows in this round's bag.
    fn round(&mut self, round: usize) -> Result<(), TrainError> {
        let bag = self.draw_bag();
        if !self.uses_all_features() {
            let count = self.table.features.len();
            let wanted = share(count, self.options.feature_fraction);
            self.grower
                .choose(draw(count as u32, wanted as u32, &mut self.random), &bag);
        }
        let judge = self.judge(&bag, round)?;
        let tree = self.grower.grow(&bag, &self.residuals, &judge);
        if !tree.nodes.is_empty() {
            self.add(&tree, judge.fixed_point, bag.len() < self.table.rows);
        }
        Ok(())
    }

    fn uses_all_features(&self) -> bool {
        share(self.table.features.len(), self.options.feature_fraction) == self.table.features.len()
    }

    fn draw_bag(&mut self) -> Vec<u32> {
        let (rows, wanted) = (
            self.table.rows,
            share(self.table.rows, self.options.bagging_fraction),
        );
        if wanted == rows {
            numbers(rows)
        } else {
            draw(rows as u32, wanted as u32, &mut self.random)
        }
    }

    /// Rounds the residuals of the bag to whole numbers.
    fn judge(&mut self, bag: &[u32], round: usize) -> Result<Judge, TrainError> {
        let residual = |row: u32| self.labels[row as usize] - self.predictions[row as usize];
        let largest = bag
            .iter()
            .map(|row| residual(*row).abs())
            .fold(0.0, largest);
        if !largest.is_finite() {
            return Err(TrainError::diverged("gbdt", round as u64, WHEN_DIVERGED));
        }
        let fixed_point = FixedPoint::new(bag.len(), largest);
        for &row in bag {
            self.residuals[row as usize] = fixed_point.pack(residual(row));
        }
        let min_leaf_rows = self.options.min_leaf_rows.max(1) as u32;
        Ok(Judge {
            fixed_point,
            min_leaf_rows,
            l2: self.options.l2,
        })
    }

    fn add(&mut self, tree: &GrownTree, fixed_point: FixedPoint, has_others: bool) {
        let leaves: Vec<_> = tree
            .leaves
            .iter()
            .map(|leaf| self.leaf(leaf.total, fixed_point))
            .collect();
        self.forest.push_tree(&tree.nodes, &leaves, &tree.gains);
        if has_others {
            return self.add_everywhere(tree, &leaves);
        }
        for (grown, leaf) in tree.leaves.iter().zip(&leaves) {
            for &row in self.grower.rows(grown) {
                self.predictions[row as usize] += leaf.value;
            }
        }
    }

    /// Returns the contribution of a leaf: the mean of its residuals and `l2` zeros, times the learning rate.
    fn leaf(&self, total: i64, fixed_point: FixedPoint) -> Leaf {
        let rows = fixed_point.rows(total);
        let mean = fixed_point.sum(total) / (f64::from(rows) + self.options.l2);
        Leaf {
            value: self.options.learning_rate * mean,
            rows,
        }
    }

    fn add_everywhere(&mut self, tree: &GrownTree, leaves: &[Leaf]) {
        let chunks = self.predictions.par_chunks_mut(CHUNK_ROWS).enumerate();
        chunks.for_each(|(chunk, predictions)| {
            for (at, prediction) in predictions.iter_mut().enumerate() {
                *prediction += leaves[tree.leaf_of(self.table, chunk * CHUNK_ROWS + at)].value;
            }
        });
    }

    fn report(&self, round: usize, reporter: &Reporter) {
        let squares = self
            .labels
            .iter()
            .zip(&self.predictions)
            .map(|(label, prediction)| (label - prediction).powi(2));
        let rmse = (squares.sum::<f64>() / self.labels.len() as f64).sqrt();
        reporter.metric("gbdt/train_rmse", round as u64, rmse);
        reporter.progress(
            "gbdt",
            round as u64,
            self.options.rounds as u64,
            format!("train RMSE {rmse:.2}"),
        );
    }
}

fn numbers(count: usize) -> Vec<u32> {
    (0..count as u32).collect()
}

/// Returns the larger number, or NaN if one of them is NaN.
fn largest(a: f64, b: f64) -> f64 {
    if b > a || b.is_nan() { b } else { a }
}
