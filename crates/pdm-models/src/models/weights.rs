//! Reads and writes weights as safetensors.

use std::collections::HashMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::ModelError;

/// The version of the layout of tensors, written into the file as `<family>_format`.
const FORMAT: &str = "1";

/// Returns the tensors of a model family, all of one number type, as safetensors; the same tensors give the same bytes.
pub(super) fn write<T: WeightNumber>(family: &str, tensors: &[(&str, &[usize], &[T])]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .iter()
        .map(|(_, _, values)| T::bytes(values))
        .collect();
    let views = tensors.iter().zip(&bytes).map(|((name, shape, _), bytes)| {
        let view = TensorView::new(T::DTYPE, shape.to_vec(), bytes)
            .expect("a tensor has as many values as its shape");
        (*name, view)
    });
    // Only one entry: the order of several would be that of a hash map.
    let format = HashMap::from([(format!("{family}_format"), FORMAT.to_owned())]);
    safetensors::serialize(views, Some(format)).expect("names and shapes have a JSON form")
}

/// Opens the weights of a model family.
///
/// # Errors
/// The bytes are not safetensors, or those of another family or layout.
pub(super) fn open<'a>(family: &str, bytes: &'a [u8]) -> Result<SafeTensors<'a>, ModelError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let key = format!("{family}_format");
    match header
        .metadata()
        .as_ref()
        .and_then(|entries| entries.get(&key))
    {
        Some(version) if version == FORMAT => Ok(SafeTensors::deserialize(bytes)?),
        Some(version) => Err(wrong(
            "__metadata__",
            format!("has format {version}; only {FORMAT} is supported"),
        )),
        None => Err(wrong("__metadata__", format!("has no `{key}`"))),
    }
}

/// Returns the shape and values of one tensor.
///
/// # Errors
/// The tensor is missing, or its numbers are of another type or not finite.
pub(super) fn read<T: WeightNumber>(
    tensors: &SafeTensors<'_>,
    name: &str,
) -> Result<(Vec<usize>, Vec<T>), ModelError> {
    let view = tensors
        .tensor(name)
        .map_err(|_| wrong(name, "is missing"))?;
    if view.dtype() != T::DTYPE {
        return Err(wrong(
            name,
            format!("has type {:?}, not {:?}", view.dtype(), T::DTYPE),
        ));
    }
    let values = T::values(view.data());
    if !values.iter().all(|value| value.finite()) {
        return Err(wrong(name, "has a number that is not finite"));
    }
    Ok((view.shape().to_vec(), values))
}

/// Returns the values of one tensor of a known shape.
///
/// # Errors
/// Like [`read`], or the shape is different.
pub(super) fn read_shaped<T: WeightNumber>(
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<Vec<T>, ModelError> {
    let (found, values) = read(tensors, name)?;
    if found == shape {
        Ok(values)
    } else {
        Err(wrong(name, format!("has shape {found:?}, not {shape:?}")))
    }
}

/// Returns the error for a tensor.
pub(super) fn wrong(name: &str, problem: impl Into<String>) -> ModelError {
    ModelError::Tensor {
        name: name.to_owned(),
        problem: problem.into(),
    }
}

/// A number type that weights are stored in, little-endian.
pub(super) trait WeightNumber: Copy {
    /// Its name in the file.
    const DTYPE: Dtype;
    /// Returns the bytes of some numbers.
    fn bytes(values: &[Self]) -> Vec<u8>;
    /// Returns the numbers of some bytes.
    fn values(bytes: &[u8]) -> Vec<Self>;
    /// Returns whether the number is neither infinite nor NaN.
    fn finite(self) -> bool;
}

macro_rules! number {
    ($number:ty, $dtype:expr) => {
        impl WeightNumber for $number {
            const DTYPE: Dtype = $dtype;

            fn bytes(values: &[Self]) -> Vec<u8> {
                values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect()
            }

            fn values(bytes: &[u8]) -> Vec<Self> {
                let (numbers, _) = bytes.as_chunks();
                numbers
                    .iter()
                    .map(|number| Self::from_le_bytes(*number))
                    .collect()
            }

            fn finite(self) -> bool {
                self.is_finite()
            }
        }
    };
}

number!(f32, Dtype::F32);
number!(f64, Dtype::F64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_come_back_and_bytes_do_not_depend_on_their_order() {
        let (a, b): (&[f32], &[f32]) = (&[1.0, -2.5], &[0.1, 0.2, 0.3]);
        let bytes = write("toy", &[("a", &[2, 1], a), ("b", &[3], b)]);
        assert_eq!(bytes, write("toy", &[("b", &[3], b), ("a", &[2, 1], a)]));
        let tensors = open("toy", &bytes).unwrap();
        assert_eq!(
            read::<f32>(&tensors, "a").unwrap(),
            (vec![2, 1], a.to_vec())
        );
        assert_eq!(read_shaped::<f32>(&tensors, "b", &[3]).unwrap(), b);
    }

    #[test]
    fn errors_name_the_tensor() {
        let bytes = write::<f64>("toy", &[("a", &[1], &[f64::NAN])]);
        let tensors = open("toy", &bytes).unwrap();
        let message = |error: ModelError| error.to_string();
        assert_eq!(
            message(read::<f64>(&tensors, "a").unwrap_err()),
            "tensor `a` has a number that is not finite"
        );
        assert_eq!(
            message(read::<f32>(&tensors, "a").unwrap_err()),
            "tensor `a` has type F64, not F32"
        );
        assert_eq!(
            message(read::<f64>(&tensors, "b").unwrap_err()),
            "tensor `b` is missing"
        );
        let bytes = write::<f64>("toy", &[("a", &[1], &[0.0])]);
        let tensors = open("toy", &bytes).unwrap();
        assert!(
            message(read_shaped::<f64>(&tensors, "a", &[2]).unwrap_err())
                .contains("has shape [1], not [2]")
        );
    }

    #[test]
    fn another_family_or_layout_is_refused() {
        let bytes = write::<f64>("toy", &[("a", &[1], &[0.0])]);
        assert_eq!(
            open("game", &bytes).unwrap_err().to_string(),
            "tensor `__metadata__` has no `game_format`"
        );
        let newer =
            String::from_utf8_lossy(&bytes).replace(r#""toy_format":"1""#, r#""toy_format":"2""#);
        let error = open("toy", newer.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            error,
            "tensor `__metadata__` has format 2; only 1 is supported"
        );
        assert!(matches!(
            open("toy", b"nothing of the kind"),
            Err(ModelError::Format(_))
        ));
    }
}
