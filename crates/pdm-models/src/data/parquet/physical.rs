//! Reads the numbers of a Parquet file by their physical types: 32 and 64 bits, and bytes.
//!
//! Polars reads small integers, decimals and half-precision floats only if it is built with each of these types, which
//! doubles its build time. Their logical types add little: a smaller range, a sign, or a power of ten.

use std::sync::Arc;

use polars::io::parquet::read::FileMetadata;
use polars::prelude::*;
use polars_parquet::parquet::metadata::SchemaDescriptor;
use polars_parquet::parquet::schema::types::{ParquetType, PhysicalType, PrimitiveType};

/// The limit up to which every whole number is exact as a 64-bit float.
const LARGEST_EXACT: i128 = 1 << f64::MANTISSA_DIGITS;
/// The largest power of ten that is exact as a 64-bit float.
const LARGEST_EXACT_POWER: usize = 22;

/// Returns the metadata of a file without logical types.
pub(super) fn bare(metadata: &FileMetadata) -> Arc<FileMetadata> {
    let mut bare = metadata.clone();
    bare.key_value_metadata = None;
    let fields = metadata
        .schema_descr
        .fields()
        .iter()
        .map(without_logical_type)
        .collect();
    bare.schema_descr = SchemaDescriptor::new(metadata.schema_descr.name().into(), fields);
    Arc::new(bare)
}

/// Returns whether a column has the 96-bit timestamps of Impala and of older versions of Spark.
pub(super) fn is_of_96_bits(metadata: &FileMetadata, column: &str) -> bool {
    let fields = metadata.schema_descr.fields().iter();
    let primitives = fields.filter_map(|field| match field {
        ParquetType::PrimitiveType(primitive) => Some(primitive),
        ParquetType::GroupType { .. } => None,
    });
    let mut of_column = primitives.filter(|primitive| primitive.field_info.name == column);
    of_column.any(|primitive| primitive.physical_type == PhysicalType::Int96)
}

/// Removes the logical type of a column; nested columns stay as they are, since they are not read.
fn without_logical_type(field: &ParquetType) -> ParquetType {
    match field {
        ParquetType::PrimitiveType(primitive) => {
            let plain = PrimitiveType {
                logical_type: None,
                converted_type: None,
                ..primitive.clone()
            };
            ParquetType::PrimitiveType(plain)
        }
        ParquetType::GroupType { .. } => field.clone(),
    }
}

/// Converts the stored 32 or 64 bits to whole numbers of a type.
///
/// # Errors
/// The column does not have such values.
pub(super) fn whole_numbers(
    values: &Column,
    dtype: &ArrowDataType,
) -> PolarsResult<Vec<Option<i128>>> {
    if *values.dtype() == DataType::Int32 {
        return Ok(values
            .i32()?
            .iter()
            .map(|bits| Some(of_32_bits(bits?, dtype)))
            .collect());
    }
    Ok(values
        .i64()?
        .iter()
        .map(|bits| Some(of_64_bits(bits?, dtype)))
        .collect())
}

fn of_32_bits(bits: i32, dtype: &ArrowDataType) -> i128 {
    match dtype {
        ArrowDataType::Int8 => i128::from(bits as i8),
        ArrowDataType::Int16 => i128::from(bits as i16),
        ArrowDataType::UInt8 => i128::from(bits as u8),
        ArrowDataType::UInt16 => i128::from(bits as u16),
        ArrowDataType::UInt32 | ArrowDataType::UInt64 => i128::from(bits as u32),
        // All others have a sign.
        _ => i128::from(bits),
    }
}

fn of_64_bits(bits: i64, dtype: &ArrowDataType) -> i128 {
    if *dtype == ArrowDataType::UInt64 {
        i128::from(bits as u64)
    } else {
        i128::from(bits)
    }
}

