//! Writes JSON with finite numbers only: JSON has neither NaN nor infinity, and serde writes both as `null`, which cannot be
//! read back as a number. Here such a number is an error with its path.

use std::fmt::{self, Display};

use serde::ser::{
    Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};
use serde::{Serialize, Serializer};

/// Returns a value as indented JSON.
///
/// # Errors
/// It has no JSON form, or contains a number that is not finite.
pub fn finite_json<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    check_finite(value)?;
    serde_json::to_vec_pretty(value)
}

/// Searches for numbers that JSON cannot represent.
///
/// # Errors
/// A number is not finite; the message has its path.
pub fn check_finite<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<()> {
    let mut path = Vec::new();
    let Err(NotFinite(problem)) = value.serialize(Walker { path: &mut path }) else {
        return Ok(());
    };
    Err(serde_json::Error::custom(format!(
        "`{}` {problem}",
        path.join(".")
    )))
}

/// A number that is not finite, or a value that cannot be traversed.
#[derive(Debug)]
struct NotFinite(String);

impl Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFinite {}

impl serde::ser::Error for NotFinite {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Traverses a value; `path` is the current path, and remains at a number that is not finite.
struct Walker<'a> {
    path: &'a mut Vec<String>,
}

/// Traverses the parts of a value, with the index of the next one if they have no names.
struct PartWalker<'a> {
    path: &'a mut Vec<String>,
    next: usize,
    key: String,
}

impl Walker<'_> {
    fn number(&self, value: f64) -> Result<(), NotFinite> {
        if value.is_finite() {
            Ok(())
        } else {
            Err(NotFinite(format!(
                "is {value}, which JSON cannot represent"
            )))
        }
    }
}

impl<'a> Walker<'a> {
    fn parts(self) -> PartWalker<'a> {
        PartWalker {
            path: self.path,
            next: 0,
            key: String::new(),
        }
    }
}

impl PartWalker<'_> {
    fn named<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), NotFinite> {
        self.path.push(name);
        value.serialize(Walker { path: self.path })?;
        self.path.pop();
        Ok(())
    }

    fn numbered<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFinite> {
        self.next += 1;
        self.named((self.next - 1).to_string(), value)
    }
}

macro_rules! harmless {
    ($($name:ident: $type:ty),*) => {
        $(fn $name(self, _: $type) -> Result<(), NotFinite> {
            Ok(())
        })*
    };
}

impl<'a> Serializer for Walker<'a> {
    type Ok = ();
    type Error = NotFinite;
    type SerializeSeq = PartWalker<'a>;
    type SerializeTuple = PartWalker<'a>;
    type SerializeTupleStruct = PartWalker<'a>;
    type SerializeTupleVariant = PartWalker<'a>;
    type SerializeMap = PartWalker<'a>;
    type SerializeStruct = PartWalker<'a>;
    type SerializeStructVariant = PartWalker<'a>;

    harmless! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_i128: i128,
        serialize_u128: u128, serialize_char: char, serialize_str: &str, serialize_bytes: &[u8],
        serialize_unit_struct: &'static str
    }

    fn serialize_f32(self, value: f32) -> Result<(), NotFinite> {
        self.number(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), NotFinite> {
        self.number(value)
    }

    fn serialize_none(self) -> Result<(), NotFinite> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NotFinite> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), NotFinite> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), NotFinite> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), NotFinite> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NotFinite> {
        self.parts().named(variant.to_owned(), value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<PartWalker<'a>, NotFinite> {
        Ok(self.parts())
    }

    fn serialize_tuple(self, _: usize) -> Result<PartWalker<'a>, NotFinite> {
        Ok(self.parts())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<PartWalker<'a>, NotFinite> {
        Ok(self.parts())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<PartWalker<'a>, NotFinite> {
        Ok(self.parts())
    }

    fn serialize_map(self, _: Option<usize>) -> Result<PartWalker<'a>, NotFinite> {
        Ok(self.parts())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<PartWalker<'a>, NotFinite> {
        Ok(self.parts())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<PartWalker<'a>, NotFinite> {
        Ok(self.parts())
    }
}

macro_rules! numbered_parts {
    ($($kind:ident: $add:ident),*) => {
        $(impl $kind for PartWalker<'_> {
            type Ok = ();
            type Error = NotFinite;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFinite> {
                self.numbered(value)
            }

            fn end(self) -> Result<(), NotFinite> {
                Ok(())
            }
        })*
    };
}

numbered_parts! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field
}

macro_rules! named_parts {
    ($($kind:ident),*) => {
        $(impl $kind for PartWalker<'_> {
            type Ok = ();
            type Error = NotFinite;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), NotFinite> {
                self.named(key.to_owned(), value)
            }

            fn end(self) -> Result<(), NotFinite> {
                Ok(())
            }
        })*
    };
}

named_parts! { SerializeStruct, SerializeStructVariant }

impl SerializeMap for PartWalker<'_> {
    type Ok = ();
    type Error = NotFinite;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotFinite> {
        let key = serde_json::to_value(key).map_err(NotFinite::custom)?;
        self.key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotFinite> {
        let key = std::mem::take(&mut self.key);
        self.named(key, value)
    }

    fn end(self) -> Result<(), NotFinite> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        Wrapped(f64),
        Pair(f32, f32),
        Named { rows: Vec<Option<f64>> },
    }

    #[derive(Serialize)]
    struct Whole {
        name: &'static str,
        by_key: BTreeMap<u32, f64>,
        shapes: Vec<Shape>,
    }

    fn whole(shapes: Vec<Shape>) -> Whole {
        Whole {
            name: "a",
            by_key: BTreeMap::from([(7, 0.5)]),
            shapes,
        }
    }

    #[test]
    fn finite_numbers_are_written_as_serde_does() {
        let named = Shape::Named {
            rows: vec![Some(f64::MAX), None],
        };
        let good = whole(vec![
            Shape::Unit,
            Shape::Wrapped(-0.0),
            Shape::Pair(1.0, f32::MIN_POSITIVE),
            named,
        ]);
        assert_eq!(
            finite_json(&good).unwrap(),
            serde_json::to_vec_pretty(&good).unwrap()
        );
    }

    #[test]
    fn a_number_that_is_not_finite_is_an_error_with_its_path() {
        let message = |value: &Whole| finite_json(value).unwrap_err().to_string();
        let wrapped = message(&whole(vec![Shape::Unit, Shape::Wrapped(f64::NAN)]));
        assert_eq!(
            wrapped,
            "`shapes.1.Wrapped` is NaN, which JSON cannot represent"
        );
        let pair = message(&whole(vec![Shape::Pair(1.0, f32::INFINITY)]));
        assert_eq!(pair, "`shapes.0.1` is inf, which JSON cannot represent");
        let named = message(&whole(vec![Shape::Named {
            rows: vec![None, Some(f64::NEG_INFINITY)],
        }]));
        assert_eq!(
            named,
            "`shapes.0.rows.1` is -inf, which JSON cannot represent"
        );
        let keyed = message(&Whole {
            by_key: BTreeMap::from([(1, 0.0), (2, f64::NAN)]),
            ..whole(Vec::new())
        });
        assert_eq!(keyed, "`by_key.2` is NaN, which JSON cannot represent");
        assert_eq!(serde_json::to_string(&f64::NAN).unwrap(), "null");
    }
}
