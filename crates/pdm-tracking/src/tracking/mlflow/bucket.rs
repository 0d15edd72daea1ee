//! Artifacts of a server that stores them in a bucket to which its clients write directly.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutPayload, WriteMultipart};
use tokio::runtime::{Builder, Runtime};

use super::client::MlflowClient;
use crate::tracking::TrackingError;
use pdm_core::content::open_regular;
use pdm_store::bucket::{self, Provider};

/// Variables with the endpoint, of MLflow's own client and of the AWS tools.
const MLFLOW_ENDPOINT: &str = "MLFLOW_S3_ENDPOINT_URL";
const ENDPOINT: &str = "AWS_ENDPOINT_URL_S3";
/// Bytes of a part; a smaller file is sent in one request.
const PART: usize = 8 << 20;
/// Parts sent at the same time.
const SENDERS: usize = 4;

/// A folder in a bucket.
pub(super) struct BucketFolder {
    uri: String,
    root: String,
    bucket: bucket::Bucket,
    runtime: Runtime,
}

impl BucketFolder {
    /// Opens the folder at an address, with the settings of the bucket in the environment; `None` for other addresses.
    pub(super) fn open(uri: &str, client: &MlflowClient) -> Option<Result<Self, TrackingError>> {
        let (scheme, rest) = uri.split_once("://")?;
        let provider = match scheme {
            "s3" => Provider::S3,
            "gs" => Provider::Gcs,
            _ => return None,
        };
        let (name, root) = rest.split_once('/').unwrap_or((rest, ""));
        let lookup = &client.connection().variable;
        let variable = |name: &str| match name {
            ENDPOINT => lookup(MLFLOW_ENDPOINT).or_else(|| lookup(ENDPOINT)),
            name => lookup(name),
        };
        let refuse = |why| TrackingError::Bucket {
            location: uri.to_owned(),
            why,
            is_transient: false,
        };
        let opened = bucket::open(provider, name, &variable).map_err(refuse);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| refuse(error.to_string()));
        let root = root.trim_matches('/').to_owned();
        Some(opened.and_then(|bucket| {
            Ok(Self {
                uri: uri.to_owned(),
                root,
                bucket,
                runtime: runtime?,
            })
        }))
    }

    /// Streams a file into the folder; it appears there completely or not at all.
    pub(super) fn upload(&self, name: &str, file: &Path) -> Result<(), TrackingError> {
        let key = if self.root.is_empty() {
            name.to_owned()
        } else {
            format!("{}/{name}", self.root)
        };
        let key = Key::parse(&key).map_err(|error| TrackingError::ArtifactKey {
            name: name.to_owned(),
            why: error.to_string(),
        })?;
        let mut open = open_regular(file).map_err(TrackingError::file("read", file))?;
        let bytes = open
            .metadata()
            .map_err(TrackingError::file("read", file))?
            .len();
        let first = read(&mut open, file)?;
        let sent = match bytes <= PART as u64 {
            true => self
                .runtime
                .block_on(self.bucket.objects.put(&key, PutPayload::from(first)))
                .map(drop),
            false => self
                .runtime
                .block_on(self.in_parts(&key, first, &mut open, file))?,
        };
        sent.map_err(|error| self.failed(&error))
    }

    /// The outer error is the file's, the inner the bucket's.
    async fn in_parts(
        &self,
        key: &Key,
        first: Vec<u8>,
        open: &mut File,
        file: &Path,
    ) -> Result<object_store::Result<()>, TrackingError> {
        let upload = match self.bucket.objects.put_multipart(key).await {
            Ok(upload) => upload,
            Err(error) => return Ok(Err(error)),
        };
        let mut parts = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut piece = first;
        while !piece.is_empty() {
            if let Err(error) = parts.wait_for_capacity(SENDERS).await {
                return Ok(Err(error));
            }
            parts.put(piece.into());
            piece = match read(open, file) {
                Ok(piece) => piece,
                Err(error) => {
                    // If it fails, the bucket's lifecycle rule for unfinished uploads cleans up.
                    let _ = parts.abort().await;
                    return Err(error);
                }
            };
        }
        Ok(parts.finish().await.map(drop))
    }

    fn failed(&self, error: &object_store::Error) -> TrackingError {
        let is_transient = matches!(error, object_store::Error::Generic { .. });
        let causes =
            std::iter::successors(std::error::Error::source(error), |cause| cause.source());
        let why = causes.fold(error.to_string(), |words, cause| {
            format!("{words}: {cause}")
        });
        TrackingError::Bucket {
            location: self.uri.clone(),
            why,
            is_transient,
        }
    }
}

/// Reads the next piece of a file; empty at its end.
fn read(open: &mut File, file: &Path) -> Result<Vec<u8>, TrackingError> {
    let mut piece = Vec::new();
    open.take(PART as u64)
        .read_to_end(&mut piece)
        .map_err(TrackingError::file("read", file))?;
    Ok(piece)
}
