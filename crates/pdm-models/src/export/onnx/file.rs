//! The ONNX file.

use prost::Message;

use super::family;
use super::graph::{Graph, TREES, Value};
use super::proto::{
    DataType, ModelProto, OperatorSetIdProto, ProtoDimension, Size, StringStringEntryProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use super::source::GraphInput;
use crate::bundle::ModelBundle;
use crate::export::tensors::{FEATURES, LENGTHS, RUL};
use crate::export::{DimensionSize, Dtype, ExportError, TensorSpec, input_specs, output_spec};
use crate::features::InputKind;
use crate::models::Predictor;

/// Version of the standard operators; the first with a layer normalisation.
pub const OPSET: i64 = 17;
/// Version of the operators on trees; the first with thresholds in double precision.
pub const OPSET_TREES: i64 = 3;
/// Version of the file format with these operators.
const IR_VERSION: i64 = 8;

/// Returns the bundle's model as an ONNX file: from [`input_specs`] to [`output_spec`].
///
/// The metadata of the file contain the bundle, the family, the columns and this program's version.
///
/// # Errors
/// A model without an ONNX form, of another width than the features, or of more than 2 GiB.
pub fn onnx(bundle: &ModelBundle) -> Result<Vec<u8>, ExportError> {
    let columns = bundle.features().input_names(bundle.model().input()).len();
    let graph = finished(bundle.model(), columns, bundle.manifest().target.cap())?;
    let value_info = |spec: &TensorSpec| value_info(spec);
    let inputs = input_specs(bundle).iter().map(value_info).collect();
    let output = vec![value_info(&output_spec())];
    encode(ModelProto {
        doc_string: format!(
            "Remaining useful life in cycles, from 0 to {}, by a {} model.",
            bundle.manifest().target.cap(),
            bundle.manifest().model.kind()
        ),
        graph: Some(graph.finish("remaining_useful_life", inputs, output)),
        metadata_props: metadata(bundle),
        ..envelope()
    })
}

/// Returns the graph of a model that reads this many columns and predicts at most `cap` cycles.
pub(super) fn finished(
    model: &dyn Predictor,
    columns: usize,
    cap: f64,
) -> Result<Graph, ExportError> {
    let mut graph = Graph::default();
    let graph = &mut graph;
    let features = Value::named(FEATURES);
    let (source, lawful) = match model.input() {
        InputKind::Table => (GraphInput::rows(features, columns), None),
        InputKind::Sequence | InputKind::Both => {
            let lengths = Value::named(LENGTHS);
            let (source, lawful) = GraphInput::histories(graph, features, columns, &lengths);
            (source, Some(lawful))
        }
    };
    let raw = family::predictions(graph, model, &source)?;
    let least = graph.doubles(&[], &[0.0]);
    let most = graph.doubles(&[], &[cap]);
    let mut rul = graph.node("Clip", &[&raw, &least, &most], Vec::new());
    if let Some(lawful) = lawful {
        let unknown = graph.doubles(&[], &[f64::NAN]);
        rul = graph.node("Where", &[&lawful, &rul, &unknown], Vec::new());
    }
    graph.output(&rul, RUL);
    Ok(std::mem::take(graph))
}

/// Returns a file without a graph.
pub(super) fn envelope() -> ModelProto {
    let opset = |domain: &str, version| OperatorSetIdProto {
        domain: domain.to_owned(),
        version,
    };
    ModelProto {
        ir_version: IR_VERSION,
        producer_name: "pdm-ml".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        opset_import: vec![opset("", OPSET), opset(TREES, OPSET_TREES)],
        ..Default::default()
    }
}

fn metadata(bundle: &ModelBundle) -> Vec<StringStringEntryProto> {
    let names = bundle.features().input_names(bundle.model().input());
    let entries = [
        ("pdm_ml.bundle", bundle.digest().to_string()),
        (
            "pdm_ml.columns",
            serde_json::to_string(&names).expect("names have a JSON form"),
        ),
        ("pdm_ml.kind", bundle.manifest().model.kind().to_owned()),
        ("pdm_ml.opset", OPSET.to_string()),
        ("pdm_ml.version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    entries
        .map(|(key, value)| StringStringEntryProto {
            key: key.to_owned(),
            value,
        })
        .into()
}

pub(super) fn value_info(spec: &TensorSpec) -> ValueInfoProto {
    let elem_type = match spec.dtype {
        Dtype::Float32 => DataType::Float,
        Dtype::Float64 => DataType::Double,
        Dtype::Int64 => DataType::Int64,
    };
    let size = |extent: &DimensionSize| match *extent {
        DimensionSize::Free(name) => Size::Free(name.to_owned()),
        DimensionSize::Fixed(size) => Size::Fixed(size as i64),
    };
    let dim = spec
        .shape
        .iter()
        .map(|extent| ProtoDimension {
            size: Some(size(extent)),
        })
        .collect();
    let tensor = TensorTypeProto {
        elem_type: elem_type.into(),
        shape: Some(TensorShapeProto { dim }),
    };
    ValueInfoProto {
        name: spec.name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(tensor),
        }),
    }
}

fn encode(model: ModelProto) -> Result<Vec<u8>, ExportError> {
    match model.encoded_len() {
        bytes if bytes > i32::MAX as usize => Err(ExportError::TooLarge { bytes }),
        _ => Ok(model.encode_to_vec()),
    }
}
