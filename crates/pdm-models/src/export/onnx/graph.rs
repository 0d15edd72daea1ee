//! Builds an ONNX graph.

use super::proto::{
    AttributeProto, AttributeType, DataType, GraphProto, NodeProto, TensorProto, ValueInfoProto,
};

/// Domain of the operators on trees; standard operators have no domain.
pub(super) const TREES: &str = "ai.onnx.ml";

/// A tensor of the graph, by its name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value(String);

/// A graph under construction. Names consist of the operator and a number, so the same calls give the same bytes.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
}

impl Value {
    /// Returns the input or output of the graph that has this name.
    pub(super) fn named(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl Graph {
    /// Adds a node with one output.
    pub(super) fn node(
        &mut self,
        op: &str,
        inputs: &[&Value],
        attributes: Vec<AttributeProto>,
    ) -> Value {
        let [output] = self.split(op, inputs, attributes);
        output
    }

    /// Adds a node with several outputs.
    pub(super) fn split<const N: usize>(
        &mut self,
        op: &str,
        inputs: &[&Value],
        attributes: Vec<AttributeProto>,
    ) -> [Value; N] {
        let name = format!("{op}_{}", self.nodes.len());
        let outputs = std::array::from_fn(|i| {
            Value(if N == 1 {
                name.clone()
            } else {
                format!("{name}_{i}")
            })
        });
        self.push(op, "", &name, inputs, &outputs, attributes);
        outputs
    }

    /// Adds a node on trees.
    pub(super) fn trees(
        &mut self,
        op: &str,
        input: &Value,
        attributes: Vec<AttributeProto>,
    ) -> Value {
        let output = Value(format!("{op}_{}", self.nodes.len()));
        let name = output.0.clone();
        self.push(
            op,
            TREES,
            &name,
            &[input],
            std::slice::from_ref(&output),
            attributes,
        );
        output
    }

    /// Adds a node that names an output of the graph.
    pub(super) fn output(&mut self, value: &Value, name: &str) {
        self.push(
            "Identity",
            "",
            name,
            &[value],
            &[Value::named(name)],
            Vec::new(),
        );
    }

    fn push(
        &mut self,
        op: &str,
        domain: &str,
        name: &str,
        inputs: &[&Value],
        outputs: &[Value],
        attribute: Vec<AttributeProto>,
    ) {
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|value| value.0.clone()).collect(),
            output: outputs.iter().map(|value| value.0.clone()).collect(),
            name: name.to_owned(),
            op_type: op.to_owned(),
            attribute,
            domain: domain.to_owned(),
        });
    }

    /// Adds single-precision numbers.
    pub(super) fn floats(&mut self, shape: &[usize], values: &[f32]) -> Value {
        self.constant(tensor(
            DataType::Float,
            shape,
            values.iter().flat_map(|value| value.to_le_bytes()),
        ))
    }

    /// Adds double-precision numbers.
    pub(super) fn doubles(&mut self, shape: &[usize], values: &[f64]) -> Value {
        self.constant(doubles(shape, values))
    }

    /// Adds one whole number, as a scalar.
    pub(super) fn int(&mut self, value: i64) -> Value {
        self.constant(tensor(DataType::Int64, &[], value.to_le_bytes()))
    }

    /// Adds a list of whole numbers.
    pub(super) fn ints(&mut self, values: &[i64]) -> Value {
        self.constant(tensor(
            DataType::Int64,
            &[values.len()],
            values.iter().flat_map(|value| value.to_le_bytes()),
        ))
    }

    fn constant(&mut self, tensor: TensorProto) -> Value {
        let name = format!("constant_{}", self.constants.len());
        self.constants.push(TensorProto {
            name: name.clone(),
            ..tensor
        });
        Value(name)
    }

    /// Completes the graph.
    pub(super) fn finish(
        self,
        name: &str,
        input: Vec<ValueInfoProto>,
        output: Vec<ValueInfoProto>,
    ) -> GraphProto {
        GraphProto {
            node: self.nodes,
            name: name.to_owned(),
            initializer: self.constants,
            input,
            output,
        }
    }
}

fn tensor(
    data_type: DataType,
    shape: &[usize],
    bytes: impl IntoIterator<Item = u8>,
) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|size| *size as i64).collect(),
        data_type: data_type.into(),
        raw_data: bytes.into_iter().collect(),
        name: String::new(),
    }
}

/// Returns double-precision numbers as a tensor for an attribute.
pub(super) fn doubles(shape: &[usize], values: &[f64]) -> TensorProto {
    tensor(
        DataType::Double,
        shape,
        values.iter().flat_map(|value| value.to_le_bytes()),
    )
}

/// The value of an attribute.
pub(super) enum Attribute {
    Float(f32),
    Int(i64),
    Text(&'static str),
    Tensor(TensorProto),
    Ints(Vec<i64>),
    Texts(Vec<&'static str>),
}

/// Returns a named attribute.
pub(super) fn attribute(name: &str, value: Attribute) -> AttributeProto {
    let mut attribute = AttributeProto {
        name: name.to_owned(),
        ..Default::default()
    };
    let kind = match value {
        Attribute::Float(value) => {
            attribute.f = value;
            AttributeType::Float
        }
        Attribute::Int(value) => {
            attribute.i = value;
            AttributeType::Int
        }
        Attribute::Text(value) => {
            attribute.s = value.into();
            AttributeType::String
        }
        Attribute::Tensor(value) => {
            attribute.t = Some(value);
            AttributeType::Tensor
        }
        Attribute::Ints(values) => {
            attribute.ints = values;
            AttributeType::Ints
        }
        Attribute::Texts(values) => {
            attribute.strings = values.into_iter().map(Into::into).collect();
            AttributeType::Strings
        }
    };
    attribute.set_type(kind);
    attribute
}

/// Returns an attribute that is a whole number.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    attribute(name, Attribute::Int(value))
}

/// Returns an attribute that is a list of whole numbers.
pub(super) fn ints(name: &str, values: impl IntoIterator<Item = usize>) -> AttributeProto {
    attribute(
        name,
        Attribute::Ints(values.into_iter().map(|value| value as i64).collect()),
    )
}
