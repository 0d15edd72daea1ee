//! Limits the length of objects that are read whole, because anyone with write access decides their length.

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};

use super::keys::ObjectKey;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Returns the most bytes of an object that this program writes, or reads whole.
///
/// An entry has a few hundred bytes for each file of a bundle, or some sixty for each version that is collected: 4 MiB are
/// enough for ten thousand files. Long files of bundles are read in parts, whatever their length; scorecards, predictions and
/// gate reports are read whole, and 512 MiB hold millions of predictions.
pub(super) fn most_bytes(key: ObjectKey) -> u64 {
    match key {
        ObjectKey::Marker | ObjectKey::Genesis => 4 * KIB,
        ObjectKey::Probe(_) => MIB,
        ObjectKey::Log(_) => 4 * MIB,
        ObjectKey::Snapshot(_) => 32 * MIB,
        ObjectKey::Blob(_) => 512 * MIB,
    }
}

/// Reads an object of at most `most` bytes; for a longer one it returns the length known so far, and stops reading.
pub(super) async fn read(
    objects: &dyn ObjectStore,
    path: &Path,
    most: u64,
) -> object_store::Result<Result<Bytes, u64>> {
    let found = objects.get(path).await?;
    if found.meta.size > most {
        return Ok(Err(found.meta.size));
    }
    // The length of a file is exact; a server may send more than it declared.
    if matches!(found.payload, GetResultPayload::File(..)) {
        return found.bytes().await.map(Ok);
    }
    let mut parts = found.into_stream();
    let mut all = BytesMut::new();
    while let Some(part) = parts.try_next().await? {
        all.extend_from_slice(&part);
        if all.len() as u64 > most {
            return Ok(Err(all.len() as u64));
        }
    }
    Ok(Ok(all.freeze()))
}
