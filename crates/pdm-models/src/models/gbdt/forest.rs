//! A forest of regression trees.

use crate::features::Matrix;
use crate::models::{Family, InputKind, Predictor};

/// Number of rows that are predicted together, so that the nodes of a tree are read from memory once for all of them.
const BLOCK_ROWS: usize = 64;

/// One inner node. A link is the number of a node of the same tree, greater than this node's own, or `!leaf`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct TreeNode {
    pub(crate) feature: u32,
    pub(crate) threshold: f32,
    pub(crate) left: i32,
    pub(crate) right: i32,
}

/// Contribution of a leaf to the prediction, and its number of training rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Leaf {
    pub(crate) value: f64,
    pub(crate) rows: u32,
}

/// A fitted forest of regression trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Gbdt {
    /// The prediction before any tree: the mean label.
    pub(crate) init: f64,
    /// Total gain by feature.
    pub(super) gains: Vec<f64>,
    /// First node of each tree, and the number of nodes at the end. A tree has one leaf more than nodes.
    pub(super) starts: Vec<u32>,
    pub(super) nodes: Vec<TreeNode>,
    pub(super) leaves: Vec<Leaf>,
}

/// The size of a forest at some time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    trees: usize,
    gains: Vec<f64>,
}

impl Gbdt {
    /// Returns a forest without trees over `width` features.
    pub(crate) fn new(init: f64, width: usize) -> Self {
        Self {
            init,
            gains: vec![0.0; width],
            starts: vec![0],
            nodes: Vec::new(),
            leaves: Vec::new(),
        }
    }

    /// Adds a tree of `nodes` and one more leaf than nodes; `gains` are the nodes' gains, in their order.
    pub(crate) fn push_tree(&mut self, nodes: &[TreeNode], leaves: &[Leaf], gains: &[f64]) {
        for (node, gain) in nodes.iter().zip(gains) {
            self.gains[node.feature as usize] += gain;
        }
        self.nodes.extend_from_slice(nodes);
        self.leaves.extend_from_slice(leaves);
        self.starts.push(self.nodes.len() as u32);
    }

    /// Returns the current size of the forest.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            trees: self.trees(),
            gains: self.gains.clone(),
        }
    }

    /// Removes the trees that were added after a mark of this forest.
    pub(crate) fn cut(&mut self, mark: Mark) {
        let nodes = self.starts[mark.trees] as usize;
        self.starts.truncate(mark.trees + 1);
        self.nodes.truncate(nodes);
        self.leaves.truncate(nodes + mark.trees);
        self.gains = mark.gains;
    }

    /// Adds the contributions of the trees from `first` on to `sums`, for each row.
    pub(crate) fn add_trees(&self, first: usize, rows: &Matrix, sums: &mut [f64]) {
        let rows: Vec<_> = (0..rows.rows()).map(|row| rows.row(row)).collect();
        for (rows, sums) in rows.chunks(BLOCK_ROWS).zip(sums.chunks_mut(BLOCK_ROWS)) {
            for tree in first..self.trees() {
                let tree = self.tree(tree);
                for (sum, row) in sums.iter_mut().zip(rows) {
                    *sum += tree_value(tree, row);
                }
            }
        }
    }

    /// Returns the number of features a row must have.
    pub fn width(&self) -> usize {
        self.gains.len()
    }

    /// Returns the number of trees.
    pub fn trees(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns the total reduction of the squared loss by the splits on each feature, over all trees.
    pub fn importance(&self) -> Vec<f64> {
        self.gains.clone()
    }

    /// Returns the nodes and the leaves of one tree.
    pub(crate) fn tree(&self, tree: usize) -> (&[TreeNode], &[Leaf]) {
        let start = self.starts[tree] as usize;
        let end = self.starts[tree + 1] as usize;
        (
            &self.nodes[start..end],
            &self.leaves[start + tree..=end + tree],
        )
    }

    fn predict_row(&self, row: &[f32]) -> f64 {
        (0..self.trees()).fold(self.init, |sum, tree| {
            sum + tree_value(self.tree(tree), row)
        })
    }
}

impl Predictor for Gbdt {
    fn input(&self) -> InputKind {
        InputKind::Table
    }

    fn predict(&self, history: &Matrix) -> Vec<f64> {
        let mut predictions = vec![self.init; history.rows()];
        self.add_trees(0, history, &mut predictions);
        predictions
    }

    fn predict_last(&self, history: &Matrix) -> f64 {
        match history.rows() {
            0 => f64::NAN,
            rows => self.predict_row(history.row(rows - 1)),
        }
    }

    fn weights(&self) -> Vec<u8> {
        self.save()
    }

    fn family(&self) -> Option<Family<'_>> {
        Some(Family::Gbdt(self))
    }
}

/// Follows a row to its leaf; a missing feature counts as NaN, and NaN goes left.
fn tree_value((nodes, leaves): (&[TreeNode], &[Leaf]), row: &[f32]) -> f64 {
    let mut at = if nodes.is_empty() { !0 } else { 0 };
    while at >= 0 {
        let node = nodes[at as usize];
        let value = row.get(node.feature as usize).copied().unwrap_or(f32::NAN);
        at = if value > node.threshold {
            node.right
        } else {
            node.left
        };
    }
    leaves[!at as usize].value
}
