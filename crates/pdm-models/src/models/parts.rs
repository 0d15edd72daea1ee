//! The weights of several models in one safetensors file: the tensors of each under its name, as in `seed-2/node.left`.
//!
//! The metadata of the parts are stored as JSON in the only metadata entry, so that every part can be restored byte for
//! byte.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::ModelError;
use super::weights::wrong;

/// Maximum number of parts: seeds of a fit, or members of a stack.
const MOST_PARTS: usize = 1000;

/// The version of the layout of parts.
const FORMAT: u32 = 1;

/// The name of a part, and its weights as a separate safetensors file.
pub(super) type NamedWeights = (String, Vec<u8>);

#[derive(Serialize, Deserialize)]
struct PartsIndex {
    format: u32,
    parts: Vec<Header>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    name: String,
    metadata: BTreeMap<String, String>,
}

/// Returns one file with the tensors of all parts; the same parts give the same bytes.
///
/// The parts must be safetensors files, as [`super::Predictor::weights`] returns.
pub(super) fn join(whole: &str, parts: &[NamedWeights]) -> Vec<u8> {
    let mut headers = Vec::with_capacity(parts.len());
    let mut tensors: Vec<(String, TensorView<'_>)> = Vec::new();
    for (name, bytes) in parts {
        let (metadata, file) =
            opened(bytes).expect("a fitted model's weights are a safetensors file");
        headers.push(Header {
            name: name.clone(),
            metadata,
        });
        tensors.extend(
            file.tensors()
                .into_iter()
                .map(|(tensor, view)| (format!("{name}/{tensor}"), view)),
        );
    }
    let contents = PartsIndex {
        format: FORMAT,
        parts: headers,
    };
    let contents = serde_json::to_string(&contents).expect("names and texts have a JSON form");
    // Only one entry: the order of several would be that of a hash map.
    safetensors::serialize(tensors, Some(HashMap::from([(entry(whole), contents)])))
        .expect("names and shapes have a JSON form")
}

/// Returns the parts in the order they were joined; `None` if the file does not consist of such parts.
///
/// # Errors
/// The bytes are not safetensors, or the description of the parts is invalid.
pub(super) fn split(whole: &str, bytes: &[u8]) -> Result<Option<Vec<NamedWeights>>, ModelError> {
    let (metadata, file) = opened(bytes)?;
    let Some(contents) = metadata.get(&entry(whole)) else {
        return Ok(None);
    };
    let contents: PartsIndex = serde_json::from_str(contents)
        .map_err(|error| wrong("__metadata__", format!("does not describe parts: {error}")))?;
    if contents.format != FORMAT {
        return Err(wrong(
            "__metadata__",
            format!("has format {}; only {FORMAT} is supported", contents.format),
        ));
    }
    check(&contents.parts, &file)?;
    contents
        .parts
        .into_iter()
        .map(|header| part(header, &file))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Refuses parts that share tensors: each would be a copy of the whole file.
fn check(parts: &[Header], file: &SafeTensors<'_>) -> Result<(), ModelError> {
    if parts.len() > MOST_PARTS {
        return Err(wrong(
            "__metadata__",
            format!("has {} parts, more than {MOST_PARTS}", parts.len()),
        ));
    }
    let names = file.names();
    let of_part = |part: &Header| names.iter().filter(|name| is_of(name, &part.name)).count();
    let shared: usize = parts.iter().map(of_part).sum();
    if shared > names.len() {
        return Err(wrong("__metadata__", "has parts that share tensors"));
    }
    Ok(())
}

fn is_of(tensor: &str, part: &str) -> bool {
    tensor
        .strip_prefix(part)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn part(header: Header, file: &SafeTensors<'_>) -> Result<NamedWeights, ModelError> {
    let prefix = format!("{}/", header.name);
    let own = |(name, view): (String, _)| Some((name.strip_prefix(&prefix)?.to_owned(), view));
    let tensors: Vec<_> = file.tensors().into_iter().filter_map(own).collect();
    let metadata = header.metadata.into_iter().collect();
    Ok((
        header.name,
        safetensors::serialize(tensors, Some(metadata))?,
    ))
}

fn opened(bytes: &[u8]) -> Result<(BTreeMap<String, String>, SafeTensors<'_>), ModelError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let mut metadata = BTreeMap::new();
    if let Some(entries) = header.metadata() {
        for (key, value) in entries {
            metadata.insert(key.clone(), value.clone());
        }
    }
    Ok((metadata, SafeTensors::deserialize(bytes)?))
}

fn entry(whole: &str) -> String {
    format!("{whole}_parts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::weights::write;

    fn parts() -> Vec<NamedWeights> {
        let toy = |values: &[f64]| {
            write(
                "toy",
                &[("a", &[values.len()], values), ("b", &[1], &[0.5])],
            )
        };
        vec![
            ("one".to_owned(), toy(&[1.0, 2.0])),
            ("two".to_owned(), toy(&[3.0])),
        ]
    }

    #[test]
    fn parts_come_back_to_the_byte_and_in_order_at_any_depth() {
        let whole = join("pair", &parts());
        assert_eq!(split("pair", &whole).unwrap(), Some(parts()));
        assert_eq!(split("trio", &whole).unwrap(), None);
        let nested = vec![
            ("inner".to_owned(), whole.clone()),
            ("one".to_owned(), parts()[0].1.clone()),
        ];
        assert_eq!(
            split("outer", &join("outer", &nested)).unwrap(),
            Some(nested)
        );
        assert_eq!(join("pair", &parts()), whole);
    }

    #[test]
    fn invalid_parts_are_reported() {
        assert_eq!(split("pair", &parts()[0].1).unwrap(), None);
        assert!(matches!(
            split("pair", b"nothing of the kind"),
            Err(ModelError::Format(_))
        ));
        let newer = HashMap::from([(entry("pair"), r#"{"format":2,"parts":[]}"#.to_owned())]);
        let newer =
            safetensors::serialize(Vec::<(String, TensorView<'_>)>::new(), Some(newer)).unwrap();
        let error = split("pair", &newer).unwrap_err().to_string();
        assert_eq!(
            error,
            "tensor `__metadata__` has format 2; only 1 is supported"
        );
    }
}
