//! Uploads of large files in parts, directly to the store behind the server.
//!
//! The server signs one address for each part. If the store is not reachable from here, or the server keeps artifacts on its
//! own disk (status 501), the file is sent through the server in one request.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use super::client::MlflowClient;
use super::wire::{CreateUpload, EndUpload, Nothing, PartAddress, SentPart, Upload};
use crate::tracking::TrackingError;

/// Parts sent at the same time.
const SENDERS: usize = 4;

impl MlflowClient {
    /// Streams a file to a path of the server's artifact store, in parts if it is large and the store supports it.
    pub(super) fn upload(&self, path: &str, file: &Path) -> Result<(), TrackingError> {
        let bytes = file
            .metadata()
            .map_err(TrackingError::file("read", file))?
            .len();
        match self.connection().parts.of(bytes) {
            Some(parts) if self.upload_in_parts(path, file, bytes, parts)? => Ok(()),
            _ => self.put(path, file),
        }
    }

    /// Returns whether the file was sent in parts.
    fn upload_in_parts(
        &self,
        path: &str,
        file: &Path,
        bytes: u64,
        (count, chunk): (u64, u64),
    ) -> Result<bool, TrackingError> {
        // The address holds the folder, the body the file's name.
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let call = |verb| {
            ["mpu", verb]
                .into_iter()
                .chain(folder.split('/'))
                .collect::<Vec<_>>()
        };
        let begin = CreateUpload {
            path: name,
            num_parts: count,
        };
        let upload: Upload = match self.post_artifact(&call("create"), &begin) {
            Ok(upload) => upload,
            Err(TrackingError::Refused {
                status: 400 | 404 | 405 | 501,
                ..
            }) => return Ok(false),
            Err(error) => return Err(error),
        };
        let id = upload.upload_id.as_deref();
        let pieces = |number: u64| {
            let from = (number - 1) * chunk;
            [from, chunk.min(bytes - from)]
        };
        match self.send_parts(&upload.credentials, file, pieces) {
            Ok(parts) if parts.len() as u64 == count => {
                let end = EndUpload {
                    path: name,
                    upload_id: id,
                    parts: Some(parts),
                };
                self.post_artifact::<Nothing>(&call("complete"), &end)
                    .map(|Nothing {}| true)
            }
            _ => {
                // If the abort fails, the store's own rules clean up; the file is sent in one request instead.
                let end = EndUpload {
                    path: name,
                    upload_id: id,
                    parts: None,
                };
                let _ = self.post_artifact::<Nothing>(&call("abort"), &end);
                Ok(false)
            }
        }
    }

    fn send_parts(
        &self,
        addresses: &[PartAddress],
        file: &Path,
        piece: impl Fn(u64) -> [u64; 2] + Sync,
    ) -> Result<Vec<SentPart>, TrackingError> {
        let next = AtomicU64::new(0);
        let send = || {
            let mut sent = Vec::new();
            while let Some(PartAddress {
                url,
                part_number,
                headers,
            }) = usize::try_from(next.fetch_add(1, Ordering::Relaxed))
                .ok()
                .and_then(|at| addresses.get(at))
            {
                let etag = self.put_signed(url, headers, file, piece(*part_number))?;
                sent.push(SentPart {
                    part_number: *part_number,
                    etag,
                    url: url.clone(),
                });
            }
            Ok(sent)
        };
        let sent = thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS.min(addresses.len()))
                .map(|_| scope.spawn(send))
                .collect();
            let join = |sender: thread::ScopedJoinHandle<
                '_,
                Result<Vec<SentPart>, TrackingError>,
            >| { sender.join().expect("sending a part does not panic") };
            senders.into_iter().map(join).collect::<Result<Vec<_>, _>>()
        });
        let mut parts = sent?.concat();
        parts.sort_by_key(|part| part.part_number);
        Ok(parts)
    }
}
