//! Tests of ONNX graphs.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use prost::Message;

use super::file::{envelope, finished, value_info};
use super::graph::Graph;
use super::proto::{GraphProto, ModelProto};
use crate::export::{DimensionSize, Dtype, ExportError, TensorSpec, output_spec};
use crate::features::{InputKind, Matrix};
use crate::models::gbdt::{Leaf, TreeNode};
use crate::models::neural::Network;
use crate::models::{Ensemble, Gbdt, Linear, ModelOptions, Neural, Predictor, Stack};

/// A network with weights from a sine.
fn network(kind: &str, outputs: usize) -> Box<dyn Predictor> {
    let options = ModelOptions::decode(kind, serde_json::json!({}))
        .unwrap()
        .unwrap();
    let options = options.neural().unwrap();
    let network = Network::new(options, 3, outputs);
    let parameters = (0..network.layout.len())
        .map(|i| 0.4 * (1.7 * i as f32).sin())
        .collect();
    Box::new(Neural::new(options, network, parameters, 3, 125.0))
}

fn linear(width: usize) -> Box<dyn Predictor> {
    Box::new(Linear::new(1.0, vec![2.0; width]))
}

fn proto(model: &dyn Predictor, columns: usize) -> GraphProto {
    finished(model, columns, 125.0)
        .unwrap()
        .finish("test", Vec::new(), Vec::new())
}

/// Asserts that every tensor is defined once, before it is read.
fn assert_computable(graph: &GraphProto, inputs: &[&str]) {
    let mut known: BTreeSet<&str> = inputs.iter().copied().collect();
    for constant in &graph.initializer {
        assert!(known.insert(&constant.name), "{}", constant.name);
    }
    for node in &graph.node {
        node.input.iter().for_each(|input| {
            assert!(
                known.contains(input.as_str()),
                "{} reads {input}",
                node.name
            )
        });
        node.output
            .iter()
            .for_each(|output| assert!(known.insert(output), "{output} is made twice"));
    }
    assert!(known.contains("rul"));
}

#[test]
fn every_tensor_is_made_once_and_before_it_is_read() {
    let histories = ["features", "lengths"];
    let families = ModelOptions::small()
        .into_iter()
        .filter(|options| options.neural().is_some());
    for kind in families.map(|options| options.kind()) {
        for outputs in [1, 3] {
            let model = network(kind, outputs);
            assert_computable(&proto(model.as_ref(), 3), &histories);
            assert_eq!(proto(model.as_ref(), 3), proto(model.as_ref(), 3), "{kind}");
        }
    }
    let pair = Ensemble::new(vec![
        Box::new(Gbdt::new(80.0, 2)),
        Box::new(Gbdt::new(90.0, 2)),
    ]);
    assert_computable(&proto(&pair, 2), &["features"]);
    let stack = Stack::new(
        vec![Box::new(pair), linear(2), network("gru", 1)],
        vec![0.2, 0.3, 0.5],
        2,
    );
    assert_eq!(stack.input(), InputKind::Both);
    assert_computable(&proto(&stack, 5), &histories);
}

#[test]
fn a_model_of_another_width_is_refused() {
    let refused = |model: &dyn Predictor| {
        finished(model, 4, 125.0)
            .map(|_: Graph| ())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(linear(3).as_ref()),
        "the model reads 3 inputs, but the features have 4 columns"
    );
    assert_eq!(
        refused(network("tcn", 1).as_ref()),
        "the model reads 3 inputs, but the features have 4 columns"
    );
    assert_eq!(
        refused(&Gbdt::new(0.0, 5)),
        "the model reads 5 inputs, but the features have 4 columns"
    );
}

#[test]
fn a_model_of_an_unknown_family_has_no_graph() {
    #[derive(Debug)]
    struct Oracle;

    impl Predictor for Oracle {
        fn input(&self) -> InputKind {
            InputKind::Table
        }

        fn predict(&self, history: &Matrix) -> Vec<f64> {
            vec![1.0; history.rows()]
        }

        fn weights(&self) -> Vec<u8> {
            Vec::new()
        }
    }

    let pair = Ensemble::new(vec![linear(1), Box::new(Oracle)]);
    assert!(matches!(
        finished(&pair, 1, 125.0),
        Err(ExportError::Family)
    ));
}

/// Returns a Python with onnxruntime.
fn python() -> PathBuf {
    let python = std::env::var_os("PDM_ML_TEST_PYTHON").map(PathBuf::from);
    python.expect("PDM_ML_TEST_PYTHON is not set: run the tests with `scripts/test`")
}

/// Returns the predictions of onnxruntime for rows of two columns.
fn in_onnxruntime(python: &PathBuf, model: &dyn Predictor, rows: &str) -> Vec<Option<f64>> {
    const RUN: &str = "import json, numpy, onnxruntime, sys
nan = float('nan')
rows = numpy.array(eval(sys.argv[2]), numpy.float32)
result = onnxruntime.InferenceSession(sys.argv[1]).run(['rul'], {'features': rows})[0]
print(json.dumps([None if value != value else value for value in result.tolist()]))";
    let shape = vec![DimensionSize::Free("batch"), DimensionSize::Fixed(2)];
    let input = value_info(&TensorSpec {
        name: "features",
        dtype: Dtype::Float32,
        shape,
    });
    let graph = finished(model, 2, 125.0).unwrap().finish(
        "test",
        vec![input],
        vec![value_info(&output_spec())],
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        ModelProto {
            graph: Some(graph),
            ..envelope()
        }
        .encode_to_vec(),
    )
    .unwrap();
    let output = Command::new(python)
        .args(["-c", RUN])
        .arg(file.path())
        .arg(rows)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
#[ignore = "needs a Python with mlflow and onnxruntime; scripts/test installs one"]
fn forests_without_trees_or_branches_and_missing_values_are_read_as_here() {
    let python = python();
    let leaf = |value| Leaf { value, rows: 1 };
    let mut forest = Gbdt::new(80.5, 2);
    assert_eq!(in_onnxruntime(&python, &forest, "[[0, 1]]"), [Some(80.5)]);
    forest.push_tree(&[], &[leaf(2.25)], &[]);
    assert_eq!(
        in_onnxruntime(&python, &forest, "[[0, 1], [nan, 1]]"),
        [Some(82.75); 2]
    );
    let node = TreeNode {
        feature: 1,
        threshold: 0.1,
        left: !0,
        right: !1,
    };
    forest.push_tree(&[node], &[leaf(-10.0), leaf(100.0)], &[1.0]);
    // The last value is the next single-precision number above the threshold; 182.75 is clipped to the cap.
    let rows = "[[9, 0], [9, 0.1], [0, nan], [0, 0.10000001]]";
    assert_eq!(
        in_onnxruntime(&python, &forest, rows),
        [Some(72.75), Some(72.75), Some(72.75), Some(125.0)]
    );
    let linear = Linear::new(-1.0, vec![1.0, 2.0]);
    assert_eq!(
        in_onnxruntime(&python, &linear, "[[0, 0], [2, 1], [nan, 1]]"),
        [Some(0.0), Some(3.0), None]
    );
}
