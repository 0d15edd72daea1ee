//! Buckets: who keeps them, and how their keys are found. Registries lie in them, caches, and artifacts of runs.
//!
//! `address` reads how people name one, or a folder that serves as one.
//!
//! Keys, endpoints and regions come from the environment variables and the profile files the providers' own tools read;
//! nothing of them stands in a pipeline, and nothing of them is logged.

mod address;
mod answer;
#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "gcs")]
mod gcs;
mod network;
mod profile;
mod requests;
mod s3;

use std::sync::Arc;

pub use address::{AddressError, BucketAddress, absolute};
pub use answer::{hint, is_conflict, is_transient, is_web_page};
use object_store::ObjectStore;
use object_store::list::PaginatedListStore;
use object_store::multipart::MultipartStore;
use pdm_core::domain::EnvLookup;

pub use requests::LoggedRequest;

/// Who keeps a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon S3, or whoever speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage; the bucket is a container.
    Azure,
}

/// A bucket, by each of its faces.
pub struct Bucket {
    /// Takes and gives whole objects.
    pub objects: Arc<dyn ObjectStore>,
    /// Takes objects in parts, over several runs.
    pub parts: Arc<dyn MultipartStore>,
    /// Lists objects page by page.
    pub pages: Arc<dyn PaginatedListStore>,
}

impl Bucket {
    fn of<T: ObjectStore + MultipartStore + PaginatedListStore>(bucket: T) -> Self {
        let bucket = Arc::new(bucket);
        Self {
            objects: Arc::clone(&bucket) as _,
            parts: Arc::clone(&bucket) as _,
            pages: bucket,
        }
    }
}

/// What opening a bucket gives; an error is a sentence for people.
type OpenResult = Result<Bucket, String>;

/// Opens a bucket. Nothing is sent yet.
pub fn open(provider: Provider, bucket: &str, variable: EnvLookup<'_>) -> OpenResult {
    match provider {
        Provider::S3 => s3::open(bucket, variable),
        #[cfg(feature = "gcs")]
        Provider::Gcs => gcs::open(bucket, variable),
        #[cfg(feature = "azure")]
        Provider::Azure => azure::open(bucket, variable),
        #[cfg(not(feature = "gcs"))]
        Provider::Gcs => Err(unbuilt("gs", "gcs")),
        #[cfg(not(feature = "azure"))]
        Provider::Azure => Err(unbuilt("az", "azure")),
    }
}

#[cfg(not(all(feature = "gcs", feature = "azure")))]
fn unbuilt(scheme: &str, feature: &str) -> String {
    format!("`{scheme}://` needs a program that was built with `--features {feature}`")
}
