//! Reads and writes the weights of a forest.

use std::collections::HashMap;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{Gbdt, Leaf, TreeNode};
use crate::models::ModelError;

/// Key and value of the only metadata entry; the order of several would be that of a hash map.
const FORMAT: (&str, &str) = ("gbdt_format", "1");

impl Gbdt {
    /// Reads weights written by [`crate::models::Predictor::weights`].
    ///
    /// # Errors
    /// Bytes that are not a safetensors file, a missing tensor, another format, numbers that are not finite, or
    /// nodes that do not form trees over the features.
    pub fn load(bytes: &[u8]) -> Result<Self, ModelError> {
        check_format(bytes)?;
        let file = SafeTensors::deserialize(bytes)?;
        let init = finite(
            "init",
            numbers(&file, "init", Dtype::F64, f64::from_le_bytes)?,
        )?;
        let [init] = init[..] else {
            return Err(damaged("init", format!("has {} values, not 1", init.len())));
        };
        let forest = Self {
            init,
            gains: finite(
                "gain",
                numbers(&file, "gain", Dtype::F64, f64::from_le_bytes)?,
            )?,
            starts: numbers(&file, "start", Dtype::U32, u32::from_le_bytes)?,
            nodes: nodes(&file)?,
            leaves: leaves(&file)?,
        };
        check_starts(&forest)?;
        (0..forest.trees()).try_for_each(|tree| check_tree(&forest, tree))?;
        Ok(forest)
    }

    pub(super) fn save(&self) -> Vec<u8> {
        let nodes = || self.nodes.iter();
        let tensors = [
            ("init", Dtype::F64, self.init.to_le_bytes().to_vec()),
            (
                "gain",
                Dtype::F64,
                self.gains
                    .iter()
                    .flat_map(|gain| gain.to_le_bytes())
                    .collect(),
            ),
            (
                "start",
                Dtype::U32,
                self.starts
                    .iter()
                    .flat_map(|start| start.to_le_bytes())
                    .collect(),
            ),
            (
                "node.feature",
                Dtype::U32,
                nodes()
                    .flat_map(|node| node.feature.to_le_bytes())
                    .collect(),
            ),
            (
                "node.threshold",
                Dtype::F32,
                nodes()
                    .flat_map(|node| node.threshold.to_le_bytes())
                    .collect(),
            ),
            (
                "node.left",
                Dtype::I32,
                nodes().flat_map(|node| node.left.to_le_bytes()).collect(),
            ),
            (
                "node.right",
                Dtype::I32,
                nodes().flat_map(|node| node.right.to_le_bytes()).collect(),
            ),
            (
                "leaf.value",
                Dtype::F64,
                self.leaves
                    .iter()
                    .flat_map(|leaf| leaf.value.to_le_bytes())
                    .collect(),
            ),
            (
                "leaf.rows",
                Dtype::U32,
                self.leaves
                    .iter()
                    .flat_map(|leaf| leaf.rows.to_le_bytes())
                    .collect(),
            ),
        ];
        let views = tensors
            .iter()
            .map(|(name, dtype, bytes)| (*name, view(*dtype, bytes)));
        let metadata = HashMap::from([(FORMAT.0.to_owned(), FORMAT.1.to_owned())]);
        safetensors::serialize(views, Some(metadata))
            .expect("nine short names make a header of valid size")
    }
}

fn view(dtype: Dtype, bytes: &[u8]) -> TensorView<'_> {
    let count = bytes.len() * 8 / dtype.bitsize();
    TensorView::new(dtype, vec![count], bytes).expect("the shape is computed from the length")
}

fn check_format(bytes: &[u8]) -> Result<(), ModelError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let format = header
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(FORMAT.0));
    match format.map(String::as_str) {
        Some(version) if version == FORMAT.1 => Ok(()),
        Some(version) => Err(damaged(
            "__metadata__",
            format!("has format {version}; only {} is supported", FORMAT.1),
        )),
        None => Err(damaged("__metadata__", format!("has no `{}`", FORMAT.0))),
    }
}

