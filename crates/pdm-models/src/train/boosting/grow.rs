//! Grows one tree.

use std::ops::Range;

use rayon::prelude::*;

use super::binning::BinnedTable;
use super::histogram::{BINS, StripeHistogram, accumulate, subtract};
use super::split::{Judge, Split};
use super::stripes::{LANES, Stripes};
use crate::models::gbdt::TreeNode;

/// Number of additions below which a histogram is summed on one thread, since waking another would take longer.
const PARALLEL_ADDITIONS: usize = 20_000;

/// A grown tree over bins, with the rows of its leaves.
#[derive(Debug, Default)]
pub(super) struct GrownTree {
    pub(super) nodes: Vec<TreeNode>,
    /// The nodes, with the feature's number in the binned table and the last bin that goes left.
    pub(super) cuts: Vec<(u32, u8)>,
    pub(super) gains: Vec<f64>,
    pub(super) leaves: Vec<GrownLeaf>,
}

/// A leaf of a growing tree.
#[derive(Debug)]
pub(super) struct GrownLeaf {
    /// Range of the leaf's rows in the grower's rows.
    pub(super) rows: Range<usize>,
    /// Packed sum of the residuals.
    pub(super) total: i64,
    /// Index of the histograms in the pool.
    slot: usize,
    best: Option<Split>,
    /// The parent node, and whether this is its right child.
    parent: Option<(usize, bool)>,
}

/// Grows one tree after another, reusing its memory.
#[derive(Debug)]
pub(super) struct Grower<'a> {
    table: &'a BinnedTable,
    max_leaves: usize,
    stripes: Stripes,
    /// The numbers of bins of the stripes' features.
    bins: Vec<[usize; LANES]>,
    /// The rows of the tree; those of a leaf are contiguous, in ascending order.
    rows: Vec<u32>,
    aside: Vec<u32>,
    residuals: Vec<i64>,
    pool: Vec<Vec<StripeHistogram>>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(table: &'a BinnedTable, max_leaves: usize) -> Self {
        Self {
            table,
            max_leaves,
            stripes: Stripes::default(),
            bins: Vec::new(),
            rows: Vec::new(),
            aside: vec![0; table.rows],
            residuals: Vec::new(),
            pool: Vec::new(),
        }
    }

    /// Chooses the features of the following trees, which may be grown on any of `rows`.
    pub(super) fn choose(&mut self, features: Vec<u32>, rows: &[u32]) {
        self.stripes.fill(self.table, features, rows);
        let bins = |feature: &u32| self.table.features[*feature as usize].bounds.len() + 1;
        self.bins = self
            .stripes
            .features
            .chunks(LANES)
            .map(|chunk| lanes(chunk.iter().map(bins)))
            .collect();
    }

    /// Returns the rows of a leaf of the tree grown last.
    pub(super) fn rows(&self, leaf: &GrownLeaf) -> &[u32] {
        &self.rows[leaf.rows.clone()]
    }

    /// Grows a tree on some rows, given the packed residual of every row of the table.
    pub(super) fn grow(&mut self, rows: &[u32], residuals: &[i64], judge: &Judge) -> GrownTree {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        let mut tree = GrownTree::default();
        tree.leaves.push(self.root(residuals, judge));
        while let Some((at, split)) =
            best_leaf(&tree.leaves).filter(|_| tree.leaves.len() < self.max_leaves)
        {
            self.split(&mut tree, at, split, residuals, judge);
        }
        tree
    }

    fn root(&mut self, residuals: &[i64], judge: &Judge) -> GrownLeaf {
        let rows = 0..self.rows.len();
        self.gather(rows.clone(), residuals);
        let total = self
            .residuals
            .iter()
            .fold(0_i64, |sum, residual| sum.wrapping_add(*residual));
        let mut histograms = self.take_slot(0);
        let best = self.for_stripes(&mut histograms, rows.clone(), |stripe, histogram| {
            accumulate(
                histogram,
                &self.stripes.bins[stripe],
                &self.rows[rows.clone()],
                &self.residuals,
            );
            (self.judge(judge, stripe, histogram, total), None)
        });
        self.pool[0] = histograms;
        GrownLeaf {
            rows,
            total,
            slot: 0,
            best: best.0,
            parent: None,
        }
    }

    /// Splits a leaf: the left child keeps its number, the right child gets the next one.
    fn split(
        &mut self,
        tree: &mut GrownTree,
        at: usize,
        split: Split,
        residuals: &[i64],
        judge: &Judge,
    ) {
        let (node, right) = (tree.nodes.len(), tree.leaves.len());
        tree.push_node(self.table, at, right, split);
        let leaf = &tree.leaves[at];
        let middle = self.partition(leaf.rows.clone(), split);
        let child = |rows, total, side| GrownLeaf {
            rows,
            total,
            slot: leaf.slot,
            best: None,
            parent: Some((node, side)),
        };
        let mut children = [
            child(leaf.rows.start..middle, split.left, false),
            child(
                middle..leaf.rows.end,
                leaf.total.wrapping_sub(split.left),
                true,
            ),
        ];
        if right + 1 < self.max_leaves {
            self.judge_children(&mut children, right, residuals, judge);
        }
        let [left_leaf, right_leaf] = children;
        tree.leaves[at] = left_leaf;
        tree.leaves.push(right_leaf);
    }

    /// Finds the best splits of two siblings: sums the histograms of the smaller one in a new slot, and subtracts them from
    /// the parent's, which gives those of the larger one.
    fn judge_children(
        &mut self,
        children: &mut [GrownLeaf; 2],
        slot: usize,
        residuals: &[i64],
        judge: &Judge,
    ) {
        children.sort_by_key(|child| child.rows.len());
        let [small, large] = children;
        if large.rows.len() >= 2 * judge.min_leaf_rows as usize {
            self.gather(small.rows.clone(), residuals);
            let (parent_slot, rows) = (large.slot, small.rows.clone());
            small.slot = slot;
            let (mut own, mut parent) = (self.take_slot(slot), self.take_slot(parent_slot));
            let mut pairs: Vec<_> = own.iter_mut().zip(&mut parent).collect();
            let best = self.for_stripes(&mut pairs, rows.clone(), |stripe, (own, parent)| {
                accumulate(
                    own,
                    &self.stripes.bins[stripe],
                    &self.rows[rows.clone()],
                    &self.residuals,
                );
                subtract(parent, own);
                (
                    self.judge(judge, stripe, own, small.total),
                    self.judge(judge, stripe, parent, large.total),
                )
            });
            (small.best, large.best) = best;
            (self.pool[slot], self.pool[parent_slot]) = (own, parent);
        }
        children.sort_by_key(|child| child.rows.start);
    }

    fn judge(
        &self,
        judge: &Judge,
        stripe: usize,
        histogram: &StripeHistogram,
        total: i64,
    ) -> Option<Split> {
        let features = &self.stripes.features[stripe * LANES..];
        judge.best(
            histogram,
            &features[..features.len().min(LANES)],
            &self.bins[stripe],
            total,
        )
    }

    /// Processes all stripes, on several threads if that is faster, and returns the best splits of both siblings.
    fn for_stripes<T: Send>(
        &self,
        work: &mut [T],
        rows: Range<usize>,
        run: impl Fn(usize, &mut T) -> (Option<Split>, Option<Split>) + Sync,
    ) -> (Option<Split>, Option<Split>) {
        let better = |a: (_, _), b: (_, _)| (Split::better(a.0, b.0), Split::better(a.1, b.1));
        if (rows.len() + BINS) * work.len() * LANES < PARALLEL_ADDITIONS {
            return work
                .iter_mut()
                .enumerate()
                .map(|(stripe, item)| run(stripe, item))
                .fold((None, None), better);
        }
        let splits = work
            .par_iter_mut()
            .enumerate()
            .map(|(stripe, item)| run(stripe, item));
        splits.reduce(|| (None, None), better)
    }

    /// Copies the residuals of some rows to contiguous memory.
    fn gather(&mut self, rows: Range<usize>, residuals: &[i64]) {
        self.residuals.clear();
        self.residuals
            .extend(self.rows[rows].iter().map(|row| residuals[*row as usize]));
    }

    fn take_slot(&mut self, slot: usize) -> Vec<StripeHistogram> {
        if self.pool.len() <= slot {
            self.pool.resize_with(slot + 1, Vec::new);
        }
        let mut histograms = std::mem::take(&mut self.pool[slot]);
        histograms.resize(self.bins.len(), [[0; BINS]; LANES]);
        histograms
    }

    /// Moves the rows of a leaf that go left before the others, keeping the order of both; returns where the others begin.
    fn partition(&mut self, range: Range<usize>, split: Split) -> usize {
        let bins = &self.table.features[split.feature as usize].bins;
        let rows = &mut self.rows[range.clone()];
        let (mut left, mut right) = (0, 0);
        for at in 0..rows.len() {
            // Both writes are executed and one counts: a branch would be mispredicted half of the time.
            let row = rows[at];
            let goes_left = bins[row as usize] <= split.bin;
            rows[left] = row;
            self.aside[right] = row;
            left += usize::from(goes_left);
            right += usize::from(!goes_left);
        }
        rows[left..].copy_from_slice(&self.aside[..right]);
        range.start + left
    }
}