/// Converts decimals with `scale` digits after the point to the nearest floats.
///
/// # Errors
/// The column has neither whole numbers nor bytes.
pub(super) fn decimals(values: &Column, scale: usize) -> PolarsResult<Vec<Option<f64>>> {
    let unscaled: Vec<Option<i128>> = if *values.dtype() == DataType::Binary {
        values
            .binary()?
            .iter()
            .map(|bytes| of_bytes(bytes?))
            .collect()
    } else {
        whole_numbers(values, &ArrowDataType::Int64)?
    };
    Ok(unscaled
        .into_iter()
        .map(|number| Some(nearest(number?, scale)))
        .collect())
}

/// Reads a big-endian two's complement number; `None` if it needs more than 128 bits.
fn of_bytes(bytes: &[u8]) -> Option<i128> {
    let sign = if bytes.first()? & 0x80 == 0 {
        0x00
    } else {
        0xFF
    };
    let (above, low) = bytes.split_at(bytes.len().saturating_sub(16));
    if above.iter().any(|byte| *byte != sign) {
        return None;
    }
    let mut whole = [sign; 16];
    whole[16 - low.len()..].copy_from_slice(low);
    let number = i128::from_be_bytes(whole);
    // The upper bytes give the sign; the lower ones must have the same sign bit.
    ((number < 0) == (sign == 0xFF)).then_some(number)
}

fn nearest(unscaled: i128, scale: usize) -> f64 {
    // Both operands are exact, so their quotient is the nearest float.
    if unscaled.abs() <= LARGEST_EXACT && scale <= LARGEST_EXACT_POWER {
        return unscaled as f64 / 10_f64.powi(scale as i32);
    }
    format!("{unscaled}e-{scale}").parse().unwrap_or(f64::NAN)
}

/// Converts 16-bit floats, stored as two little-endian bytes.
///
/// # Errors
/// The column does not have bytes.
pub(super) fn halves(values: &Column) -> PolarsResult<Vec<Option<f64>>> {
    let value = |bytes: &[u8]| {
        <[u8; 2]>::try_from(bytes)
            .ok()
            .map(|bytes| half::f16::from_le_bytes(bytes).to_f64())
    };
    Ok(values.binary()?.iter().map(|bytes| value(bytes?)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_as_their_type_says() {
        for (bits, dtype, expected) in [
            (-1, ArrowDataType::Int8, -1),
            (-1, ArrowDataType::UInt8, 255),
            (-1, ArrowDataType::UInt16, 65_535),
            (-2, ArrowDataType::UInt32, 4_294_967_294),
            (-2, ArrowDataType::Int32, -2),
        ] {
            let column = Column::new("x".into(), [Some(bits), None]);
            assert_eq!(
                whole_numbers(&column, &dtype).unwrap(),
                [Some(expected), None],
                "{dtype:?}"
            );
        }
        let column = Column::new("x".into(), [-1_i64]);
        assert_eq!(
            whole_numbers(&column, &ArrowDataType::UInt64).unwrap(),
            [Some(i128::from(u64::MAX))]
        );
        assert_eq!(
            whole_numbers(&column, &ArrowDataType::Int64).unwrap(),
            [Some(-1)]
        );
        assert!(whole_numbers(&Column::new("x".into(), [0.5]), &ArrowDataType::Int8).is_err());
    }

    #[test]
    fn decimals_are_the_nearest_floats() {
        let bytes: [&[u8]; 6] = [
            &[0x04, 0xD2],
            &[0xFF, 0x85],
            &[0xFF; 32],
            &[0],
            &(10_i128.pow(37) + 1).to_be_bytes(),
            &[0x7F; 17],
        ];
        let column = Column::new("x".into(), bytes);
        let expected = [
            Some(12.34),
            Some(-1.23),
            Some(-0.01),
            Some(0.0),
            Some(1e35),
            None,
        ];
        assert_eq!(decimals(&column, 2).unwrap(), expected);
        assert_eq!(
            decimals(&Column::new("x".into(), [1_234_567_i32]), 3).unwrap(),
            [Some(1234.567)]
        );
        assert_eq!(
            decimals(&Column::new("x".into(), [i64::MAX]), 18).unwrap(),
            [Some(9.223_372_036_854_776)]
        );
    }
}