fn nodes(file: &SafeTensors<'_>) -> Result<Vec<TreeNode>, ModelError> {
    let feature = numbers(file, "node.feature", Dtype::U32, u32::from_le_bytes)?;
    let threshold = numbers(file, "node.threshold", Dtype::F32, f32::from_le_bytes)?;
    let left = numbers(file, "node.left", Dtype::I32, i32::from_le_bytes)?;
    let right = numbers(file, "node.right", Dtype::I32, i32::from_le_bytes)?;
    same_length("node.threshold", threshold.len(), feature.len())?;
    same_length("node.left", left.len(), feature.len())?;
    same_length("node.right", right.len(), feature.len())?;
    if let Some(at) = threshold.iter().position(|threshold| threshold.is_nan()) {
        return Err(damaged(
            "node.threshold",
            format!("is not a number at {at}"),
        ));
    }
    let columns = feature.into_iter().zip(threshold).zip(left).zip(right);
    Ok(columns
        .map(|(((feature, threshold), left), right)| TreeNode {
            feature,
            threshold,
            left,
            right,
        })
        .collect())
}

fn leaves(file: &SafeTensors<'_>) -> Result<Vec<Leaf>, ModelError> {
    let value = finite(
        "leaf.value",
        numbers(file, "leaf.value", Dtype::F64, f64::from_le_bytes)?,
    )?;
    let rows = numbers(file, "leaf.rows", Dtype::U32, u32::from_le_bytes)?;
    same_length("leaf.rows", rows.len(), value.len())?;
    Ok(value
        .into_iter()
        .zip(rows)
        .map(|(value, rows)| Leaf { value, rows })
        .collect())
}

/// Checks that the trees divide the nodes, and that there is one leaf more than nodes in each.
fn check_starts(forest: &Gbdt) -> Result<(), ModelError> {
    let starts = &forest.starts;
    let nodes = forest.nodes.len();
    let ends =
        (starts.first() == Some(&0)) && starts.last().is_some_and(|end| *end as usize == nodes);
    if !ends || !starts.is_sorted() {
        return Err(damaged(
            "start",
            format!("does not divide {nodes} nodes into trees"),
        ));
    }
    same_length("leaf.value", forest.leaves.len(), nodes + forest.trees())
}

/// Checks that every node and leaf of a tree except its root is linked once, and only by an earlier node: such links
/// cannot form a loop.
fn check_tree(forest: &Gbdt, tree: usize) -> Result<(), ModelError> {
    let (nodes, leaves) = forest.tree(tree);
    let mut seen_nodes = vec![false; nodes.len()];
    let mut seen_leaves = vec![false; leaves.len()];
    for (at, node) in nodes.iter().enumerate() {
        if node.feature as usize >= forest.width() {
            let problem = format!(
                "has feature {} of {} in tree {tree}",
                node.feature,
                forest.width()
            );
            return Err(damaged("node.feature", problem));
        }
        for (name, link) in [("node.left", node.left), ("node.right", node.right)] {
            let forward = link < 0 || link as usize > at;
            let (seen, to) = if link < 0 {
                (&mut seen_leaves, !link)
            } else {
                (&mut seen_nodes, link)
            };
            let fresh = seen
                .get_mut(to as usize)
                .is_some_and(|seen| !std::mem::replace(seen, true));
            if !forward || !fresh {
                return Err(damaged(
                    name,
                    format!("has the invalid link {link} at node {at} of tree {tree}"),
                ));
            }
        }
    }
    Ok(())
}

fn numbers<T, const N: usize>(
    file: &SafeTensors<'_>,
    name: &str,
    dtype: Dtype,
    read: fn([u8; N]) -> T,
) -> Result<Vec<T>, ModelError> {
    let tensor = file.tensor(name)?;
    if tensor.dtype() != dtype || tensor.shape().len() != 1 {
        let problem = format!(
            "is {} of shape {:?}, not a vector of {dtype}",
            tensor.dtype(),
            tensor.shape()
        );
        return Err(damaged(name, problem));
    }
    Ok(tensor
        .data()
        .as_chunks::<N>()
        .0
        .iter()
        .map(|bytes| read(*bytes))
        .collect())
}

fn finite(name: &str, values: Vec<f64>) -> Result<Vec<f64>, ModelError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(damaged(name, format!("is not finite at {at}"))),
        None => Ok(values),
    }
}

fn same_length(name: &str, have: usize, need: usize) -> Result<(), ModelError> {
    if have == need {
        Ok(())
    } else {
        Err(damaged(name, format!("has {have} values, not {need}")))
    }
}

fn damaged(name: &str, problem: String) -> ModelError {
    ModelError::Tensor {
        name: name.to_owned(),
        problem,
    }
}