impl GrownTree {
    fn push_node(&mut self, table: &BinnedTable, at: usize, right: usize, split: Split) {
        let node = self.nodes.len();
        if let Some((parent, side)) = self.leaves[at].parent {
            let parent = &mut self.nodes[parent];
            *(if side {
                &mut parent.right
            } else {
                &mut parent.left
            }) = node as i32;
        }
        let feature = &table.features[split.feature as usize];
        let threshold = feature.bounds[split.bin as usize];
        self.nodes.push(TreeNode {
            feature: feature.column,
            threshold,
            left: !(at as i32),
            right: !(right as i32),
        });
        self.cuts.push((split.feature, split.bin));
        self.gains.push(split.gain);
    }

    /// Returns the number of the leaf of a row of the table.
    pub(super) fn leaf_of(&self, table: &BinnedTable, row: usize) -> usize {
        let mut at = if self.nodes.is_empty() { !0 } else { 0 };
        while at >= 0 {
            let (feature, bin) = self.cuts[at as usize];
            let node = &self.nodes[at as usize];
            at = if table.features[feature as usize].bins[row] <= bin {
                node.left
            } else {
                node.right
            };
        }
        !at as usize
    }
}

/// Returns the leaf with the largest gain, the first of equals.
fn best_leaf(leaves: &[GrownLeaf]) -> Option<(usize, Split)> {
    let splits = leaves
        .iter()
        .enumerate()
        .filter_map(|(at, leaf)| leaf.best.map(|split| (at, split)));
    splits.reduce(|a, b| if b.1.gain > a.1.gain { b } else { a })
}

fn lanes(values: impl Iterator<Item = usize>) -> [usize; LANES] {
    let mut lanes = [1; LANES];
    lanes
        .iter_mut()
        .zip(values)
        .for_each(|(lane, value)| *lane = value);
    lanes
}
