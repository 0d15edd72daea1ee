//! Unpacks files that are packed by gzip or zstd.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

/// The format of a packed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

impl Packing {
    /// Returns the format that bytes begin with; `None` if they are not packed.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(b"\x1f\x8b\x08") {
            Some(Self::Gzip)
        } else if bytes.starts_with(b"\x28\xb5\x2f\xfd") {
            Some(Self::Zstd)
        } else {
            None
        }
    }

    /// Returns the name of the format.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// Unpacks bytes; returns `None` beyond `limit`, since the size that a file declares is not trusted.
    pub(super) fn unpacked(self, bytes: &[u8], limit: u64) -> io::Result<Option<Vec<u8>>> {
        let mut contents = Vec::new();
        match self {
            Self::Gzip => MultiGzDecoder::new(bytes)
                .take(limit + 1)
                .read_to_end(&mut contents)?,
            Self::Zstd => zstd::stream::read::Decoder::with_buffer(bytes)?
                .take(limit + 1)
                .read_to_end(&mut contents)?,
        };
        Ok((contents.len() as u64 <= limit).then_some(contents))
    }
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

    fn with_zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::stream::encode_all(bytes, 1).unwrap()
    }

    #[test]
    fn what_was_packed_is_unpacked_up_to_a_limit() {
        let files = [
            (
                Packing::Gzip,
                [packed(b"unit,"), packed(b"cycle\n")].concat(),
            ),
            (
                Packing::Zstd,
                [with_zstd(b"unit,"), with_zstd(b"cycle\n")].concat(),
            ),
        ];
        for (packing, packed) in files {
            assert_eq!(Packing::of(&packed), Some(packing));
            assert_eq!(
                packing.unpacked(&packed, 11).unwrap().unwrap(),
                b"unit,cycle\n"
            );
            assert_eq!(packing.unpacked(&packed, 10).unwrap(), None);
            assert!(packing.unpacked(&packed[..packed.len() - 3], 11).is_err());
        }
        assert_eq!(Packing::of(b"unit"), None);
    }
}
