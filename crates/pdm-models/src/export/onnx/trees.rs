//! Forests as ONNX nodes.

use super::graph::{Attribute, Graph, Value, attribute, doubles, int};
use super::proto::{AttributeProto, DataType};
use super::source::{GraphInput, cast, squeeze};
use crate::models::Gbdt;
use crate::models::gbdt::{Leaf, TreeNode};

/// The columns of a `TreeEnsembleRegressor`. The inner nodes of a tree are numbered first, then its leaves.
#[derive(Default)]
struct TreeColumns {
    trees: Vec<i64>,
    numbers: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<&'static str>,
    thresholds: Vec<f64>,
    left: Vec<i64>,
    right: Vec<i64>,
    leaf_trees: Vec<i64>,
    leaf_numbers: Vec<i64>,
    leaf_values: Vec<f64>,
}

/// Adds a forest as a `TreeEnsembleRegressor` in double precision; only its output is single precision by the standard.
pub(super) fn add(graph: &mut Graph, model: &Gbdt, source: &GraphInput) -> Value {
    let row = source.row(graph);
    let row = cast(graph, &row, DataType::Double);
    let sum = graph.trees(
        "TreeEnsembleRegressor",
        &row,
        TreeColumns::of(model).attributes(),
    );
    let sum = cast(graph, &sum, DataType::Double);
    let sum = squeeze(graph, &sum, 1);
    // Added outside of the operator, to lose less to the single precision.
    let init = graph.doubles(&[], &[model.init]);
    graph.node("Add", &[&sum, &init], Vec::new())
}

impl TreeColumns {
    fn of(model: &Gbdt) -> Self {
        let mut columns = Self::default();
        for tree in 0..model.trees() {
            columns.push(tree, model.tree(tree));
        }
        if model.trees() == 0 {
            // The operator needs at least one tree.
            columns.push(
                0,
                (
                    &[],
                    &[Leaf {
                        value: 0.0,
                        rows: 0,
                    }],
                ),
            );
        }
        columns
    }

    fn push(&mut self, tree: usize, (nodes, leaves): (&[TreeNode], &[Leaf])) {
        let number = |link: i32| {
            if link < 0 {
                nodes.len() as i64 + i64::from(!link)
            } else {
                i64::from(link)
            }
        };
        for (at, node) in nodes.iter().enumerate() {
            let left = number(node.left);
            let right = number(node.right);
            self.row(
                [tree, at, node.feature as usize],
                "BRANCH_LEQ",
                f64::from(node.threshold),
                [left, right],
            );
        }
        for (at, leaf) in leaves.iter().enumerate() {
            self.row([tree, nodes.len() + at, 0], "LEAF", 0.0, [0, 0]);
            self.leaf_trees.push(tree as i64);
            self.leaf_numbers.push((nodes.len() + at) as i64);
            self.leaf_values.push(leaf.value);
        }
    }

    fn row(
        &mut self,
        position: [usize; 3],
        mode: &'static str,
        threshold: f64,
        [left, right]: [i64; 2],
    ) {
        let [tree, number, feature] = position.map(|number| number as i64);
        self.trees.push(tree);
        self.numbers.push(number);
        self.features.push(feature);
        self.modes.push(mode);
        self.thresholds.push(threshold);
        self.left.push(left);
        self.right.push(right);
    }

    fn attributes(self) -> Vec<AttributeProto> {
        let list = |name: &str, values: Vec<i64>| attribute(name, Attribute::Ints(values));
        let numbers = |name: &str, values: Vec<f64>| {
            attribute(name, Attribute::Tensor(doubles(&[values.len()], &values)))
        };
        // A missing value goes left.
        let missing = vec![1; self.modes.len()];
        vec![
            attribute("aggregate_function", Attribute::Text("SUM")),
            int("n_targets", 1),
            list("nodes_falsenodeids", self.right),
            list("nodes_featureids", self.features),
            list("nodes_missing_value_tracks_true", missing),
            attribute("nodes_modes", Attribute::Texts(self.modes)),
            list("nodes_nodeids", self.numbers),
            list("nodes_treeids", self.trees),
            list("nodes_truenodeids", self.left),
            numbers("nodes_values_as_tensor", self.thresholds),
            attribute("post_transform", Attribute::Text("NONE")),
            list("target_ids", vec![0; self.leaf_values.len()]),
            list("target_nodeids", self.leaf_numbers),
            list("target_treeids", self.leaf_trees),
            numbers("target_weights_as_tensor", self.leaf_values),
        ]
    }
}
