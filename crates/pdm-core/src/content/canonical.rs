//! Canonical JSON.

use serde::Serialize;
use serde_json::Value;

use super::Digest;

/// Returns the canonical JSON of a value: keys sorted, no blanks, floats in their shortest round-trip form.
///
/// Two values with the same canonical JSON are equal in a cache key. Infinite and NaN floats become `null`, so options must
/// not contain them.
///
/// # Errors
/// The value has no JSON form (a map with keys that are not strings).
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut value = serde_json::to_value(value)?;
    sort_keys(&mut value);
    serde_json::to_vec(&value)
}

/// Returns the digest of the canonical JSON of a value.
///
/// # Errors
/// Those of [`canonical_json`].
pub fn digest_of<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Digest> {
    canonical_json(value).map(Digest::of)
}

fn sort_keys(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.sort_keys();
            for value in map.values_mut() {
                sort_keys(value);
            }
        }
        Value::Array(items) => {
            for item in items {
                sort_keys(item);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_keys_does_not_matter() {
        let a = serde_json::json!({"b": [{"y": 1, "x": 0.1}], "a": null});
        let b = serde_json::json!({"a": null, "b": [{"x": 0.1, "y": 1}]});
        assert_eq!(digest_of(&a).unwrap(), digest_of(&b).unwrap());
        assert_eq!(
            canonical_json(&a).unwrap(),
            br#"{"a":null,"b":[{"x":0.1,"y":1}]}"#
        );
    }
}
