//! Unpacks gzip files.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// Returns whether bytes begin like a gzip file.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1f\x8b\x08")
}

/// Unpacks bytes; returns `None` beyond `limit`, since the size that a file declares is not trusted.
pub(super) fn unpacked(bytes: &[u8], limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut contents = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(limit + 1)
        .read_to_end(&mut contents)?;
    Ok((contents.len() as u64 <= limit).then_some(contents))
}

#[cfg(test)]
pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_unpacked_up_to_a_limit() {
        let packed = [packed(b"unit,"), packed(b"cycle\n")].concat();
        assert!(is_gzip(&packed) && !is_gzip(b"unit"));
        assert_eq!(unpacked(&packed, 11).unwrap().unwrap(), b"unit,cycle\n");
        assert_eq!(unpacked(&packed, 10).unwrap(), None);
        assert!(unpacked(&packed[..packed.len() - 3], 11).is_err());
    }
}
