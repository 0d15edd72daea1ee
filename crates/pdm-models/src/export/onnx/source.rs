//! The inputs of an ONNX graph, and how models read them.

use std::ops::Range;

use super::graph::{Graph, Value, int, ints};
use super::proto::DataType;

/// The input of a model: rows of the feature table, or histories of different lengths.
#[derive(Debug, Clone)]
pub(super) struct GraphInput {
    /// `[batch, columns]`, with [`Self::last`] `[batch, cycles, columns]`.
    values: Value,
    pub(super) columns: usize,
    /// Index of the last row of each history, `[batch]`.
    last: Option<Value>,
}

/// Rows of each history that a sequence network reads, the first one at 0; rows after the last one are ignored.
pub(super) struct SequenceRows {
    /// `[batch, steps, columns]`
    pub(super) rows: Value,
    /// Steps of each history, `[batch]`.
    pub(super) counts: Value,
}

/// Rows of each history that a window network reads, the last one at the end.
pub(super) struct Window {
    /// `[batch, length, columns]`, zeros before the history began.
    pub(super) rows: Value,
    /// One for existing rows and zero before them, `[batch, length]`.
    pub(super) mask: Value,
}

impl GraphInput {
    /// Returns rows `[batch, columns]`.
    pub(super) fn rows(values: Value, columns: usize) -> Self {
        Self {
            values,
            columns,
            last: None,
        }
    }

    /// Returns histories `[batch, cycles, columns]` of these lengths `[batch]`, and which lengths are valid.
    pub(super) fn histories(
        graph: &mut Graph,
        values: Value,
        columns: usize,
        lengths: &Value,
    ) -> (Self, Value) {
        let cycles = graph.node("Shape", &[&values], vec![int("start", 1), int("end", 2)]);
        let zero = graph.int(0);
        let one = graph.int(1);
        let positive = graph.node("Greater", &[lengths, &zero], Vec::new());
        let within = graph.node("LessOrEqual", &[lengths, &cycles], Vec::new());
        let lawful = graph.node("And", &[&positive, &within], Vec::new());
        // The result for an invalid length is NaN and must not affect the others.
        let length = graph.node("Where", &[&lawful, lengths, &one], Vec::new());
        let last = graph.node("Sub", &[&length, &one], Vec::new());
        (
            Self {
                values,
                columns,
                last: Some(last),
            },
            lawful,
        )
    }

    /// Returns a range of columns.
    pub(super) fn part(&self, graph: &mut Graph, columns: Range<usize>) -> Self {
        if columns.len() == self.columns {
            return self.clone();
        }
        let bounds = [columns.start, columns.end].map(|bound| graph.ints(&[bound as i64]));
        let axis = graph.ints(&[-1]);
        let values = graph.node(
            "Slice",
            &[&self.values, &bounds[0], &bounds[1], &axis],
            Vec::new(),
        );
        Self {
            values,
            columns: columns.len(),
            last: self.last.clone(),
        }
    }

    /// Returns the last row of each history, `[batch, columns]`.
    pub(super) fn row(&self, graph: &mut Graph) -> Value {
        match &self.last {
            Some(last) => rows_at(graph, &self.values, last),
            None => self.values.clone(),
        }
    }

    /// Returns every `stride`-th row up to the last.
    pub(super) fn steps(&self, graph: &mut Graph, stride: usize) -> SequenceRows {
        let last = self.last();
        let stride = graph.int(stride as i64);
        let one = graph.int(1);
        let first = graph.node("Mod", &[last, &stride], Vec::new());
        let whole = graph.node("Div", &[last, &stride], Vec::new());
        let counts = graph.node("Add", &[&whole, &one], Vec::new());
        let longest = graph.node("ReduceMax", &[&counts], vec![int("keepdims", 0)]);
        let zero = graph.int(0);
        let places = graph.node("Range", &[&zero, &longest, &one], Vec::new());
        let along = graph.node("Mul", &[&places, &stride], Vec::new());
        let first = unsqueeze(graph, &first, 1);
        let wanted = graph.node("Add", &[&first, &along], Vec::new());
        let end = unsqueeze(graph, last, 1);
        let places = graph.node("Min", &[&wanted, &end], Vec::new());
        SequenceRows {
            rows: gather(graph, &self.values, &places),
            counts,
        }
    }

    /// Returns the last `length` rows, `stride` apart.
    pub(super) fn window(&self, graph: &mut Graph, stride: usize, length: usize) -> Window {
        let back: Vec<i64> = (0..length)
            .rev()
            .map(|steps| -((steps * stride) as i64))
            .collect();
        let back = graph.ints(&back);
        let zero = graph.int(0);
        let last = unsqueeze(graph, self.last(), 1);
        let wanted = graph.node("Add", &[&last, &back], Vec::new());
        let exists = graph.node("GreaterOrEqual", &[&wanted, &zero], Vec::new());
        let places = graph.node("Max", &[&wanted, &zero], Vec::new());
        let rows = gather(graph, &self.values, &places);
        let each = unsqueeze(graph, &exists, 2);
        let nothing = graph.floats(&[], &[0.0]);
        let rows = graph.node("Where", &[&each, &rows, &nothing], Vec::new());
        Window {
            rows,
            mask: cast(graph, &exists, DataType::Float),
        }
    }

    fn last(&self) -> &Value {
        self.last
            .as_ref()
            .expect("the model gets the kind of input that `Predictor::input` declares")
    }
}

/// Returns one row of each history `[batch, rows, width]`, `[batch, width]`.
pub(super) fn rows_at(graph: &mut Graph, values: &Value, places: &Value) -> Value {
    let places = unsqueeze(graph, places, 1);
    graph.node("GatherND", &[values, &places], vec![int("batch_dims", 1)])
}

/// Returns the rows at `places` `[batch, rows]` of each history.
fn gather(graph: &mut Graph, values: &Value, places: &Value) -> Value {
    let places = unsqueeze(graph, places, 2);
    graph.node("GatherND", &[values, &places], vec![int("batch_dims", 1)])
}

/// Inserts a dimension of size one.
pub(super) fn unsqueeze(graph: &mut Graph, value: &Value, axis: i64) -> Value {
    let axis = graph.ints(&[axis]);
    graph.node("Unsqueeze", &[value, &axis], Vec::new())
}

/// Removes a dimension of size one.
pub(super) fn squeeze(graph: &mut Graph, value: &Value, axis: i64) -> Value {
    let axis = graph.ints(&[axis]);
    graph.node("Squeeze", &[value, &axis], Vec::new())
}

/// Permutes the dimensions.
pub(super) fn transpose<const N: usize>(
    graph: &mut Graph,
    value: &Value,
    order: [usize; N],
) -> Value {
    graph.node("Transpose", &[value], vec![ints("perm", order)])
}

/// Converts numbers to another type.
pub(super) fn cast(graph: &mut Graph, value: &Value, to: DataType) -> Value {
    graph.node("Cast", &[value], vec![int("to", i64::from(i32::from(to)))])
}
